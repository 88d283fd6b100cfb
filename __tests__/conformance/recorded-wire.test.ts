import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { DecryptCommand, DescribeKeyCommand, EncryptCommand, KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  ListTagsForResourceCommand,
  S3ControlClient,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-s3-control';
import { keepAccountOutOfHost } from '../../lib/aws/account-path';
import { openDirectClient } from '../../lib/s3/direct-client';
import { createExternalKey, importedKey, importMaterial } from './byok';
import { newBucket, openStand, type S3Stand } from './s3-stand';

/** What was recorded on AWS and stands in no reference. */
let stand: S3Stand;
let kms: KMSClient;

beforeAll(async () => {
  stand = await openStand();
  const { url, region, accessKey } = stand.aws;
  kms = new KMSClient({ endpoint: url, region, credentials: accessKey, maxAttempts: 1 });
});
afterAll(async () => {
  kms?.destroy();
  await stand?.close();
});

const put = (Bucket: string, Key: string, more: object = {}) =>
  stand.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'body', ...more }));

/** One request as bytes, for what the SDK does not let a program send or see. */
async function bare(path: string, method: 'GET' | 'HEAD' = 'GET', headers: [string, string][] = [], query = '') {
  const direct = openDirectClient(stand.s3);
  const [bucket = '', ...key] = path.split('/');
  const answer = await direct.send({ method, bucket, key: key.join('/') || undefined, headers, query });
  await direct.close();
  return { ...answer, text: answer.body.toString() };
}

