import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient,
  ListKeysCommand,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AccessKey, LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { outcome } from './byok';

const HOME = 'eu-central-1';
const AWAY = 'eu-west-1';
const GLOBAL = 'us-east-1';
const OTHER = '999999999999';
const otherKey: AccessKey = { accessKeyId: 'AKIAOTHERACCOUNT0000', secretAccessKey: 'other' };

let aws: LocalAws;
let enforced: LocalAws;

beforeAll(async () => {
  const users = [{ name: 'ops', accessKey: otherKey, accountId: OTHER }];
  aws = await startTestAws({ region: HOME, regions: [AWAY, GLOBAL], users });
  enforced = await startTestAws({ region: HOME, users, enforce: true });
});
afterAll(() => Promise.all([aws.close(), enforced.close()]));

const config = (at: LocalAws, region: string, credentials: AccessKey) => ({
  endpoint: at.url,
  region,
  credentials,
  maxAttempts: 1,
});
const kmsOf = (region: string, at = aws, key = at.accessKey) => new KMSClient(config(at, region, key));
const s3Of = (region: string, at = aws, key = at.accessKey) =>
  new S3Client({ ...config(at, region, key), forcePathStyle: true });

async function newKey(kms: KMSClient): Promise<string> {
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
}

async function newBucket(s3: S3Client, Bucket: string, LocationConstraint?: string): Promise<string> {
  const constraint = LocationConstraint as 'eu-west-1' | undefined;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ...(constraint && { CreateBucketConfiguration: { LocationConstraint: constraint } }),
    }),
  );
  return Bucket;
}

const encrypted = (Bucket: string, KMSMasterKeyID: string) =>
  new PutBucketEncryptionCommand({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } }],
    },
  });

