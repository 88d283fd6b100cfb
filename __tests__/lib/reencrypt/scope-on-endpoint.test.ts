import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { HeadObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';

import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { alsoFrom } from '../s3/memory-store';
import { type TestEndpoint, testEndpoint } from './endpoint';

const SSE_S3 = { ServerSideEncryption: 'AES256', SSEKMSKeyId: undefined, BucketKeyEnabled: undefined } as const;

let e: TestEndpoint;
let tenantKey: string;
let directory: string;
let buckets = 0;
beforeAll(async () => {
  e = await testEndpoint();
  tenantKey = (await e.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-scope-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await e.close();
});

/** Objects of this rotation, of a tenant with a key of its own, and one that anybody may read. */
async function tenants(): Promise<string> {
  buckets += 1;
  const bucket = await e.bucket(`tenants-${buckets}`);
  const under: Record<string, Partial<PutObjectCommandInput>> = {
    'common/a': {},
    'common/there': { SSEKMSKeyId: e.newKey },
    'common/there, without a bucket key': { SSEKMSKeyId: e.newKey, BucketKeyEnabled: false },
    'public/a': SSE_S3,
    'tenant7/a': { SSEKMSKeyId: tenantKey },
    'tenant7/twice': { SSEKMSKeyId: tenantKey, ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined },
  };
  for (const [key, over] of Object.entries(under)) await e.put(bucket, key, over);
  return bucket;
}

const keyOf = async (Bucket: string, Key: string) =>
  (await e.s3.send(new HeadObjectCommand({ Bucket, Key }))).SSEKMSKeyId;
const run = (bucket: string, over: Partial<ReencryptRequest> = {}) =>
  reencryptBucket(e.store(), e.request(bucket, over));
const from = (named: Parameters<typeof alsoFrom>[0]) => alsoFrom(named, e.request('').sources);

describe.each(['rewrap', 'rewrite'] as const)('what a rotation moves by %s', (method) => {
  it('is what is under a superseded version: the rest is counted by key and stays', async () => {
    const bucket = await tenants();
    const expected = {
      moved: 1,
      alreadyThere: 2,
      outOfScope: { 'SSE-S3': 1, [tenantKey]: 1, [`DSSE:${tenantKey}`]: 1 },
      blockedTotal: 0,
      complete: true,
    };
    expect(await run(bucket, { method, dryRun: true })).toMatchObject(expected);
    const evidence = { directory: path.join(directory, bucket), name: 'objects' };
    expect(await run(bucket, { method, evidence })).toMatchObject(expected);
    expect(await keyOf(bucket, 'common/a')).toBe(e.newKey);
    expect(await keyOf(bucket, 'tenant7/a')).toBe(tenantKey);
    expect(await keyOf(bucket, 'tenant7/twice')).toBe(tenantKey);
    expect(await keyOf(bucket, 'public/a')).toBeUndefined();
    const lines = readdirSync(evidence.directory).flatMap((name) =>
      gunzipSync(readFileSync(path.join(evidence.directory, name)))
        .toString()
        .split('\n')
        .filter(Boolean),
    );
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ key: 'tenant7/a', outcome: 'out-of-scope', from: tenantKey }),
    );
  });

  it('is also what reencrypt.from names', async () => {
    const bucket = await tenants();
    const byKey = await run(bucket, { method, sources: from({ keyArns: [tenantKey] }) });
    expect(byKey).toMatchObject({ moved: method === 'rewrap' ? 2 : 3, outOfScope: { 'SSE-S3': 1 } });
    expect(byKey.blocked.map(({ reason }) => reason)).toEqual(method === 'rewrap' ? ['dual-layer'] : []);
    expect(await run(bucket, { method, sources: from({ sseS3: true }) })).toMatchObject({ moved: 1 });
    expect(await keyOf(bucket, 'public/a')).toBe(e.newKey);
  });

  it('is with any all that can be moved', async () => {
    const bucket = await tenants();
    const all = await run(bucket, { method, sources: from({ any: true }) });
    expect(all).toMatchObject({ moved: method === 'rewrap' ? 3 : 4, outOfScope: {}, alreadyThere: 2 });
  });

  it('is nothing whose key cannot be determined: it is blocked', async () => {
    const bucket = await tenants();
    const sources = { ...e.request(bucket).sources, versionKeyArns: [], unresolvedVersions: ['v1'] };
    const found = await run(bucket, { method, sources });
    expect(found).toMatchObject({ moved: 0, blockedTotal: 3, outOfScope: { 'SSE-S3': 1 } });
    expect(found.blocked[0]).toMatchObject({ reason: 'unknown-encryption', detail: expect.stringContaining('v1') });
  });
});

it('inspects each version before it is moved, optimistic or not, as long as anything is out of scope', async () => {
  const bucket = await tenants();
  expect(await run(bucket, { optimistic: true })).toMatchObject({ moved: 1, alreadyThere: 2 });
  expect(await keyOf(bucket, 'tenant7/a')).toBe(tenantKey);
});

it('starts over where an interrupted run moved something else', async () => {
  const bucket = await tenants();
  const journalFile = path.join(directory, 'resumed.ndjson');
  // One pass alone leaves a journal that the next run continues from: without the change it would list nothing again.
  await run(bucket, { journalFile, maxPasses: 1 });
  expect(existsSync(journalFile)).toBe(true);
  const named = await run(bucket, { journalFile, sources: from({ keyArns: [tenantKey] }) });
  expect(named).toMatchObject({ moved: 1, outOfScope: { 'SSE-S3': 1 } });
  expect(await keyOf(bucket, 'tenant7/a')).toBe(e.newKey);
});

it('keeps the counts of what it left alone through an interruption', async () => {
  const bucket = await tenants();
  const journalFile = path.join(directory, 'counts.ndjson');
  await run(bucket, { journalFile, maxPasses: 1 });
  const again = await run(bucket, { journalFile });
  expect(again.outOfScope).toEqual({ 'SSE-S3': 1, [tenantKey]: 1, [`DSSE:${tenantKey}`]: 1 });
});