describe('S3', () => {
  it('names no resource in an error', async () => {
    const Bucket = await newBucket(stand.s3);
    const { status, text } = await bare(`${Bucket}/missing`);
    expect(status).toBe(404);
    expect(text).toMatch(/<Code>NoSuchKey<\/Code>.*<Key>missing<\/Key><RequestId>/);
    expect(text).not.toContain('<Resource>');
  });

  it('accepts a copy onto itself once the default was put, and takes + as a blank in its source', async () => {
    const Bucket = await newBucket(stand.s3);
    await put(Bucket, 'a b');
    const copy = { Bucket, Key: 'a b', CopySource: `${Bucket}/a+b` };
    await expect(stand.s3.send(new CopyObjectCommand(copy))).rejects.toThrow('trying to copy an object to itself');
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }];
    await stand.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
    expect((await stand.s3.send(new CopyObjectCommand(copy))).CopyObjectResult?.ETag).toBeDefined();
  });

  it('ignores a date in the future, and several ranges', async () => {
    const Bucket = await newBucket(stand.s3);
    await put(Bucket, 'a');
    const IfModifiedSince = new Date(Date.now() + 86_400_000);
    const read = (more: object) => stand.s3.send(new GetObjectCommand({ Bucket, Key: 'a', ...more }));
    expect((await read({ IfModifiedSince })).ContentLength).toBe(4);
    const several = await read({ Range: 'bytes=0-0,2-2' });
    expect([several.$metadata.httpStatusCode, several.ContentLength]).toEqual([200, 4]);
  });

  it('refuses If-Match: * of a write', async () => {
    const Bucket = await newBucket(stand.s3);
    await put(Bucket, 'a');
    await expect(put(Bucket, 'a', { IfMatch: '*' })).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  it('answers a PutObject into a suspended bucket without a version, and its HEAD with null', async () => {
    const Bucket = await newBucket(stand.s3);
    const VersioningConfiguration = { Status: 'Suspended' as const };
    await stand.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    expect((await put(Bucket, 'a')).VersionId).toBeUndefined();
    expect((await stand.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).VersionId).toBe('null');
  });

  it('refuses a version ID that it never made, and knows one that is gone', async () => {
    const Bucket = await newBucket(stand.s3, { versioned: true });
    const { VersionId = '' } = await put(Bucket, 'a');
    const read = (id: string, Key = 'a') => stand.s3.send(new GetObjectCommand({ Bucket, Key, VersionId: id }));
    const changed = `${VersionId.startsWith('A') ? 'B' : 'A'}${VersionId.slice(1)}`;
    await expect(read(changed)).rejects.toMatchObject({
      name: 'InvalidArgument',
      message: 'Invalid version id specified',
    });
    await expect(read(VersionId, 'b')).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  it('names the bucket of a configuration that is missing', async () => {
    const Bucket = await newBucket(stand.s3);
    await expect(stand.s3.send(new GetObjectLockConfigurationCommand({ Bucket }))).rejects.toMatchObject({
      name: 'ObjectLockConfigurationNotFoundError',
      BucketName: Bucket,
    });
  });

  it('shows the block of SSE-C of every bucket, or that there is none', async () => {
    const Bucket = await newBucket(stand.s3);
    const blocked = async () => {
      const { ServerSideEncryptionConfiguration } = await stand.s3.send(new GetBucketEncryptionCommand({ Bucket }));
      return ServerSideEncryptionConfiguration?.Rules?.[0]?.BlockedEncryptionTypes?.EncryptionType;
    };
    expect(await blocked()).toEqual(['SSE-C']);
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }];
    await stand.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
    expect(await blocked()).toEqual(['NONE']);
  });

  it('names the Region of the bucket with a listing', async () => {
    const Bucket = await newBucket(stand.s3);
    for (const query of ['list-type=2', 'prefix='])
      expect((await bare(Bucket, 'GET', [], query)).headers['x-amz-bucket-region']).toBe(stand.aws.region);
  });

  it('answers GetObjectAttributes in a root of its own, and says no display name of any owner', async () => {
    const Bucket = await newBucket(stand.s3);
    await put(Bucket, 'a');
    const attributes = await bare(`${Bucket}/a`, 'GET', [['x-amz-object-attributes', 'ETag']], 'attributes=');
    expect(attributes.text).toContain('<GetObjectAttributesResponse ');
    for (const query of ['acl=', 'versions=', 'prefix=']) {
      const { text } = await bare(Bucket, 'GET', [], query);
      expect([text.includes('<Owner><ID>'), text.includes('DisplayName')]).toEqual([true, false]);
    }
  });

  it('answers an upload under SSE-KMS with its checksum, and its HEAD when asked', async () => {
    const Bucket = await newBucket(stand.s3);
    const kept = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: await stand.newKey(), ChecksumAlgorithm: 'CRC32' };
    const { ChecksumCRC32, ChecksumType } = await put(Bucket, 'a', kept);
    expect([ChecksumCRC32, ChecksumType]).toEqual([expect.any(String), 'FULL_OBJECT']);
    const head = await stand.s3.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }));
    expect([head.ChecksumCRC32, head.ChecksumType]).toEqual([ChecksumCRC32, ChecksumType]);
  });

  describe('a multipart upload', () => {
    const begun = async (Bucket: string, Key: string) => {
      const { UploadId } = await stand.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = { Bucket, Key, UploadId, PartNumber: 1 };
      const { ETag } = await stand.s3.send(new UploadPartCommand({ ...part, Body: 'part' }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      return { Bucket, Key, UploadId, MultipartUpload };
    };

    it('may be completed again, with the same answer', async () => {
      const complete = await begun(await newBucket(stand.s3, { versioned: true }), 'a');
      const first = await stand.s3.send(new CompleteMultipartUploadCommand(complete));
      const again = await stand.s3.send(new CompleteMultipartUploadCommand(complete));
      expect([again.ETag, again.VersionId]).toEqual([first.ETag, first.VersionId]);
    });

    it.each([
      ['If-None-Match', () => ({ IfNoneMatch: '*' })],
      ['If-Match', (etag: string) => ({ IfMatch: etag })],
    ])('conflicts by %s with a write since it began', async (_, condition) => {
      const Bucket = await newBucket(stand.s3);
      const complete = await begun(Bucket, 'a');
      const { ETag = '' } = await put(Bucket, 'a');
      const conditional = new CompleteMultipartUploadCommand({ ...complete, ...condition(ETag) });
      await expect(stand.s3.send(conditional)).rejects.toMatchObject({
        name: 'ConditionalRequestConflict',
        $metadata: { httpStatusCode: 409 },
      });
    });

    it('fails by If-None-Match where the object was there before', async () => {
      const Bucket = await newBucket(stand.s3);
      await put(Bucket, 'a');
      const complete = { ...(await begun(Bucket, 'a')), IfNoneMatch: '*' };
      await expect(stand.s3.send(new CompleteMultipartUploadCommand(complete))).rejects.toMatchObject({
        name: 'PreconditionFailed',
      });
    });

    it('is the marker of a list of uploads that ends with it', async () => {
      const { Bucket, Key, UploadId } = await begun(await newBucket(stand.s3), 'a');
      expect(await stand.s3.send(new ListMultipartUploadsCommand({ Bucket }))).toMatchObject({
        IsTruncated: false,
        NextKeyMarker: Key,
        NextUploadIdMarker: UploadId,
      });
    });
  });
});

