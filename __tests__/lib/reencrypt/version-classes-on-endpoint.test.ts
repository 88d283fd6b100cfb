import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  RestoreObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import type { BucketReencryption } from '../../../lib/reencrypt/bucket-reencryption';
import type { VersionOutcome } from '../../../lib/reencrypt/outcome';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import type { NamedSources } from '../../../lib/s3/version-scope';
import { alsoFrom } from '../s3/memory-store';
import { type TestEndpoint, testEndpoint } from './endpoint';

const METHODS = ['rewrap', 'rewrite'] as const;
type Method = (typeof METHODS)[number];
const CUSTOMER_KEY = Buffer.alloc(32, 7);
const SSE_C = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: CUSTOMER_KEY.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(CUSTOMER_KEY).digest('base64'),
  ServerSideEncryption: undefined,
  SSEKMSKeyId: undefined,
  BucketKeyEnabled: undefined,
} as const;
const SSE_S3 = { ServerSideEncryption: 'AES256', SSEKMSKeyId: undefined, BucketKeyEnabled: undefined } as const;
const IN_A_YEAR = new Date(Math.ceil(Date.now() / 1000) * 1000 + 300 * 86_400_000);

let endpoint: TestEndpoint;
let buckets = 0;
const nextName = (prefix: string) => {
  buckets += 1;
  return `${prefix}-${buckets}`;
};
beforeAll(async () => {
  endpoint = await testEndpoint();
});
afterAll(() => endpoint.close());

const andFrom = (named: Partial<NamedSources>) => alsoFrom(named, endpoint.request('').sources);
const freshBucket = (versioning?: 'Enabled' | 'Suspended') => endpoint.bucket(nextName('kinds'), versioning);

async function lockedBucket(): Promise<string> {
  const Bucket = nextName('locked');
  const CreateBucketConfiguration = { LocationConstraint: endpoint.aws.region } as never;
  await endpoint.s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration, ObjectLockEnabledForBucket: true }),
  );
  return Bucket;
}

interface Ran extends BucketReencryption {
  readonly outcomes: readonly VersionOutcome[];
}

async function run(bucket: string, method: Method, over = {}): Promise<Ran> {
  const outcomes: VersionOutcome[] = [];
  const onOutcome = (one: VersionOutcome) => outcomes.push(one);
  const result = await reencryptBucket(endpoint.store(), endpoint.request(bucket, { method, onOutcome, ...over }));
  return { ...result, outcomes };
}

function head(Bucket: string, Key: string, VersionId?: string): Promise<HeadObjectCommandOutput> {
  return endpoint.s3.send(new HeadObjectCommand({ Bucket, Key, VersionId, ChecksumMode: 'ENABLED' }));
}

