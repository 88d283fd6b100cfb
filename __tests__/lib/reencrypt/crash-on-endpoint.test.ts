import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';

import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { type TestEndpoint, testEndpoint } from './endpoint';

/**
 * A process that is killed sends no further request and writes no further byte. Here the endpoint drops every request
 * from one boundary on, before it takes effect or after, and the journal is set aside as it is in that moment: the
 * second run gets that copy. Every boundary of the run is tried, none is left to chance.
 */

let endpoint: TestEndpoint;
let directory: string;
beforeAll(async () => {
  endpoint = await testEndpoint();
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-journal-'));
});
afterAll(async () => {
  await endpoint.close();
  rmSync(directory, { recursive: true });
});

const NO_RETRY = { transientAttempts: 1, throttledAttempts: 1, baseMs: 0, capMs: 0 };
let buckets = 0;

/** One of each kind that a run treats differently. */
async function seeded(kind: 'unversioned' | 'versioned'): Promise<string> {
  buckets += 1;
  const bucket = await endpoint.bucket(`crash-${buckets}`);
  await endpoint.put(bucket, 'a null version', { Metadata: { m: '1' }, Tagging: 't=1' });
  if (kind === 'versioned') {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await endpoint.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    await endpoint.put(bucket, 'a null version', { Body: 'second' });
    await endpoint.put(bucket, 'deleted');
    await endpoint.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'deleted' }));
  }
  await endpoint.put(bucket, 'already there', { SSEKMSKeyId: endpoint.newKey });
  await endpoint.put(bucket, 'both layers', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
  await endpoint.put(bucket, 'no bucket key', { BucketKeyEnabled: false });
  await endpoint.put(bucket, 'sse-s3', {
    ServerSideEncryption: 'AES256',
    SSEKMSKeyId: undefined,
    BucketKeyEnabled: undefined,
  });
  await endpoint.put(bucket, 'archived', { StorageClass: 'GLACIER' });
  return bucket;
}

/** All that a person could see of a bucket, but for what S3 makes up: ids, and the ETags and dates of copies. */
async function stateOf(Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await endpoint.s3.send(new ListObjectVersionsCommand({ Bucket }));
  const versions = [];
  for (const { Key, VersionId, IsLatest, StorageClass } of Versions) {
    const head = await endpoint.s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
    const tags = await endpoint.s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }));
    const body =
      head.StorageClass === 'GLACIER'
        ? 'archived'
        : await (await endpoint.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
    const { Metadata, SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled, ContentLength } = head;
    const under = { SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled };
    versions.push({ Key, IsLatest, StorageClass, Metadata, ContentLength, TagSet: tags.TagSet, body, ...under });
  }
  return { versions, deleteMarkers: DeleteMarkers.map(({ Key, IsLatest }) => ({ Key, IsLatest })) };
}

/** Runs until the n-th request, from which on nothing gets through. True when the run ended before it. */
async function runUntil(
  bucket: string,
  method: 'rewrap' | 'rewrite',
  nth: number,
  side: 'before' | 'after',
  journalFile: string,
) {
  let seen = 0;
  let isDead = false;
  const die = () => {
    if (!isDead && existsSync(journalFile)) copyFileSync(journalFile, `${journalFile}.killed`);
    isDead = true;
    return 'reset' as const;
  };
  const unhook = endpoint.aws.requests.hook({
    before: () => {
      seen += 1;
      return isDead || (side === 'before' && seen === nth) ? die() : undefined;
    },
    after: () => (isDead || seen === nth ? die() : undefined),
  });
  const request = endpoint.request(bucket, { method, journalFile, concurrency: 1, retry: NO_RETRY });
  await reencryptBucket(endpoint.store(), request).catch(() => undefined);
  unhook();
  if (!isDead) return true;
  // The journal of a killed run is the one that stood when it was killed.
  rmSync(journalFile, { force: true });
  if (existsSync(`${journalFile}.killed`)) {
    copyFileSync(`${journalFile}.killed`, journalFile);
    rmSync(`${journalFile}.killed`);
  }
  return false;
}

describe.each([
  ['rewrap', 'versioned'],
  ['rewrap', 'unversioned'],
  ['rewrite', 'versioned'],
  ['rewrite', 'unversioned'],
] as const)('a %s run over a bucket of each kind, %s', (method, kind) => {
  it.each(['before', 'after'] as const)(
    'killed %s the effect of any request, ends in the same state when run again',
    async (side) => {
      const calm = await seeded(kind);
      await reencryptBucket(endpoint.store(), endpoint.request(calm, { method }));
      const expected = await stateOf(calm);

      let boundaries = 0;
      for (let nth = 1; ; nth += 1) {
        const bucket = await seeded(kind);
        const journalFile = path.join(directory, `${bucket}.ndjson`);
        if (await runUntil(bucket, method, nth, side, journalFile)) break;
        boundaries += 1;
        const again = await reencryptBucket(endpoint.store(), endpoint.request(bucket, { method, journalFile }));
        expect(again).toMatchObject({ complete: true, failedTotal: 0 });
        expect({ nth, ...(await stateOf(bucket)) }).toEqual({ nth, ...expected });
        expect(readable(journalFile)).toBe(true);
      }
      // Listings, looks, moves and comparisons: a run that had fewer would not have been one.
      expect(boundaries).toBeGreaterThan(15);
      const left = await verifyBucket(endpoint.store(), { bucket: calm, activeKeyArn: endpoint.newKey });
      expect(left.unknownTotal).toBe(0);
    },
    180_000,
  );
});

function readable(file: string): boolean {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.every((line) => typeof JSON.parse(line).type === 'string');
}
