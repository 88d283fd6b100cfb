import {
  CreateBucketCommand,
  GetObjectLegalHoldCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { openDirectClient } from '../../../lib/s3/direct-client';
import { createDirectStore } from '../../../lib/s3/direct-store';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import type { ObjectStore } from '../../../lib/s3/store';
import { StoreFault } from '../../../lib/s3/store-fault';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';
import { type TestEndpoint, testEndpoint } from './endpoint';

/** What HEAD does not show to who may not read it, or to anybody. */
const MiB = 1024 ** 2;
/** In the product objects above 5 GiB are copied in parts; here above 5 MiB. */
const copySizes = { multipartAbove: 5 * MiB, minPart: 5 * MiB };
const TAGS = { Body: Buffer.alloc(5 * MiB + 3, 'abc'), Tagging: 'keep=10y&owner=legal' };
const HIDDEN = ['s3:GetObjectTagging', 's3:GetObjectVersionTagging', 's3:GetObjectLegalHold', 's3:GetObjectRetention'];
const MOST = [
  ...['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectAcl', 's3:GetObjectVersionAcl', 's3:PutObject'],
  ...['s3:PutObjectTagging', 's3:ListBucket', 's3:ListBucketVersions', 's3:GetBucketVersioning'],
  ...['s3:ListBucketMultipartUploads', 's3:AbortMultipartUpload', 's3:ListObjectAnnotations'],
  ...['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
];

let e: TestEndpoint;
let users = 0;
beforeAll(async () => {
  e = await testEndpoint();
});
afterAll(() => e.close());

/** Rewrites a bucket as somebody who may not do one or another thing. */
async function rewriteWithout(bucket: string, ...missing: readonly string[]) {
  const user = {
    accessKeyId: `AKIDLIMITED0000000${10 + users++}`,
    secretAccessKey: 'example-secret-of-a-limited-user',
  };
  e.aws.credentials.addUser('limited', user);
  e.aws.credentials.limit(user.accessKeyId, [...MOST, ...HIDDEN.filter((action) => !missing.includes(action))]);
  const s3 = new S3Client({
    region: e.aws.region,
    endpoint: e.aws.url,
    credentials: user,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const direct = openDirectClient(s3);
  try {
    const request = e.request(bucket, { method: 'rewrite', copySizes });
    return await reencryptBucket(createDirectStore(direct, createSdkStore(s3)), request);
  } finally {
    await direct.close();
    s3.destroy();
  }
}

const tagsOf = async (Bucket: string, Key: string) =>
  (await e.s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;
const keyOf = async (Bucket: string, Key: string) =>
  (await e.s3.send(new HeadObjectCommand({ Bucket, Key }))).SSEKMSKeyId;

async function lockedBucket(Bucket: string): Promise<string> {
  const CreateBucketConfiguration = { LocationConstraint: e.aws.region } as never;
  await e.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration, ObjectLockEnabledForBucket: true }));
  return Bucket;
}

describe('a copy in parts', () => {
  it.each([
    ['tags', undefined, 's3:GetObjectTagging'],
    ['tags-of-versions', 'Enabled', 's3:GetObjectVersionTagging'],
  ] as const)(
    'fails when the %s of an object cannot be read, names the permission and loses none',
    async (name, versioning, action) => {
      const bucket = await e.bucket(name, versioning);
      await e.put(bucket, 'large', TAGS);
      const run = await rewriteWithout(bucket, action);
      expect(run).toMatchObject({ moved: 0, failedTotal: 1, complete: false });
      expect(run.failed[0]?.reason).toContain(`${action} is missing`);
      expect(await tagsOf(bucket, 'large')).toHaveLength(2);
      expect(await keyOf(bucket, 'large')).toBe(e.oldKey);
    },
  );

  it('carries tags that HEAD does not count', async () => {
    const bucket = await e.bucket('hidden-count', 'Enabled');
    await e.put(bucket, 'large', TAGS);
    expect(await rewriteWithout(bucket, 's3:GetObjectTagging')).toMatchObject({ moved: 1, failedTotal: 0 });
    expect(await tagsOf(bucket, 'large')).toHaveLength(2);
  });

  it.each(['Thu, 01 Dec 2094 16:00:00 GMT', 'tomorrow, or so'])('carries Expires as it is: %s', async (expires) => {
    const bucket = await e.bucket(`expires-${expires.length}`);
    await e.put(bucket, 'large', { Body: TAGS.Body, Metadata: { 'x-y': 'z' }, CacheControl: 'no-store' });
    const store = e.store();
    const withExpires: ObjectStore = {
      ...store,
      head: async (ref, options) => {
        const head = await store.head(ref, options);
        const { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage } = head.content;
        const { websiteRedirect, metadata, hiddenMetadata, checksum } = head.content;
        const headers = { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage };
        return { ...head, content: { ...headers, websiteRedirect, metadata, hiddenMetadata, checksum, expires } };
      },
    };
    const run = await reencryptBucket(withExpires, e.request(bucket, { method: 'rewrite', copySizes }));
    expect(run).toMatchObject({ moved: 1, failedTotal: 0 });
    const after = await e.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'large' }));
    expect(after).toMatchObject({ ExpiresString: expires, Metadata: { 'x-y': 'z' }, CacheControl: 'no-store' });
  });
});