describe('S3 Control', () => {
  it('lists, adds and removes the tags of a bucket', async () => {
    const bucket = await newBucket(stand.s3);
    const { url, region, accessKey, accountId: AccountId } = stand.aws;
    const control = new S3ControlClient({ endpoint: url, region, credentials: accessKey, maxAttempts: 1 });
    keepAccountOutOfHost(control);
    const resource = { AccountId, ResourceArn: `arn:aws:s3:::${bucket}` };
    const tags = async () => (await control.send(new ListTagsForResourceCommand(resource))).Tags;
    expect(await tags()).toEqual([]);
    const Tags = [
      { Key: 'a', Value: '1' },
      { Key: 'b c', Value: '' },
    ];
    await control.send(new TagResourceCommand({ ...resource, Tags }));
    await control.send(new TagResourceCommand({ ...resource, Tags: [{ Key: 'a', Value: '2' }] }));
    expect(await tags()).toEqual([
      { Key: 'a', Value: '2' },
      { Key: 'b c', Value: '' },
    ]);
    await control.send(new UntagResourceCommand({ ...resource, TagKeys: ['a', 'b c'] }));
    expect(await tags()).toEqual([]);
    const missing = { AccountId, ResourceArn: 'arn:aws:s3:::no-such-bucket' };
    await expect(control.send(new ListTagsForResourceCommand(missing))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
    control.destroy();
  });
});

describe('KMS', () => {
  /** The answers from now on as KMS sent them: the SDK leaves out what its model does not name. */
  function recordAnswers(): unknown[] {
    const answers: unknown[] = [];
    const handler = kms.config.requestHandler;
    const handle = handler.handle.bind(handler);
    handler.handle = async (...given) => {
      const { response } = await handle(...given);
      const body = Buffer.concat(await response.body.toArray());
      answers.push(JSON.parse(body.toString()));
      return { response: Object.assign(response, { body: Readable.from([body]) }) };
    };
    return answers;
  }

  it('tells the origin of the key that decrypted, and the number of aliases', async () => {
    const KeyId = await stand.newKey();
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }));
    const answers = recordAnswers();
    await kms.send(new DecryptCommand({ CiphertextBlob }));
    const { Aliases } = await kms.send(new ListAliasesCommand({}));
    expect(answers).toMatchObject([{ KeyId, KeyOrigin: 'AWS_KMS' }, { AliasCount: Aliases?.length }]);
  });

  it("does not find another Region's ARN", async () => {
    const KeyId = (await stand.newKey()).replace(stand.aws.region, 'eu-west-1');
    await expect(kms.send(new DescribeKeyCommand({ KeyId }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid arn eu-west-1',
    });
  });

  it.each([1, 100, 7000])('calls %d bytes of nonsense an invalid ciphertext, without a message', async (length) => {
    const CiphertextBlob = Buffer.alloc(length, 7);
    const answers = recordAnswers();
    await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject({
      name: 'InvalidCiphertextException',
    });
    expect(answers).toEqual([{ __type: 'InvalidCiphertextException' }]);
  });

  it('says of a key without material that it is pending import, and no more', async () => {
    const { id, arn } = await createExternalKey(kms);
    const encrypt = kms.send(new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('x') }));
    await expect(encrypt).rejects.toMatchObject({
      name: 'KMSInvalidStateException',
      message: `${arn} is pending import.`,
    });
  });

  it('refuses new material while other material waits for its rotation', async () => {
    const { id } = await importedKey(kms);
    const asNew = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', ImportType: 'NEW_KEY_MATERIAL' } as const;
    const waiting = await importMaterial(kms, id, randomBytes(32), asNew);
    await expect(importMaterial(kms, id, randomBytes(32), asNew)).rejects.toMatchObject({
      name: 'KMSInvalidStateException',
      message: expect.stringMatching(
        `^New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key ${id}, because another key material \\(id: ${waiting}\\) is pending rotation.$`,
      ),
    });
  });
});

describe('a web page', () => {
  const asked = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(stand.aws.url);
      const sent = request({ hostname, port, path: '/', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject);
      sent.end();
    });
  const body = async (headers: Record<string, string>) => (await fetch(stand.aws.url, { headers })).text();

  it.each<Record<string, string>>([
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { host: 'attacker.example' },
    { host: '127.0.0.1.attacker.example:4566' },
    { host: 'localhost.attacker.example' },
  ])('refuses %j', async (headers) => {
    expect(await asked(headers)).toBe(403);
  });

  it.each(['127.0.0.1:4566', 'localhost', 'bucket.localhost:4566', '123456789012.127.0.0.1', '[::1]:4566', 'aws'])(
    'is not what asks for %s',
    async (host) => {
      expect(await body({ host })).not.toContain('web pages');
    },
  );
});
