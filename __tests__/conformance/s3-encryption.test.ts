import { createHash, randomBytes } from 'node:crypto';
import {
  DeleteImportedKeyMaterialCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UpdateObjectEncryptionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { kmsClient, outcome } from './byok';
import { encryptBucket, head, newBucket, openStand, put, type S3Stand } from './s3-stand';

let stand: S3Stand;
let s3: S3Client;
let kms: ReturnType<typeof kmsClient>;
let Bucket: string;
let v1: string;
let v2: string;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
  kms = kmsClient(stand.aws);
});

afterAll(() => {
  kms.destroy();
  return stand.close();
});

beforeEach(async () => {
  v1 = await stand.newKey();
  v2 = await stand.newKey();
  Bucket = await newBucket(s3, { versioned: true });
  await encryptBucket(s3, Bucket, v1, false);
});

async function read(Key: string, rest: Partial<GetObjectCommandInput> = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...rest }));
  return (await Body?.transformToString()) ?? '';
}

const rewrap = (Key: string, KMSKeyArn: string, rest: { VersionId?: string; BucketKeyEnabled?: boolean } = {}) =>
  s3.send(
    new UpdateObjectEncryptionCommand({
      Bucket,
      Key,
      VersionId: rest.VersionId,
      ObjectEncryption: { SSEKMS: { KMSKeyArn, BucketKeyEnabled: rest.BucketKeyEnabled } },
    }),
  );

describe('what encrypts an object', () => {
  test.each([
    ['no header: the bucket default', () => ({}), () => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 })],
    ['AES256: SSE-S3', () => ({ ServerSideEncryption: 'AES256' as const }), () => ({ ServerSideEncryption: 'AES256' })],
    [
      'a key: that key',
      () => ({ ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: v2 }),
      () => ({ SSEKMSKeyId: v2 }),
    ],
    [
      'a bare key ID: its ARN',
      () => ({ ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: v2.split('/')[1] }),
      () => ({ SSEKMSKeyId: v2 }),
    ],
    [
      'dual-layer',
      () => ({ ServerSideEncryption: 'aws:kms:dsse' as const, SSEKMSKeyId: v2 }),
      () => ({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: v2 }),
    ],
    ['a bucket key', () => ({ BucketKeyEnabled: true }), () => ({ SSEKMSKeyId: v1, BucketKeyEnabled: true })],
  ] as const)('%s', async (_what, asked, told) => {
    const input: PutObjectCommandInput = { Bucket, Key: 'a', Body: 'secret', ...asked() };
    expect(await s3.send(new PutObjectCommand(input))).toMatchObject(told());
    expect(await head(s3, Bucket, 'a')).toMatchObject(told());
    expect(await read('a')).toBe('secret');
    expect(Buffer.concat(stand.aws.stored.versions(Bucket)[0]?.ciphertext ?? []).includes('secret')).toBe(false);
  });

  test('aws:kms without a key: the AWS managed key, not the bucket default', async () => {
    await put(s3, Bucket, 'a', { Body: 'x', ServerSideEncryption: 'aws:kms' });
    const { SSEKMSKeyId } = await head(s3, Bucket, 'a');
    expect(SSEKMSKeyId).toMatch(/^arn:aws:kms:.*:key\//);
    expect(SSEKMSKeyId).not.toBe(v1);
  });

  test('the same plaintext has another entity tag each time under KMS, and its MD5 under SSE-S3', async () => {
    const etag = async () => (await head(s3, Bucket, 'a')).ETag;
    await put(s3, Bucket, 'a');
    const first = await etag();
    await put(s3, Bucket, 'a');
    expect(await etag()).not.toBe(first);
    await put(s3, Bucket, 'a', { Body: 'content', ServerSideEncryption: 'AES256' });
    expect(await etag()).toBe(`"${createHash('md5').update('content').digest('hex')}"`);
  });

  test('a context of the writer is bound to the data key', async () => {
    const SSEKMSEncryptionContext = Buffer.from('{"team":"ops"}').toString('base64');
    const input = {
      Bucket,
      Key: 'a',
      Body: 'x',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: v1,
      SSEKMSEncryptionContext,
    } as const;
    expect((await s3.send(new PutObjectCommand(input))).SSEKMSEncryptionContext).toBe(SSEKMSEncryptionContext);
    await rewrap('a', v2);
    expect(await read('a')).toBe('x');
  });

  test.each([
    ['a key without aws:kms', () => ({ SSEKMSKeyId: v1 })],
    ['a key with AES256', () => ({ SSEKMSKeyId: v1, ServerSideEncryption: 'AES256' as const })],
    [
      'a context that is no JSON',
      () => ({ ServerSideEncryption: 'aws:kms' as const, SSEKMSEncryptionContext: 'eA==' }),
    ],
  ])('refuses %s', async (_what, asked) => {
    expect(await outcome(put(s3, Bucket, 'a', { Body: 'x', ...asked() }))).toBe('InvalidArgument');
  });
});