describe('several Regions', () => {
  it('have keys of their own, which no other Region finds', async () => {
    const away = await newKey(kmsOf(AWAY));
    expect(away).toContain(`:kms:${AWAY}:${aws.accountId}:key/`);
    const asked = kmsOf(HOME).send(new DescribeKeyCommand({ KeyId: away }));
    await expect(asked).rejects.toMatchObject({ name: 'NotFoundException', message: `Invalid arn ${AWAY}` });
    const id = away.split('/').at(-1);
    expect(await outcome(kmsOf(HOME).send(new DescribeKeyCommand({ KeyId: id })))).toBe('NotFoundException');
    const { Keys = [] } = await kmsOf(HOME).send(new ListKeysCommand({}));
    expect(Keys.map(({ KeyArn }) => KeyArn)).not.toContain(away);
    const { CiphertextBlob } = await kmsOf(AWAY).send(new EncryptCommand({ KeyId: away, Plaintext: Buffer.from('x') }));
    expect(await outcome(kmsOf(HOME).send(new DecryptCommand({ CiphertextBlob })))).toBe('AccessDeniedException');
  });

  it('send a request for a bucket on to its Region, and us-east-1 finds fault with the signature', async () => {
    const Bucket = await newBucket(s3Of(AWAY), 'of-eu-west-1', AWAY);
    const away = await s3Of(AWAY).send(new HeadBucketCommand({ Bucket }));
    expect(away.BucketRegion).toBe(AWAY);
    const put = new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' });
    await expect(s3Of(HOME).send(put)).rejects.toMatchObject({
      name: 'PermanentRedirect',
      Bucket,
      Endpoint: `${Bucket}.s3.${AWAY}.amazonaws.com`,
      $response: { statusCode: 301, headers: { 'x-amz-bucket-region': AWAY } },
    });
    await expect(s3Of(GLOBAL).send(put)).rejects.toMatchObject({
      name: 'AuthorizationHeaderMalformed',
      Region: AWAY,
      message: `The authorization header is malformed; the region '${GLOBAL}' is wrong; expecting '${AWAY}'`,
      $response: { statusCode: 400 },
    });
    await expect(s3Of(HOME).send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
      $response: { statusCode: 301, headers: { 'x-amz-bucket-region': AWAY } },
    });
    const anonymous = await fetch(`${aws.url}/${Bucket}`, { method: 'HEAD' });
    expect([anonymous.status, anonymous.headers.get('x-amz-bucket-region')]).toEqual([403, AWAY]);
    const { LocationConstraint } = await s3Of(GLOBAL).send(new GetBucketLocationCommand({ Bucket }));
    expect(LocationConstraint).toBe(AWAY);
  });

  it('lead a client that follows redirects to the bucket', async () => {
    const Bucket = await newBucket(s3Of(AWAY), 'followed', AWAY);
    await s3Of(AWAY).send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }));
    const follower = new S3Client({
      ...config(aws, HOME, aws.accessKey),
      forcePathStyle: true,
      followRegionRedirects: true,
    });
    const { ContentLength } = await follower.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
    expect(ContentLength).toBe(1);
  });

  it('make buckets where they are asked, us-east-1 everywhere', async () => {
    expect(await outcome(newBucket(s3Of(HOME), 'misplaced', AWAY))).toBe('IllegalLocationConstraintException');
    await newBucket(s3Of(GLOBAL), 'by-the-global-endpoint', AWAY);
    await newBucket(s3Of(GLOBAL), 'of-us-east-1');
    expect(await outcome(newBucket(s3Of(HOME), 'of-us-east-1', HOME))).toBe('BucketAlreadyOwnedByYou');
    const listed = async (BucketRegion?: string) =>
      (await s3Of(HOME).send(new ListBucketsCommand({ BucketRegion }))).Buckets?.map((one) => [
        one.Name,
        one.BucketRegion,
      ]);
    expect(await listed()).toEqual(
      expect.arrayContaining([
        ['by-the-global-endpoint', AWAY],
        ['of-us-east-1', GLOBAL],
      ]),
    );
    expect(await listed(GLOBAL)).toEqual([['of-us-east-1', GLOBAL]]);
  });

  it('encrypt a bucket under keys of its Region only, and copy from one Region to another', async () => {
    const [here, there] = [await newKey(kmsOf(HOME)), await newKey(kmsOf(AWAY))];
    const source = await newBucket(s3Of(AWAY), 'copied-from', AWAY);
    const target = await newBucket(s3Of(HOME), 'copied-to', HOME);
    await s3Of(AWAY).send(encrypted(source, there));
    await s3Of(HOME).send(encrypted(target, there));
    await s3Of(AWAY).send(new PutObjectCommand({ Bucket: source, Key: 'key', Body: 'secret' }));
    const put = s3Of(HOME).send(new PutObjectCommand({ Bucket: target, Key: 'key', Body: 'x' }));
    await expect(put).rejects.toMatchObject({ name: 'KMS.NotFoundException', message: `Invalid arn ${AWAY}` });
    await s3Of(HOME).send(encrypted(target, here));
    const { SSEKMSKeyId } = await s3Of(HOME).send(
      new CopyObjectCommand({ Bucket: target, Key: 'copy', CopySource: `${source}/key` }),
    );
    expect(SSEKMSKeyId).toBe(here);
    const { Body } = await s3Of(HOME).send(new GetObjectCommand({ Bucket: target, Key: 'copy' }));
    expect(await Body?.transformToString()).toBe('secret');
  });

  it('refuses a Region that is not served', async () => {
    expect(await outcome(kmsOf('sa-east-1').send(new ListKeysCommand({})))).toBe('InvalidSignatureException');
    await expect(startTestAws({ regions: ['nowhere'] })).rejects.toThrow('region nowhere is not the name of a Region');
  });
});

