import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteObjectCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';

import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { versionScope } from '../../../lib/s3/version-scope';
import type { BucketVerification } from '../../../lib/verify/bucket-verification';
import type { ScopeOf } from '../../../lib/verify/scope-of';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { stateOf } from '../../support/bucket-state';
import { killAt } from '../../support/killed-run';
import { type Order, reencryptIn } from '../../support/orders';
import { alsoFrom } from '../s3/memory-store';
import { type TestEndpoint, testEndpoint } from './endpoint';

/**
 * A run is killed at one boundary after the other, before a request takes effect and after it, and the second run gets the
 * journal as it was in that moment. No boundary is left to chance.
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

const DAY = 86_400_000;
const NO_RETRY = { transientAttempts: 1, throttledAttempts: 1, baseMs: 0, capMs: 0 };
let buckets = 0;

const request = (bucket: string, over: Partial<ReencryptRequest> = {}) =>
  endpoint.request(bucket, { ...over, sources: alsoFrom({ sseS3: true }, endpoint.request(bucket).sources) });

/** One of each kind that a run treats differently. */
async function seeded(kind: 'unversioned' | 'versioned'): Promise<string> {
  buckets += 1;
  endpoint.aws.clock.offset -= DAY;
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
  endpoint.aws.clock.offset += DAY;
  return bucket;
}

/** Runs until the n-th boundary, from which on nothing gets through. True when the run ended before it. */
async function endsBefore(nth: number, bucket: string, { method, order }: Run, journalFile: string) {
  const killed = killAt(endpoint.aws, nth, { bucket, files: [journalFile] }, () => {
    if (existsSync(journalFile)) copyFileSync(journalFile, `${journalFile}.killed`);
  });
  const dying = request(bucket, { method, journalFile, concurrency: 1, retry: NO_RETRY });
  await reencryptIn(order, endpoint.store(), dying, { concurrency: 1 }).catch(() => undefined);
  killed.end();
  if (!killed.isDead) return true;
  // The journal of a killed run is the one that stood when it was killed.
  rmSync(journalFile, { force: true });
  if (existsSync(`${journalFile}.killed`)) {
    copyFileSync(`${journalFile}.killed`, journalFile);
    rmSync(`${journalFile}.killed`);
  }
  return false;
}

describe.each([
  ['rewrap', 'versioned', 'after'],
  ['rewrap', 'unversioned', 'after'],
  ['rewrap', 'versioned', 'behind'],
  ['rewrap', 'unversioned', 'behind'],
  ['rewrap', 'versioned', 'shared'],
  ['rewrite', 'versioned', 'after'],
  ['rewrite', 'unversioned', 'after'],
] as const)('a %s run over a bucket of each kind, %s, verified %s it', (method, kind, order) => {
  it('killed before or after the effect of any request, ends in the same state when run again', async () => {
    const calm = await seeded(kind);
    await reencryptBucket(endpoint.store(), request(calm, { method }));
    const expected = await stateOf(endpoint.s3, calm);
    const afterwards = { bucket: calm, activeKeyArn: endpoint.newKey, scopeOf: scopeOf(calm), read: 0 };
    const verdict = verdictOf(await verifyBucket(endpoint.store(), afterwards));

    let boundaries = 0;
    for (let nth = 1; ; nth += 1) {
      const bucket = await seeded(kind);
      const journalFile = path.join(directory, `${bucket}.ndjson`);
      if (await endsBefore(nth, bucket, { method, order }, journalFile)) break;
      boundaries += 1;
      const { result: again, verify } = await reencryptIn(
        order,
        endpoint.store(),
        request(bucket, { method, journalFile }),
      );
      if (order !== 'after') expect(verdictOf(await verify({ read: 0 }))).toEqual(verdict);
      expect(again).toMatchObject({ complete: true, failedTotal: 0 });
      expect({ nth, ...(await stateOf(endpoint.s3, bucket)) }).toEqual({ nth, ...expected });
      expect(readable(journalFile)).toBe(true);
    }
    // The beginning, the listings, the moves, and the lines of the journal: a run that had fewer would not have been one.
    expect(boundaries).toBeGreaterThan(5);
    const left = await verifyBucket(endpoint.store(), { bucket: calm, activeKeyArn: endpoint.newKey });
    expect(left.unknownTotal).toBe(0);
  }, 180_000);
});

interface Run {
  readonly method: 'rewrap' | 'rewrite';
  readonly order: Order;
}

const scopeOf =
  (bucket: string): ScopeOf =>
  (version) =>
    versionScope({ activeKeyArn: endpoint.newKey, ...request(bucket).sources }, version);

/** What a verification finds, without the bucket's name. */
function verdictOf({ account, byKey, unknownTotal }: BucketVerification) {
  return { account, byKey: Object.fromEntries(Object.entries(byKey).toSorted()), unknownTotal };
}

function readable(file: string): boolean {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.every((line) => typeof JSON.parse(line).type === 'string');
}