describe('a key that cannot be used', () => {
  const states: readonly (readonly [string, () => Promise<string>, (KeyId: string) => Promise<unknown>, string])[] = [
    ['disabled', () => stand.newKey(), (KeyId) => kms.send(new DisableKeyCommand({ KeyId })), 'KMS.DisabledException'],
    [
      'pending import',
      () => stand.newByokKey(),
      (KeyId) => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId })),
      'KMS.KMSInvalidStateException',
    ],
    [
      'pending deletion',
      () => stand.newKey(),
      (KeyId) => kms.send(new ScheduleKeyDeletionCommand({ KeyId })),
      'KMS.KMSInvalidStateException',
    ],
  ];

  test.each(states)(
    '%s: reads, writes, copies and rewraps fail, HEAD and listing do not',
    async (_state, make, turnOff, code) => {
      const key = await make();
      await encryptBucket(s3, Bucket, key, false);
      await put(s3, Bucket, 'a', { Body: 'x' });
      await turnOff(key);
      expect(await outcome(read('a'))).toBe(code);
      expect(await outcome(put(s3, Bucket, 'b'))).toBe(code);
      expect(await outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/a` })))).toBe(code);
      expect(await outcome(rewrap('a', v2))).toBe(code);
      expect(await head(s3, Bucket, 'a')).toMatchObject({ status: 200, SSEKMSKeyId: key, ContentLength: 1 });
      const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      expect(Versions).toMatchObject([{ Key: 'a', Size: 1 }]);
      expect(await outcome(s3.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' })))).not.toBe(
        'ok',
      );
      expect(await outcome(head(s3, Bucket, 'b'))).toBe('NotFound');
    },
  );

  test('an open upload takes no more parts, and takes them again with the key', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const part = () =>
      outcome(s3.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: 'x' })));
    await kms.send(new DisableKeyCommand({ KeyId: v1 }));
    expect(await part()).toBe('KMS.DisabledException');
    await kms.send(new EnableKeyCommand({ KeyId: v1 }));
    expect(await part()).toBe('ok');
  });

  test('a key that does not exist fails the write', async () => {
    const missing = v1.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000000');
    expect(
      await outcome(put(s3, Bucket, 'a', { Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: missing })),
    ).toBe('KMS.NotFoundException');
    await put(s3, Bucket, 'a');
    expect(await outcome(rewrap('a', missing))).toBe('KMS.NotFoundException');
  });

  test('with a bucket key the disabled key is noticed just the same', async () => {
    await put(s3, Bucket, 'a', { Body: 'x', BucketKeyEnabled: true });
    await read('a');
    await kms.send(new DisableKeyCommand({ KeyId: v1 }));
    expect(await outcome(read('a'))).toBe('KMS.DisabledException');
  });
});

describe('UpdateObjectEncryption', () => {
  test('moves each version on its own and keeps what is seen of it', async () => {
    const rest = { Metadata: { a: '1' }, Tagging: 't=1', StorageClass: 'DEEP_ARCHIVE' as const };
    const first = await put(s3, Bucket, 'a', { Body: 'one', ...rest });
    const second = await put(s3, Bucket, 'a', { Body: 'two' });
    const before = await head(s3, Bucket, 'a', first);
    await rewrap('a', v2, { VersionId: first, BucketKeyEnabled: true });
    expect(await head(s3, Bucket, 'a', first)).toEqual({ ...before, SSEKMSKeyId: v2, BucketKeyEnabled: true });
    expect((await head(s3, Bucket, 'a', second)).SSEKMSKeyId).toBe(v1);
    await rewrap('a', v2);
    await kms.send(new DisableKeyCommand({ KeyId: v1 }));
    expect(await read('a')).toBe('two');
  });

  test('fails when the key is no ARN of this account, the object is gone or a delete marker', async () => {
    await put(s3, Bucket, 'a');
    expect(await outcome(rewrap('a', 'alias/some-key-alias-name'))).toBe('InvalidRequest');
    expect(await outcome(rewrap('a', v2.replace(stand.aws.accountId, '999999999999')))).toBe('AccessDenied');
    expect(await outcome(rewrap('none', v2))).toBe('NoSuchKey');
  });
});

describe('SSE-C', () => {
  const key = randomBytes(32);
  const customer = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  };
  const other = randomBytes(32);
  const wrong = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: other.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(other).digest('base64'),
  };

  test('stores under the key of the customer and keeps its MD5 alone', async () => {
    await put(s3, Bucket, 'a', { Body: 'secret', ...customer });
    expect(await read('a', customer)).toBe('secret');
    expect(await outcome(read('a'))).toBe('InvalidRequest');
    expect(await outcome(read('a', wrong))).toBe('AccessDenied');
    const told = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a', ...customer }));
    expect(told).toMatchObject({ SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: customer.SSECustomerKeyMD5 });
    expect(told.ServerSideEncryption).toBeUndefined();
    expect(await outcome(rewrap('a', v2))).toBe('InvalidRequest');
    expect(JSON.stringify(stand.aws.stored.versions(Bucket))).not.toContain(customer.SSECustomerKey);
  });

  test('is copied with the key of the source into what the bucket asks for', async () => {
    await put(s3, Bucket, 'a', { Body: 'secret', ...customer });
    const copy = (rest: object) =>
      s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a`, ...rest }));
    expect(await outcome(copy({}))).toBe('InvalidRequest');
    const source = {
      CopySourceSSECustomerAlgorithm: 'AES256',
      CopySourceSSECustomerKey: customer.SSECustomerKey,
      CopySourceSSECustomerKeyMD5: customer.SSECustomerKeyMD5,
    };
    await copy(source);
    expect(await read('b')).toBe('secret');
    expect((await head(s3, Bucket, 'b')).SSEKMSKeyId).toBe(v1);
  });

  test('is refused where the bucket blocks it, as a new bucket does', async () => {
    const fresh = await newBucket(s3);
    expect(await outcome(put(s3, fresh, 'a', { Body: 'x', ...customer }))).toBe('AccessDenied');
  });
});

test('a GET with an encryption header it has no use for is refused', async () => {
  await put(s3, Bucket, 'a');
  const key = randomBytes(32).toString('base64');
  expect(await outcome(read('a', { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key }))).toBe('InvalidRequest');
});