async function body(Bucket: string, Key: string): Promise<string | undefined> {
  return (await endpoint.s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
}

describe.each(METHODS)('kinds of object versions by %s', (method) => {
  it.each<[string, Partial<PutObjectCommandInput>]>([
    ['SSE-KMS with bucket key', {}],
    ['SSE-KMS without bucket key', { BucketKeyEnabled: false }],
    ['SSE-S3', SSE_S3],
    ['an empty object', { Body: Buffer.alloc(0) }],
    ['STANDARD_IA', { StorageClass: 'STANDARD_IA' }],
    ['INTELLIGENT_TIERING', { StorageClass: 'INTELLIGENT_TIERING' }],
    ['GLACIER_IR', { StorageClass: 'GLACIER_IR' }],
    ['ONEZONE_IA', { StorageClass: 'ONEZONE_IA' }],
    ['REDUCED_REDUNDANCY', { StorageClass: 'REDUCED_REDUNDANCY' }],
    ['tags', { Tagging: 'a=1&b=x%20y' }],
    ['user metadata', { Metadata: { owner: 'team-a', note: 'with spaces' } }],
    [
      'content headers and redirect',
      {
        ContentType: 'application/x-thing',
        CacheControl: 'max-age=60',
        ContentDisposition: 'attachment; filename="x"',
        ContentEncoding: 'identity',
        ContentLanguage: 'de',
        WebsiteRedirectLocation: '/elsewhere',
      },
    ],
    ['a CRC32 checksum', { ChecksumAlgorithm: 'CRC32' }],
    ['a CRC32C checksum', { ChecksumAlgorithm: 'CRC32C' }],
    ['a CRC64NVME checksum', { ChecksumAlgorithm: 'CRC64NVME' }],
    ['a SHA1 checksum', { ChecksumAlgorithm: 'SHA1' }],
    ['a SHA256 checksum', { ChecksumAlgorithm: 'SHA256' }],
  ])('moves %s and keeps all that belongs to it', async (_what, over) => {
    const bucket = await freshBucket();
    await endpoint.put(bucket, 'key', over);
    const before = await head(bucket, 'key');
    const content = await body(bucket, 'key');
    const result = await run(bucket, method, { sources: andFrom({ sseS3: true }) });
    expect(result).toMatchObject({ moved: 1, blockedTotal: 0, failedTotal: 0, complete: true });
    const after = await head(bucket, 'key');
    expect(after).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: endpoint.newKey });
    // The object's own setting; the bucket's, which is on, where it had none.
    expect(after.BucketKeyEnabled ?? false).toBe(over.BucketKeyEnabled !== false);
    expect(kept(after, method)).toEqual(kept(before, method));
    expect(await tags(bucket, 'key')).toEqual(over.Tagging ? { a: '1', b: 'x y' } : {});
    expect(await body(bucket, 'key')).toBe(content);
  });

  it('leaves versions alone that are already under the target key', async () => {
    const bucket = await freshBucket();
    await endpoint.put(bucket, 'key', { SSEKMSKeyId: endpoint.newKey });
    const before = await head(bucket, 'key');
    expect(await run(bucket, method)).toMatchObject({ alreadyThere: 1, moved: 0, complete: true });
    expect((await head(bucket, 'key')).ETag).toBe(before.ETag);
  });

  it('counts SSE-C as out of scope, whatever the rotation file names', async () => {
    const bucket = await freshBucket();
    await unblockSseC(bucket);
    await endpoint.put(bucket, 'key', SSE_C);
    const result = await run(bucket, method, { sources: andFrom({ any: true }) });
    expect(result).toMatchObject({ moved: 0, blockedTotal: 0, outOfScope: { 'SSE-C': 1 }, complete: true });
  });

  it.each(['GOVERNANCE', 'COMPLIANCE'] as const)('blocks %s retention until its date', async (mode) => {
    const bucket = await lockedBucket();
    await endpoint.put(bucket, 'key', { ObjectLockMode: mode, ObjectLockRetainUntilDate: IN_A_YEAR });
    const result = await run(bucket, method);
    expect(result).toMatchObject({ moved: 0, blockedTotal: 1 });
    expect(result.blocked[0]).toMatchObject({
      reason: `${mode.toLowerCase()}-retention`,
      earliest: IN_A_YEAR.toISOString(),
    });
  });

  it('blocks a legal hold, and moves the object once it is lifted', async () => {
    const bucket = await lockedBucket();
    await endpoint.put(bucket, 'key', { ObjectLockLegalHoldStatus: 'ON' });
    const held = await run(bucket, method);
    expect(held.blocked[0]).toMatchObject({ reason: 'legal-hold', earliest: undefined });
    const lift = { Bucket: bucket, Key: 'key', LegalHold: { Status: 'OFF' } } as const;
    await endpoint.s3.send(new PutObjectLegalHoldCommand(lift));
    expect(await run(bucket, method)).toMatchObject({ moved: 1 });
    expect((await head(bucket, 'key')).SSEKMSKeyId).toBe(endpoint.newKey);
  });

  it('moves the null version of a bucket whose versioning is suspended', async () => {
    const bucket = await freshBucket('Suspended');
    await endpoint.put(bucket, 'key');
    expect(await run(bucket, method)).toMatchObject({ moved: 1, blockedTotal: 0, complete: true });
    const versions = await endpoint.s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(versions.Versions?.map((one) => one.VersionId)).toEqual(['null']);
    expect((await head(bucket, 'key', 'null')).SSEKMSKeyId).toBe(endpoint.newKey);
  });
});

