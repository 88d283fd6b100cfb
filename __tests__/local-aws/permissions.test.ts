import {
  CreateKeyCommand,
  DecryptCommand,
  GenerateDataKeyCommand,
  ListAliasesCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { LocalAws } from '../../local-aws';
import { importedKey, kmsClient, outcome } from '../conformance/byok';
import { startTestAws } from '../support/embedded-aws';

let aws: LocalAws;

beforeAll(async () => {
  aws = await startTestAws({ region: 'us-east-1' });
  await s3(aws.accessKey).send(new CreateBucketCommand({ Bucket: 'bucket' }));
});
afterAll(() => aws.close());

const s3 = (credentials = aws.accessKey) =>
  new S3Client({ endpoint: aws.url, region: aws.region, credentials, maxAttempts: 1 });

/** A user who may do these actions and no others. */
function limited(...actions: string[]) {
  const key = aws.credentials.addUser('limited');
  aws.credentials.limit(key.accessKeyId, actions);
  return key;
}

it('names the action, the caller and the resource it denies', async () => {
  const object = { Bucket: 'bucket', Key: 'key' };
  await expect(s3(limited('s3:Put*')).send(new GetObjectCommand(object))).rejects.toMatchObject({
    name: 'AccessDenied',
    message:
      'User: arn:aws:iam::123456789012:user/limited is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::bucket/key" because no identity-based policy allows the s3:GetObject action',
  });
  await expect(kmsClient(aws, limited()).send(new ListKeysCommand({}))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('is not authorized to perform: kms:ListKeys on resource: *'),
  });
});

it('permits by wildcard, whatever the case', async () => {
  expect(await outcome(kmsClient(aws, limited('KMS:list*')).send(new ListKeysCommand({})))).toBe('ok');
  expect(await outcome(kmsClient(aws, limited('kms:ListKey?')).send(new ListKeysCommand({})))).toBe('ok');
  expect(await outcome(kmsClient(aws, limited('kms:ListKey')).send(new ListKeysCommand({})))).toBe(
    'AccessDeniedException',
  );
});

it('asks for both halves of a re-encryption', async () => {
  const owner = kmsClient(aws);
  const key = await importedKey(owner);
  const { CiphertextBlob } = await owner.send(new GenerateDataKeyCommand({ KeyId: key.id, KeySpec: 'AES_256' }));
  const reEncrypt = new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: key.id });
  for (const only of ['kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:Decrypt']) {
    expect(await outcome(kmsClient(aws, limited(only)).send(reEncrypt))).toBe('AccessDeniedException');
  }
  expect(await outcome(kmsClient(aws, limited('kms:ReEncrypt*')).send(reEncrypt))).toBe('ok');
  const decrypt = new DecryptCommand({ CiphertextBlob });
  expect(await outcome(kmsClient(aws, limited('kms:Encrypt')).send(decrypt))).toBe('AccessDeniedException');
});

it("asks S3's callers for what S3 does with KMS in their name", async () => {
  const { arn } = await importedKey(kmsClient(aws));
  const put = new PutObjectCommand({
    Bucket: 'bucket',
    Key: 'sealed',
    Body: 'x',
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: arn,
  });
  await expect(s3(limited('s3:*')).send(put)).rejects.toMatchObject({
    name: 'AccessDenied',
    message: expect.stringContaining('kms:GenerateDataKey'),
  });
  expect(await outcome(s3(limited('s3:*', 'kms:GenerateDataKey')).send(put))).toBe('ok');
  const get = new GetObjectCommand({ Bucket: 'bucket', Key: 'sealed' });
  expect(await outcome(s3(limited('s3:*', 'kms:GenerateDataKey')).send(get))).toBe('AccessDenied');
  expect(await outcome(s3(limited('s3:GetObject', 'kms:Decrypt')).send(get))).toBe('ok');
});

it('asks a copy for reading and for writing', async () => {
  await s3(aws.accessKey).send(new PutObjectCommand({ Bucket: 'bucket', Key: 'from', Body: 'x' }));
  const copy = new CopyObjectCommand({ Bucket: 'bucket', Key: 'to', CopySource: 'bucket/from' });
  expect(await outcome(s3(limited('s3:PutObject')).send(copy))).toBe('AccessDenied');
  expect(await outcome(s3(limited('s3:GetObject')).send(copy))).toBe('AccessDenied');
  expect(await outcome(s3(limited('s3:GetObject', 's3:PutObject')).send(copy))).toBe('ok');
});

