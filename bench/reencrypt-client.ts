import { S3Client } from '@aws-sdk/client-s3';
import { AdaptiveLimiter } from '../lib/s3/adaptive-limiter';
import { openStore } from '../lib/s3/open-store';
import { createSdkStore } from '../lib/s3/sdk-store';
import { sideBySide } from '../lib/s3/side-by-side';
import type { ObjectStore } from '../lib/s3/store';
import { listVersionPages } from '../lib/s3/version-listing';
import { NO_NAMED_SOURCES } from '../lib/s3/version-scope';
import { rotateBucket } from './whole-rotation';

/** One contestant in a process of its own: goes through the stub's bucket and prints what it cost, as JSON. */
export interface ClientRequest {
  readonly endpoint: string;
  readonly path: 'direct' | 'sdk';
  readonly work: keyof typeof WORK;
  /** Buckets `b0`, `b1`, …; absent: one that is called `b`. */
  readonly buckets?: number | undefined;
}

/** What {@link ClientRequest} cost, without the start of the process. */
export interface ClientCost {
  /** Versions that were accounted for. */
  readonly versions: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly peakRss: number;
}

const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const OLD = NEW.replace(/b$/, 'a');
/** Buckets at once, as `post-apply` takes them. */
const AT_ONCE = 16;

/** Returns the number of versions it handled. */
type Work = (store: ObjectStore, buckets: readonly string[]) => Promise<number>;

const WORK = {
  rotate: (store, [bucket = 'b']) => rotate(store, bucket, { any: false }),
  'rotate-any': (store, [bucket = 'b']) => rotate(store, bucket, { any: true }),
  fleet: async (store, buckets) => {
    const limiter = new AdaptiveLimiter();
    const verified = await sideBySide(buckets, AT_ONCE, (bucket) => rotate(store, bucket, { any: false, limiter }));
    return verified.reduce((sum, one) => sum + one, 0);
  },
  list: async (store, [bucket = 'b']) => {
    let versions = 0;
    for await (const page of listVersionPages(store, { bucket })) versions += page.versions.length;
    return versions;
  },
} as const satisfies Readonly<Record<string, Work>>;

/** @returns versions under the new key by the verification */
async function rotate(
  store: ObjectStore,
  bucket: string,
  { any, limiter }: { readonly any: boolean; readonly limiter?: AdaptiveLimiter },
): Promise<number> {
  const sources = { versionKeyArns: [OLD], unresolvedVersions: [], from: { ...NO_NAMED_SOURCES, any } };
  const { moved, verified } = await rotateBucket(store, { bucket, activeKeyArn: NEW, sources, limiter });
  const { underActive } = verified.account;
  if (!moved.complete || underActive !== moved.moved) throw new Error(JSON.stringify(verified.account));
  return underActive;
}

async function main({ endpoint, path, work, buckets }: ClientRequest): Promise<void> {
  const credentials = { accessKeyId: 'A', secretAccessKey: 'B' };
  const s3 = new S3Client({ region: 'ap-northeast-1', endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
  const { store, close } = path === 'sdk' ? { store: createSdkStore(s3), close: async () => undefined } : openStore(s3);
  const names = buckets === undefined ? ['b'] : Array.from({ length: buckets }, (_, at) => `b${at}`);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const versions = await WORK[work](store, names);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(before);
  const cost: ClientCost = {
    versions,
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    // Kilobytes on every platform that Node runs on.
    peakRss: process.resourceUsage().maxRSS * 1024,
  };
  process.stdout.write(JSON.stringify(cost));
  await close();
  s3.destroy();
}

void main(JSON.parse(process.argv[2] ?? '') as ClientRequest);