describe('what only one method can move', () => {
  it('rewraps noncurrent versions, and rewrite reports that it cannot', async () => {
    const bucket = await freshBucket('Enabled');
    const first = await endpoint.put(bucket, 'key', { Body: 'first' });
    await endpoint.put(bucket, 'key', { Body: 'second', SSEKMSKeyId: endpoint.newKey });
    const refused = await run(bucket, 'rewrite');
    expect(refused.blocked).toMatchObject([{ key: 'key', versionId: first, reason: 'noncurrent-version' }]);
    expect(await run(bucket, 'rewrap')).toMatchObject({ moved: 1, complete: true });
    expect((await head(bucket, 'key', first)).SSEKMSKeyId).toBe(endpoint.newKey);
  });

  it('rewrites a current version of a versioned bucket into a new one, and names the one that remains', async () => {
    const bucket = await freshBucket('Enabled');
    const old = await endpoint.put(bucket, 'key', { Body: 'content' });
    const result = await run(bucket, 'rewrite');
    expect(result).toMatchObject({ moved: 1, blockedTotal: 1, complete: true });
    expect(result.blocked).toMatchObject([{ versionId: old, reason: 'noncurrent-version' }]);
    expect((await head(bucket, 'key')).SSEKMSKeyId).toBe(endpoint.newKey);
    const versions = await endpoint.s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(versions.Versions).toHaveLength(2);
  });

  it('rewrites DSSE-KMS with both layers, and rewrap blocks it', async () => {
    const bucket = await freshBucket();
    await endpoint.put(bucket, 'key', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
    const blocked = await run(bucket, 'rewrap');
    expect(blocked.blocked[0]).toMatchObject({ reason: 'dual-layer', encryption: `DSSE:${endpoint.oldKey}` });
    expect(await run(bucket, 'rewrite')).toMatchObject({ moved: 1, complete: true });
    expect(await head(bucket, 'key')).toMatchObject({
      ServerSideEncryption: 'aws:kms:dsse',
      SSEKMSKeyId: endpoint.newKey,
    });
  });

  it.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
    'rewraps %s without a restore; rewrite asks for one and then moves it',
    async (StorageClass) => {
      const [one, other] = [await freshBucket(), await freshBucket()];
      for (const bucket of [one, other]) await endpoint.put(bucket, 'key', { StorageClass });
      expect(await run(one, 'rewrap')).toMatchObject({ moved: 1, complete: true });
      expect(await head(one, 'key')).toMatchObject({ SSEKMSKeyId: endpoint.newKey, StorageClass });

      expect((await run(other, 'rewrite')).blocked[0]).toMatchObject({ reason: 'archived' });
      const RestoreRequest = { Days: 2, GlacierJobParameters: { Tier: 'Standard' } } as const;
      await endpoint.s3.send(new RestoreObjectCommand({ Bucket: other, Key: 'key', RestoreRequest }));
      expect((await run(other, 'rewrite')).blocked[0]).toMatchObject({ reason: 'being-restored' });
    },
  );

  it('copies a large object in parts and keeps what a multipart copy loses', async () => {
    const bucket = await freshBucket();
    const MiB = 1024 ** 2;
    const content = Buffer.alloc(11 * MiB + 3, 'abc');
    await endpoint.put(bucket, 'key', {
      Body: content,
      Metadata: { owner: 'team-a' },
      Tagging: 'a=1&b=x%20y',
      ContentType: 'application/x-thing',
      CacheControl: 'max-age=60',
      WebsiteRedirectLocation: '/elsewhere',
      StorageClass: 'STANDARD_IA',
      ChecksumAlgorithm: 'CRC32C',
    });
    const copySizes = { multipartAbove: 10 * MiB, minPart: 5 * MiB };
    expect(await run(bucket, 'rewrite', { copySizes })).toMatchObject({ moved: 1, failedTotal: 0, complete: true });
    const after = await head(bucket, 'key');
    expect(after).toMatchObject({
      SSEKMSKeyId: endpoint.newKey,
      BucketKeyEnabled: true,
      Metadata: { owner: 'team-a' },
      ContentType: 'application/x-thing',
      CacheControl: 'max-age=60',
      WebsiteRedirectLocation: '/elsewhere',
      StorageClass: 'STANDARD_IA',
      ContentLength: content.length,
      ChecksumType: 'FULL_OBJECT',
    });
    expect(after.ETag).toMatch(/-3"$/);
    expect(after.ChecksumCRC32C).toBeDefined();
    expect(await tags(bucket, 'key')).toEqual({ a: '1', b: 'x y' });
    expect(await body(bucket, 'key')).toBe(content.toString());
  });

  it('moves an object that was uploaded in parts, and rewrap keeps its composite checksum', async () => {
    const bucket = await freshBucket();
    const Bucket = bucket;
    const begin = await endpoint.s3.send(
      new CreateMultipartUploadCommand({
        Bucket,
        Key: 'key',
        ChecksumAlgorithm: 'SHA256',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: endpoint.oldKey,
      }),
    );
    const UploadId = begin.UploadId;
    const part = await endpoint.s3.send(
      new UploadPartCommand({ Bucket, Key: 'key', UploadId, PartNumber: 1, Body: 'part', ChecksumAlgorithm: 'SHA256' }),
    );
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256 }];
    await endpoint.s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: 'key', UploadId, MultipartUpload: { Parts } }),
    );
    const before = await head(bucket, 'key');
    expect(await run(bucket, 'rewrap')).toMatchObject({ moved: 1, complete: true });
    expect(kept(await head(bucket, 'key'), 'rewrap')).toEqual(kept(before, 'rewrap'));
  });

  it('keeps an ACL through a rewrite where the bucket still has ACLs', async () => {
    const bucket = await freshBucket();
    const Rules = [{ ObjectOwnership: 'ObjectWriter' as const }];
    await endpoint.s3.send(new PutBucketOwnershipControlsCommand({ Bucket: bucket, OwnershipControls: { Rules } }));
    await endpoint.put(bucket, 'key', { GrantRead: `id="${'a1'.repeat(32)}"` });
    const before = await endpoint.s3.send(new GetObjectAclCommand({ Bucket: bucket, Key: 'key' }));
    expect(before.Grants?.map((one) => one.Permission)).toContain('READ');
    expect(await run(bucket, 'rewrite')).toMatchObject({ moved: 1, failedTotal: 0, complete: true });
    const after = await endpoint.s3.send(new GetObjectAclCommand({ Bucket: bucket, Key: 'key' }));
    expect(after.Grants).toEqual(expect.arrayContaining(before.Grants ?? []));
  });
});

/** What must be the same afterwards. A copy has a time, an ETag and at times a checksum of its own. */
function kept(output: HeadObjectCommandOutput, method: Method) {
  const { $metadata, SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled, ...all } = output;
  if (method === 'rewrap') return all;
  const { ETag, LastModified, ...copied } = all;
  return copied;
}

async function tags(Bucket: string, Key: string): Promise<Record<string, string>> {
  const { TagSet } = await endpoint.s3.send(new GetObjectTaggingCommand({ Bucket, Key }));
  return Object.fromEntries((TagSet ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}

/** New buckets block SSE-C; old ones hold objects that were written before. */
async function unblockSseC(Bucket: string): Promise<void> {
  const Rules = [
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
    },
  ] as never;
  await endpoint.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}