describe('a second account', () => {
  it('is somebody: it has an identity, keys and buckets of its own', async () => {
    const identity = await new STSClient(config(aws, HOME, otherKey)).send(new GetCallerIdentityCommand({}));
    expect([identity.Account, identity.Arn]).toEqual([OTHER, `arn:aws:iam::${OTHER}:user/ops`]);
    const key = await newKey(kmsOf(HOME, aws, otherKey));
    expect(key).toContain(`:kms:${HOME}:${OTHER}:key/`);
    const s3 = s3Of(HOME, aws, otherKey);
    const Bucket = await newBucket(s3, 'of-the-other-account', HOME);
    await s3.send(encrypted(Bucket, key));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }));
    const { Buckets, Owner } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual([Bucket]);
    expect(Owner?.ID).not.toBe((await s3Of(HOME).send(new ListBucketsCommand({}))).Owner?.ID);
    expect(await outcome(newBucket(s3Of(HOME), Bucket, HOME))).toBe('BucketAlreadyExists');
    expect(await outcome(s3Of(HOME).send(new GetObjectCommand({ Bucket, Key: 'key' })))).toBe('AccessDenied');
    expect(await outcome(kmsOf(HOME).send(new DescribeKeyCommand({ KeyId: key })))).toBe('AccessDeniedException');
  });

  it('resolves an alias in the account of whoever writes', async () => {
    const [own, strange] = [kmsOf(HOME), kmsOf(HOME, aws, otherKey)];
    for (const kms of [own, strange])
      await kms.send(new CreateAliasCommand({ AliasName: 'alias/same', TargetKeyId: await newKey(kms) }));
    const described = async (kms: KMSClient) =>
      (await kms.send(new DescribeKeyCommand({ KeyId: 'alias/same' }))).KeyMetadata?.AWSAccountId;
    expect([await described(own), await described(strange)]).toEqual([aws.accountId, OTHER]);
  });

  it('is let in where policies are enforced: by the policy of the key, and of the bucket', async () => {
    const [own, strange] = [kmsOf(HOME, enforced), kmsOf(HOME, enforced, otherKey)];
    const [s3, s3OfOther] = [s3Of(HOME, enforced), s3Of(HOME, enforced, otherKey)];
    const key = await newKey(own);
    const Bucket = await newBucket(s3, 'shared', HOME);
    await s3.send(encrypted(Bucket, key));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }));
    const read = async () => outcome(s3OfOther.send(new GetObjectCommand({ Bucket, Key: 'key' })));
    const allow = (Principal: string, actions: readonly string[], Resource: string) => ({
      Effect: 'Allow',
      Principal: { AWS: Principal },
      Action: actions,
      Resource,
    });
    const policy = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
    expect(await read()).toBe('AccessDenied');
    const reading = policy(allow(`arn:aws:iam::${OTHER}:root`, ['s3:GetObject'], `arn:aws:s3:::${Bucket}/*`));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: reading }));
    expect(await read()).toBe('AccessDenied');
    expect(await outcome(strange.send(new DescribeKeyCommand({ KeyId: key })))).toBe('AccessDeniedException');
    const Policy = policy(
      allow(`arn:aws:iam::${enforced.accountId}:root`, ['kms:*'], '*'),
      allow(`arn:aws:iam::${OTHER}:user/ops`, ['kms:Decrypt', 'kms:DescribeKey', 'kms:PutKeyPolicy'], '*'),
    );
    await own.send(new PutKeyPolicyCommand({ KeyId: key, Policy }));
    expect(await read()).toBe('ok');
    expect(await outcome(strange.send(new DescribeKeyCommand({ KeyId: key })))).toBe('ok');
    // KMS lets nobody do this to a key of another account, whatever its policy says.
    expect(await outcome(strange.send(new PutKeyPolicyCommand({ KeyId: key, Policy })))).toBe('AccessDeniedException');
    const write = s3OfOther.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }));
    expect(await outcome(write)).toBe('AccessDenied');
  });

  it('is judged by the bucket that a request names in its host', async () => {
    const Bucket = await newBucket(s3Of(HOME), 'in-the-host', HOME);
    await s3Of(HOME).send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }));
    const endpoint = aws.url.replace('127.0.0.1', 'localhost');
    const toLoopback: LookupFunction = (_host, _options, told) => told(null, [{ address: '127.0.0.1', family: 4 }]);
    const requestHandler = { httpAgent: new Agent({ lookup: toLoopback }) };
    const read = (key: AccessKey) =>
      outcome(
        new S3Client({ ...config(aws, HOME, key), endpoint, requestHandler }).send(
          new GetObjectCommand({ Bucket, Key: 'key' }),
        ),
      );
    expect([await read(aws.accessKey), await read(otherKey)]).toEqual(['ok', 'AccessDenied']);
  });
});