describe('a rewrite in a bucket with object lock', () => {
  it.each(['s3:GetObjectLegalHold', 's3:GetObjectRetention'])(
    'fails when it may not ask for locks: %s',
    async (action) => {
      const bucket = await lockedBucket(`held-without-${action.slice(12).toLowerCase()}`);
      await e.put(bucket, 'small', { Body: 'x', ObjectLockLegalHoldStatus: 'ON' });
      await e.put(bucket, 'free', { Body: 'x' });
      const run = rewriteWithout(bucket, action);
      await expect(run).rejects.toMatchObject({ code: 'aws-access-denied', facts: { action } });
      const hold = await e.s3.send(new GetObjectLegalHoldCommand({ Bucket: bucket, Key: 'small' }));
      expect(hold.LegalHold?.Status).toBe('ON');
      expect(await keyOf(bucket, 'small')).toBe(e.oldKey);
    },
  );

  it('blocks a hold that HEAD does not show, and moves the rest', async () => {
    const bucket = await lockedBucket('held-and-hidden');
    await e.put(bucket, 'small', { Body: 'x', ObjectLockLegalHoldStatus: 'ON' });
    await e.put(bucket, 'free', { Body: 'x' });
    const store = e.store();
    const hidden: ObjectStore = {
      ...store,
      head: async (ref, options) => Object.assign(await store.head(ref, options), { lock: undefined }),
    };
    const run = await reencryptBucket(hidden, e.request(bucket, { method: 'rewrite' }));
    expect(run).toMatchObject({ moved: 1, failedTotal: 0 });
    expect(run.blocked).toContainEqual(expect.objectContaining({ key: 'small', reason: 'legal-hold' }));
    expect(await keyOf(bucket, 'small')).toBe(e.oldKey);
  });
});

describe('what the embedded endpoint does not know', () => {
  const request = (over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
    bucket: 'b',
    targetKeyArn: NEW_KEY,
    sources: SOURCES,
    bucketKeyDefault: true,
    method: 'rewrap',
    dryRun: false,
    retry: { baseMs: 1, capMs: 8 },
    ...over,
  });

  it.each([false, true])(
    'blocks an annotated version by rewrap, optimistic: %s, and moves the others',
    async (optimistic) => {
      const bucket = new MemoryBucket();
      bucket.annotated = new Set(['annotated']);
      for (const key of ['annotated', 'plain']) bucket.put(key);
      const sources = { ...SOURCES, from: { ...SOURCES.from, any: optimistic } };
      const run = await reencryptBucket(memoryStore(bucket), request({ optimistic, sources, maxPasses: 1 }));
      expect(run).toMatchObject({ moved: 1, blockedTotal: 1 });
      expect(run.blocked[0]).toMatchObject({ key: 'annotated', reason: 'annotated', earliest: undefined });
      expect(bucket.current('annotated')?.head.encryption).toEqual(underKey(OLD_KEY));
    },
  );

  it('copies an annotated object in one piece, and blocks it in parts', async () => {
    const bucket = new MemoryBucket();
    bucket.annotated = new Set(['small', 'large']);
    bucket.put('small');
    bucket.put('large', { body: 'x'.repeat(100) });
    const sizes = { multipartAbove: 50, minPart: 5 * MiB };
    const run = await reencryptBucket(memoryStore(bucket), request({ method: 'rewrite', copySizes: sizes }));
    expect(run).toMatchObject({ moved: 1, blockedTotal: 1 });
    expect(run.blocked[0]).toMatchObject({ key: 'large', reason: 'annotated' });
  });

  it('fails when annotations cannot be asked for, and moves nothing', async () => {
    const bucket = new MemoryBucket();
    bucket.put('a');
    const denied = new StoreFault({
      operation: 'ListObjectAnnotations',
      status: 403,
      code: 'AccessDenied',
      message: 'User: x is not authorized to perform: s3:ListObjectAnnotations',
    });
    const store: ObjectStore = { ...memoryStore(bucket), annotated: () => Promise.reject(denied) };
    const run = reencryptBucket(store, request());
    await expect(run).rejects.toMatchObject({
      code: 'aws-access-denied',
      facts: { action: 's3:ListObjectAnnotations' },
    });
    expect(bucket.current('a')?.head.encryption).toEqual(underKey(OLD_KEY));
  });

  it.each(['rewrap', 'rewrite'] as const)(
    'blocks an event hold without a date, and an unknown mode, by %s',
    async (method) => {
      const bucket = new MemoryBucket();
      bucket.versioning = 'enabled';
      const until = bucket.clock + 86_400_000;
      const lock = (over: object) =>
        ({ mode: 'GOVERNANCE', until, legalHold: false, eventHold: false, ...over }) as const;
      bucket.put('event', { head: { lock: lock({ eventHold: true }) } });
      bucket.put('other', { head: { lock: lock({ mode: 'OTHER' }) } });
      const run = await reencryptBucket(memoryStore(bucket), request({ method }));
      expect(run).toMatchObject({ moved: 0, blockedTotal: 2 });
      expect(run.blocked).toContainEqual(
        expect.objectContaining({ key: 'event', reason: 'event-hold', earliest: undefined }),
      );
      expect(run.blocked).toContainEqual(expect.objectContaining({ key: 'other', reason: 'object-lock' }));
    },
  );

  it('fails when HEAD does not show all metadata of an object that is copied in parts', async () => {
    const bucket = new MemoryBucket();
    const put = bucket.put('large', { body: 'x'.repeat(100) });
    put.head = { ...put.head, content: { ...put.head.content, hiddenMetadata: 2 } };
    const sizes = { multipartAbove: 50, minPart: 5 * MiB };
    const run = await reencryptBucket(memoryStore(bucket), request({ method: 'rewrite', copySizes: sizes }));
    expect(run).toMatchObject({ moved: 0, failedTotal: 1 });
    expect(run.failed[0]?.reason).toContain('2 entries of its metadata');
  });
});