it('asks a copy that carries tags over for reading and writing them', async () => {
  const object = { Bucket: 'bucket', Key: 'tagged' };
  await s3(aws.accessKey).send(new PutObjectCommand({ ...object, Body: 'x', Tagging: 'a=b' }));
  const copy = new CopyObjectCommand({ Bucket: 'bucket', Key: 'to', CopySource: 'bucket/tagged' });
  const rest = ['s3:GetObject', 's3:PutObject'];
  await expect(s3(limited(...rest)).send(copy)).rejects.toMatchObject({
    name: 'AccessDenied',
    message: expect.stringContaining('s3:GetObjectTagging on resource: "arn:aws:s3:::bucket/tagged"'),
  });
  expect(await outcome(s3(limited(...rest, 's3:GetObjectTagging')).send(copy))).toBe('AccessDenied');
  expect(await outcome(s3(limited(...rest, 's3:GetObjectTagging', 's3:PutObjectTagging')).send(copy))).toBe('ok');
  const fresh = new CopyObjectCommand({ ...copy.input, TaggingDirective: 'REPLACE' });
  expect(await outcome(s3(limited(...rest)).send(fresh))).toBe('ok');
});

it('asks whoever makes a key with tags for tagging it', async () => {
  const tagged = new CreateKeyCommand({ Origin: 'EXTERNAL', Tags: [{ TagKey: 'a', TagValue: 'b' }] });
  await expect(kmsClient(aws, limited('kms:CreateKey')).send(tagged)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('kms:TagResource'),
  });
  const plain = new CreateKeyCommand({ Origin: 'EXTERNAL' });
  expect(await outcome(kmsClient(aws, limited('kms:CreateKey')).send(plain))).toBe('ok');
});

it('leaves out lock and number of tags for a caller who may not read them', async () => {
  const owner = s3(aws.accessKey);
  await owner.send(new CreateBucketCommand({ Bucket: 'locks', ObjectLockEnabledForBucket: true }));
  const object = { Bucket: 'locks', Key: 'k' };
  const locked = {
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
  } as const;
  const held = { ObjectLockLegalHoldStatus: 'ON', Tagging: 'a=b' } as const;
  await owner.send(new PutObjectCommand({ ...object, Body: 'x', ...locked, ...held }));
  const seenWith = async (...actions: string[]) => {
    const head = await s3(limited('s3:GetObject', ...actions)).send(new HeadObjectCommand(object));
    return [head.ObjectLockMode, head.ObjectLockLegalHoldStatus, head.TagCount];
  };
  expect(await seenWith()).toEqual([undefined, undefined, undefined]);
  expect([...aws.requests].at(-1)?.actions).toEqual(['s3:GetObject']);
  expect(await seenWith('s3:GetObjectRetention')).toEqual(['GOVERNANCE', undefined, undefined]);
  expect(await seenWith('s3:GetObjectLegalHold', 's3:GetObjectTagging')).toEqual([undefined, 'ON', 1]);
  expect([...aws.requests].at(-1)?.actions).toContain('s3:GetObjectLegalHold');
});

