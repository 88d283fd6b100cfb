import { S3Client } from '@aws-sdk/client-s3';
import { reencryptBucket } from '../lib/reencrypt/reencrypt-bucket';
import { openStore } from '../lib/s3/open-store';
import { createSdkStore } from '../lib/s3/sdk-store';
import type { ObjectStore } from '../lib/s3/store';
import { listVersionPages } from '../lib/s3/version-listing';
import { NO_NAMED_SOURCES } from '../lib/s3/version-scope';
import { verifyBucket } from '../lib/verify/verify-bucket';
import { rotateBucket } from './whole-rotation';

/** One contestant in a process of its own: goes through the stub's bucket and prints what it cost, as JSON. */

const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';

const OLD = NEW.replace(/b$/, 'a');

/** Returns the number of versions it handled. */
type Work = (store: ObjectStore) => Promise<number>;

const WORK: Readonly<Record<string, Work>> = {
  rewrap: (store) => rewrap(store, false),
  optimistic: (store) => rewrap(store, true),
  rotation: (store) => rotation(store, false),
  'rotation-any': (store) => rotation(store, true),
  verify: async (store) => (await verifyBucket(store, { bucket: 'b', activeKeyArn: NEW, read: 0 })).objectVersions,
  list: async (store) => {
    let versions = 0;
    for await (const page of listVersionPages(store, { bucket: 'b' })) versions += page.versions.length;
    return versions;
  },
};

async function rewrap(store: ObjectStore, optimistic: boolean): Promise<number> {
  const result = await reencryptBucket(store, {
    bucket: 'b',
    targetKeyArn: NEW,
    sources: { versionKeyArns: [OLD], unresolvedVersions: [], from: { ...NO_NAMED_SOURCES, any: optimistic } },
    bucketKeyDefault: true,
    method: 'rewrap',
    dryRun: false,
    maxPasses: 1,
    optimistic,
  });
  return result.moved;
}

async function rotation(store: ObjectStore, any: boolean): Promise<number> {
  const sources = { versionKeyArns: [OLD], unresolvedVersions: [], from: { ...NO_NAMED_SOURCES, any } };
  const { moved, verified } = await rotateBucket(store, { bucket: 'b', activeKeyArn: NEW, sources });
  if (verified.account.underActive !== moved.moved) throw new Error(JSON.stringify(verified.account));
  return moved.moved;
}

async function main(endpoint: string, path: string, mode: string): Promise<void> {
  const credentials = { accessKeyId: 'A', secretAccessKey: 'B' };
  const s3 = new S3Client({ region: 'ap-northeast-1', endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
  const { store, close } = path === 'sdk' ? { store: createSdkStore(s3), close: async () => undefined } : openStore(s3);
  const work = WORK[mode];
  if (!work) throw new Error(`no such work: ${mode}`);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const versions = await work(store);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(before);
  process.stdout.write(
    `${JSON.stringify({
      versions,
      requests: store.requests(),
      seconds,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      // Kilobytes on every platform that Node runs on.
      peakRss: process.resourceUsage().maxRSS * 1024,
    })}\n`,
  );
  await close();
  s3.destroy();
}

void main(process.argv[2] ?? '', process.argv[3] ?? 'direct', process.argv[4] ?? 'rewrap');
