import { DisableKeyCommand } from '@aws-sdk/client-kms';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';

import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { alsoFrom } from '../s3/memory-store';
import { type TestEndpoint, testEndpoint } from './endpoint';

/** Names that have broken object tools before. */
const ODD_KEYS = [
  'plain',
  'with space',
  'plus+plus',
  'per%cent',
  'per%20cent',
  'ünï/cödé/日本語/😀',
  '/leading',
  '//double//',
  '../up',
  'a/./b/../c',
  'question?mark#hash&amp',
  'tab\tnewline\nbell\u0007',
  'quotes\'"*!()',
  'k'.repeat(1024),
];

describe.each(['wire', 'sdk'] as const)('a bucket on the endpoint, over the %s path', (path) => {
  let endpoint: TestEndpoint;
  beforeAll(async () => {
    endpoint = await testEndpoint();
  });
  afterAll(() => endpoint.close());

  it.each(['unversioned', 'versioned'] as const)(
    'keeps every odd key of an %s bucket and moves it by rewrap',
    async (kind) => {
      const bucket = await endpoint.bucket(`odd-${kind}`, kind === 'versioned' ? 'Enabled' : undefined);
      for (const key of ODD_KEYS) await endpoint.put(bucket, key);
      const store = endpoint.store(path);
      const result = await reencryptBucket(store, endpoint.request(bucket));
      expect(result).toMatchObject({ objectVersions: ODD_KEYS.length, moved: ODD_KEYS.length, complete: true });
      for (const Key of ODD_KEYS) {
        const got = await endpoint.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
        expect(got.SSEKMSKeyId).toBe(endpoint.newKey);
        expect(await got.Body?.transformToString()).toBe(`body of ${Key}`);
      }
    },
  );

  it('rewrites objects with unusual keys', async () => {
    const bucket = await endpoint.bucket('odd-rewrite');
    for (const key of ODD_KEYS) await endpoint.put(bucket, key, { Metadata: { m: '1' } });
    const result = await reencryptBucket(endpoint.store(path), endpoint.request(bucket, { method: 'rewrite' }));
    expect(result).toMatchObject({ moved: ODD_KEYS.length, failedTotal: 0, complete: true });
    for (const Key of ODD_KEYS) {
      const head = await endpoint.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      expect(head).toMatchObject({ SSEKMSKeyId: endpoint.newKey, BucketKeyEnabled: true, Metadata: { m: '1' } });
    }
  });

  it('moves noncurrent and null versions, and afterwards the old key opens nothing', async () => {
    const bucket = await endpoint.bucket('history', undefined);
    await endpoint.put(bucket, 'a', { Body: 'null version' });
    await endpoint.s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const second = await endpoint.put(bucket, 'a', { Body: 'second' });
    await endpoint.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a' }));
    const store = endpoint.store(path);

    const before = await verifyBucket(store, { bucket, activeKeyArn: endpoint.newKey });
    expect(before).toMatchObject({
      objectVersions: 2,
      deleteMarkers: 1,
      leftTotal: 2,
      byKey: { [endpoint.oldKey]: 2 },
    });
    expect(before.left[0]).toMatchObject({ key: 'a', keyArn: endpoint.oldKey });

    const result = await reencryptBucket(store, endpoint.request(bucket));
    expect(result).toMatchObject({ objectVersions: 2, deleteMarkers: 1, moved: 2, complete: true });
    const after = await verifyBucket(store, { bucket, activeKeyArn: endpoint.newKey, read: 'all' });
    expect(after).toMatchObject({
      leftTotal: 0,
      unknownTotal: 0,
      byKey: { [endpoint.newKey]: 2 },
      read: { versions: 2 },
    });

    for (const VersionId of ['null', second]) {
      const got = await endpoint.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'a', VersionId }));
      expect(got.SSEKMSKeyId).toBe(endpoint.newKey);
    }
  });

  it('refuses to call a bucket verified whose active key opens nothing', async () => {
    const other = await testEndpoint();
    try {
      const bucket = await other.bucket('unreadable');
      await other.put(bucket, 'a', { SSEKMSKeyId: other.newKey });
      await other.kms.send(new DisableKeyCommand({ KeyId: other.newKey }));
      const found = await verifyBucket(other.store(path), { bucket, activeKeyArn: other.newKey });
      expect(found).toMatchObject({ leftTotal: 0, unknownTotal: 1 });
      expect(found.unknown[0]?.reason).toContain('KMS.DisabledException');
    } finally {
      await other.close();
    }
  });

  it('fails when the target key is disabled, before anything has moved', async () => {
    const other = await testEndpoint();
    try {
      const bucket = await other.bucket('target-disabled');
      await other.put(bucket, 'a');
      await other.kms.send(new DisableKeyCommand({ KeyId: other.newKey }));
      const run = reencryptBucket(other.store(path), other.request(bucket));
      await expect(run).rejects.toMatchObject({ code: 'target-key-unusable', facts: { keyArn: other.newKey } });
    } finally {
      await other.close();
    }
  });

  it.each(['rewrap', 'rewrite'] as const)(
    'blocks what a disabled old key holds, and moves the rest by %s',
    async (method) => {
      const other = await testEndpoint();
      try {
        const bucket = await other.bucket('source-disabled');
        await other.put(bucket, 'held by the old key');
        await other.put(bucket, 'sse-s3', {
          ServerSideEncryption: 'AES256',
          SSEKMSKeyId: undefined,
          BucketKeyEnabled: undefined,
        });
        await other.kms.send(new DisableKeyCommand({ KeyId: other.oldKey }));
        const sources = alsoFrom({ sseS3: true }, other.request(bucket).sources);
        const result = await reencryptBucket(other.store(path), other.request(bucket, { method, sources }));
        expect(result).toMatchObject({ moved: 1, blockedTotal: 1, failedTotal: 0, complete: true });
        expect(result.blocked[0]).toMatchObject({ key: 'held by the old key', reason: 'source-key-unusable' });
        const found = await verifyBucket(other.store(path), { bucket, activeKeyArn: other.newKey });
        expect(found).toMatchObject({ leftTotal: 1, unknownTotal: 0 });
      } finally {
        await other.close();
      }
    },
  );

  it.each(['s3:ListBucketVersions', 's3:GetObject', 's3:UpdateObjectEncryption'])(
    'fails when %s is denied, and names it',
    async (denied) => {
      const other = await testEndpoint();
      try {
        const bucket = await other.bucket('denied');
        await other.put(bucket, 'a');
        const allowed = [
          's3:GetBucketVersioning',
          's3:ListBucketVersions',
          's3:ListBucketMultipartUploads',
          's3:GetObject',
          's3:GetObjectVersion',
          's3:UpdateObjectEncryption',
          's3:ListObjectAnnotations',
          's3:PutObject',
          'kms:*',
        ];
        other.aws.credentials.limit(
          other.aws.accessKey.accessKeyId,
          allowed.filter((action) => action !== denied),
        );
        const run = reencryptBucket(other.store(path), other.request(bucket));
        await expect(run).rejects.toMatchObject({ code: 'aws-access-denied', facts: { action: denied }, exitCode: 77 });
      } finally {
        await other.close();
      }
    },
  );
});