describe('the request log', () => {
  const logged = () => [...aws.requests].at(-1);

  it('tells what a request needed, what S3 did with KMS in its name included, and of which resource', async () => {
    const { arn } = await importedKey(kmsClient(aws));
    const put = { Bucket: 'bucket', Key: 'a b', Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn } as const;
    await s3(aws.accessKey).send(new PutObjectCommand(put));
    expect(logged()?.needs).toEqual([
      { action: 's3:PutObject', resource: 'arn:aws:s3:::bucket/a b' },
      { action: 'kms:GenerateDataKey', resource: arn },
    ]);
    await s3(aws.accessKey).send(new CopyObjectCommand({ Bucket: 'bucket', Key: 'c', CopySource: 'bucket/a%20b' }));
    expect(logged()?.needs).toEqual([
      { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/a b' },
      { action: 's3:PutObject', resource: 'arn:aws:s3:::bucket/c' },
      { action: 'kms:Decrypt', resource: arn },
    ]);
    expect(logged()?.actions).toEqual(['s3:GetObject', 's3:PutObject', 'kms:Decrypt']);
  });

  it('tells the action that was denied, and nothing after it', async () => {
    const { arn } = await importedKey(kmsClient(aws));
    const object = { Bucket: 'bucket', Key: 'k', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn } as const;
    await s3(aws.accessKey).send(new PutObjectCommand({ ...object, Body: 'x' }));
    const copy = new CopyObjectCommand({ Bucket: 'bucket', Key: 'to', CopySource: 'bucket/k' });
    await expect(s3(limited('s3:PutObject')).send(copy)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(logged()?.actions).toEqual(['s3:GetObject']);
  });

  it('keeps what each request of a caller needed apart', async () => {
    const kms = kmsClient(aws);
    await kms.send(new ListKeysCommand({}));
    await kms.send(new ListKeysCommand({}));
    expect([...aws.requests].slice(-2).map(({ actions }) => actions)).toEqual([['kms:ListKeys'], ['kms:ListKeys']]);
  });
});

it('denies a caller of another account every key and bucket', async () => {
  const stranger = aws.credentials.addUser('stranger', undefined, '999999999999');
  const { arn } = await importedKey(kmsClient(aws));
  const use = new GenerateDataKeyCommand({ KeyId: arn, KeySpec: 'AES_256' });
  await expect(kmsClient(aws, stranger).send(use)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('because no resource-based policy allows the kms:GenerateDataKey action'),
  });
  const head = s3(stranger).send(new HeadBucketCommand({ Bucket: 'bucket' }));
  await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  const get = new GetObjectCommand({ Bucket: 'bucket', Key: 'sealed' });
  expect(await outcome(s3(stranger).send(get))).toBe('AccessDenied');
});

describe('where policies are enforced', () => {
  const OTHER = '999999999999';
  const Source = 'arn:aws:logs:us-east-1:123456789012:group';
  const service = { name: 'delivery.logs.amazonaws.com', sourceArn: Source, sourceAccount: '123456789012' };
  let arn: string;

  const policyOf = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
  const allow = (Principal: object, Action: string, Resource: string, Condition = {}) => ({
    Effect: 'Allow',
    Principal,
    Action,
    Resource,
    Condition,
  });
  const own = { AWS: 'arn:aws:iam::123456789012:root' };
  const bySource = { ArnLike: { 'aws:SourceArn': `${Source.slice(0, -5)}*` } };
  const keyFor = (...more: readonly object[]) =>
    kmsClient(aws).send(new PutKeyPolicyCommand({ KeyId: arn, Policy: policyOf(allow(own, 'kms:*', '*'), ...more) }));
  const bucketFor = (...more: readonly object[]) =>
    s3(aws.accessKey).send(new PutBucketPolicyCommand({ Bucket: 'bucket', Policy: policyOf(...more) }));
  const put = (Key: string) =>
    new PutObjectCommand({ Bucket: 'bucket', Key, Body: Key, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn });
  const get = new GetObjectCommand({ Bucket: 'bucket', Key: 'shared' });

  beforeEach(async () => {
    arn = (await importedKey(kmsClient(aws))).arn;
    aws.credentials.enforced = true;
    await s3(aws.accessKey).send(put('shared'));
  });
  afterEach(async () => {
    aws.credentials.enforced = false;
    await s3(aws.accessKey).send(new DeleteBucketPolicyCommand({ Bucket: 'bucket' }));
  });

  it.each([
    ['its account', { AWS: OTHER }],
    ['its name', { AWS: `arn:aws:iam::${OTHER}:user/partner` }],
  ])('admits another account where bucket and key both name %s', async (_, who) => {
    const partner = aws.credentials.addUser('partner', undefined, OTHER);
    expect(await outcome(s3(partner).send(get))).toBe('AccessDenied');
    await bucketFor(allow(who, 's3:GetObject', 'arn:aws:s3:::bucket/*'));
    await expect(s3(partner).send(get)).rejects.toThrow('no resource-based policy allows the kms:Decrypt action');
    await keyFor(allow(who, 'kms:Decrypt', '*', { StringEquals: { 'kms:CallerAccount': OTHER } }));
    expect(await outcome(s3(partner).send(get))).toBe('ok');
    expect(await outcome(s3(partner).send(put('theirs')))).toBe('AccessDenied');
    expect((await kmsClient(aws, partner).send(new ListKeysCommand({}))).Keys).toEqual([]);
    await s3(aws.accessKey).send(new DeleteBucketPolicyCommand({ Bucket: 'bucket' }));
    expect(await outcome(s3(partner).send(get))).toBe('AccessDenied');
  });

  it('asks no key policy who may list the aliases of a key', async () => {
    await keyFor({ ...allow({ AWS: '*' }, 'kms:ListAliases', '*'), Effect: 'Deny' });
    expect(await outcome(kmsClient(aws).send(new ListAliasesCommand({ KeyId: arn })))).toBe('ok');
  });

  it('admits a service by what it acts for, and shows it in CloudTrail', async () => {
    const delivery = aws.credentials.addService(service);
    await bucketFor(allow({ Service: service.name }, 's3:PutObject', 'arn:aws:s3:::bucket/*'));
    await expect(s3(delivery).send(put('log'))).rejects.toThrow('no resource-based policy');
    await keyFor(allow({ Service: service.name }, 'kms:GenerateDataKey*', '*', bySource));
    expect(await outcome(s3(delivery).send(put('log')))).toBe('ok');
    expect(aws.trail.seen()[0]).toMatchObject({ by: { service: service.name }, resources: [arn], error: undefined });
    const elsewhere = aws.credentials.addService({
      ...service,
      sourceArn: 'arn:aws:logs:us-east-1:888888888888:group',
    });
    expect(await outcome(s3(elsewhere).send(put('log')))).toBe('AccessDenied');
    expect(await outcome(s3(delivery).send(get))).toBe('AccessDenied');
    await keyFor(allow({ Service: service.name }, 'kms:*', '*'), {
      ...allow({ Service: service.name }, 'kms:GenerateDataKey', '*'),
      Effect: 'Deny',
    });
    await expect(s3(delivery).send(put('log'))).rejects.toThrow('with an explicit deny in a resource-based policy');
  });
});

it('lifts a limit again', async () => {
  const key = limited();
  aws.credentials.limit(key.accessKeyId);
  expect(await outcome(kmsClient(aws, key).send(new ListKeysCommand({})))).toBe('ok');
});
