import { CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import type { AccessKey, LocalAws } from '../../local-aws';
import { newRole } from '../local-aws/s3-control/iam-role';
import { startTestAws } from '../support/embedded-aws';
import { awsCli, itWithCli } from './aws-cli';
import { outcome } from './byok';

let aws: LocalAws;

beforeAll(async () => {
  aws = await startTestAws({ accountId: '210987654321', region: 'eu-central-1' });
});
afterAll(() => aws.close());

const client = (credentials = aws.accessKey, region = aws.region) =>
  new STSClient({ endpoint: aws.url, region, credentials, maxAttempts: 1 });

it('tells a user who it is', async () => {
  const key = aws.credentials.addUser('ada');
  const identity = await client(key).send(new GetCallerIdentityCommand({}));
  expect(identity).toMatchObject({ Account: '210987654321', Arn: 'arn:aws:iam::210987654321:user/ada' });
  expect(identity.UserId).toMatch(/^AIDA[A-Z2-7]{16}$/);
});

it('tells the bearer of temporary credentials who it is', async () => {
  const key = aws.credentials.addTemporary({ roleName: 'rotator' });
  const identity = await client(key).send(new GetCallerIdentityCommand({}));
  expect(identity.Arn).toBe('arn:aws:sts::210987654321:assumed-role/rotator/session');
});

it('answers even a caller that is permitted nothing', async () => {
  const key = aws.credentials.addUser('nobody');
  aws.credentials.limit(key.accessKeyId, []);
  expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ok');
});

it('refuses temporary credentials once they have expired', async () => {
  const key = aws.credentials.addTemporary({ lifetime: 60_000 });
  aws.clock.advance(60_000);
  expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ExpiredToken');
  aws.clock.offset = 0;
});

it('refuses temporary credentials without their token, and a token that is not theirs', async () => {
  const { sessionToken, ...pair } = aws.credentials.addTemporary();
  expect(await outcome(client(pair).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
  const other = { ...pair, sessionToken: sessionToken.slice(1) };
  expect(await outcome(client(other).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
});

it('refuses an access key it does not know and a secret that is wrong', async () => {
  const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' };
  expect(await outcome(client(unknown).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
  const wrong = { ...aws.accessKey, secretAccessKey: 'x' };
  expect(await outcome(client(wrong).send(new GetCallerIdentityCommand({})))).toBe('SignatureDoesNotMatch');
});

it('refuses a signature for another Region', async () => {
  const refused = client(aws.accessKey, 'us-east-1').send(new GetCallerIdentityCommand({}));
  await expect(refused).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
    message: expect.stringContaining("Credential should be scoped to a valid region, not 'us-east-1'"),
  });
});

it('refuses an action it does not serve', async () => {
  expect(await outcome(client().send(new GetSessionTokenCommand({})))).toBe('InvalidAction');
});

describe('AssumeRole', () => {
  const trustOf = (AWS: string) => ({ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' });
  const account = 'arn:aws:iam::210987654321:root';
  let count = 0;
  const role = (more: { may?: readonly object[]; trust?: object } = {}) => {
    count += 1;
    return newRole(aws, `reader-${count}`, { trust: trustOf(account), ...more });
  };
  const assume = (RoleArn: string, more: Partial<AssumeRoleCommandInput> = {}, by: AccessKey = aws.accessKey) =>
    client(by).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'reading', ...more }));
  const keyOf = async (...asked: Parameters<typeof assume>): Promise<AccessKey> => {
    const { Credentials: given } = await assume(...asked);
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = given ?? {};
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  };
  const policy = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
  const s3 = (credentials: AccessKey) =>
    new S3Client({ endpoint: aws.url, region: aws.region, credentials, forcePathStyle: true, maxAttempts: 1 });
  const kms = (credentials: AccessKey) =>
    new KMSClient({ endpoint: aws.url, region: aws.region, credentials, maxAttempts: 1 });
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' };

  it('gives credentials of the role for an hour, that sign as its session', async () => {
    const arn = await role();
    const before = aws.clock.now();
    const { Credentials: given, AssumedRoleUser, PackedPolicySize } = await assume(arn);
    expect(given?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(Math.abs((given?.Expiration?.getTime() ?? 0) - before - 3_600_000)).toBeLessThan(5000);
    expect(AssumedRoleUser).toEqual({
      Arn: arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/').concat('/reading'),
      AssumedRoleId: expect.stringMatching(/^AROA[A-Z2-7]{16}:reading$/),
    });
    expect(PackedPolicySize).toBeUndefined();
    const identity = await client(await keyOf(arn)).send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({ Arn: AssumedRoleUser?.Arn, UserId: AssumedRoleUser?.AssumedRoleId });
  });

  it('answers ExpiredToken once the duration is over by its clock', async () => {
    const key = await keyOf(await role(), { DurationSeconds: 900 });
    aws.clock.advance(895_000);
    expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ok');
    aws.clock.advance(5000);
    expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ExpiredToken');
    aws.clock.offset = 0;
  });

  it('is decided by the trust policy, which may leave it to the account', async () => {
    const [ada, ben] = [aws.credentials.addUser('ada'), aws.credentials.addUser('ben')];
    aws.credentials.limit(ben.accessKeyId, ['kms:*']);
    const hers = await role({ trust: trustOf('arn:aws:iam::210987654321:user/ada') });
    expect(await outcome(assume(hers, {}, ada))).toBe('ok');
    expect(await outcome(assume(hers, {}, ben))).toBe('AccessDenied');
    const ofAccount = await role();
    expect(await outcome(assume(ofAccount, {}, ada))).toBe('ok');
    expect(await outcome(assume(ofAccount, {}, ben))).toBe('AccessDenied');
    const external = await role({
      trust: { ...trustOf(account), Condition: { StringEquals: { 'sts:ExternalId': 'team-7' } } },
    });
    expect(await outcome(assume(external))).toBe('AccessDenied');
    expect(await outcome(assume(external, { ExternalId: 'team-7' }))).toBe('ok');
    await expect(assume('arn:aws:iam::210987654321:role/nobody')).rejects.toMatchObject({
      name: 'AccessDenied',
      message:
        'User: arn:aws:iam::210987654321:user/local-aws is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/nobody',
    });
  });

  it('lends a role to a session of another role, for an hour at most', async () => {
    const takes = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' };
    const [first, second] = [await role({ may: [takes] }), await role()];
    expect(await outcome(assume(second, {}, await keyOf(second)))).toBe('AccessDenied');
    const chained = await keyOf(first);
    expect(await outcome(assume(second, {}, chained))).toBe('ok');
    await expect(assume(second, { DurationSeconds: 7200 }, chained)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('role chaining'),
    });
    await expect(assume(second, { DurationSeconds: 7200 })).rejects.toMatchObject({
      message: expect.stringContaining('MaxSessionDuration'),
    });
  });

  it.each([
    ['a policy that is none', { Policy: '{}' }, 'MalformedPolicyDocumentException'],
    [
      'a policy with a principal',
      { Policy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}' },
      'MalformedPolicyDocumentException',
    ],
    [
      'a policy of more than 2,048 characters',
      { Policy: policy({ ...everything, Sid: 'x'.repeat(2048) }) },
      'ValidationError',
    ],
    ['a duration of less than 15 minutes', { DurationSeconds: 899 }, 'ValidationError'],
    ['a session name with a blank', { RoleSessionName: 'a b' }, 'ValidationError'],
    ['tags, which are not served', { Tags: [{ Key: 'a', Value: 'b' }] }, 'NotImplemented'],
  ])('refuses %s', async (_title, more, code) => {
    expect(await outcome(assume(await role(), more))).toBe(code);
  });

  it('allows a session what both the role and its session policy allow, and denies what either denies', async () => {
    const { KeyMetadata } = await kms(aws.accessKey).send(new CreateKeyCommand({}));
    const { KeyMetadata: other } = await kms(aws.accessKey).send(new CreateKeyCommand({}));
    const [KeyId, OtherId] = [KeyMetadata?.Arn, other?.Arn];
    const arn = await role({ may: [{ Effect: 'Allow', Action: ['s3:*', 'kms:*'], Resource: '*' }] });
    const denied = policy(everything, { Effect: 'Deny', Action: 'kms:*', Resource: KeyId });
    const key = await keyOf(arn, { Policy: denied });
    expect(await outcome(kms(key).send(new DescribeKeyCommand({ KeyId: OtherId })))).toBe('ok');
    await expect(kms(key).send(new DescribeKeyCommand({ KeyId }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(/with an explicit deny in a session policy$/),
    });
    const narrow = await keyOf(arn, { Policy: policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }) });
    await expect(kms(narrow).send(new DescribeKeyCommand({ KeyId }))).rejects.toMatchObject({
      message: expect.stringMatching(/because no session policy allows the kms:DescribeKey action$/),
    });
    const poor = await role({ may: [] });
    const wide = await keyOf(poor, { Policy: policy(everything) });
    expect(await outcome(kms(wide).send(new DescribeKeyCommand({ KeyId })))).toBe('AccessDeniedException');
  });

  it('takes the key away from reads through S3, and says why', async () => {
    const admin = s3(aws.accessKey);
    const { KeyMetadata } = await kms(aws.accessKey).send(new CreateKeyCommand({}));
    const SSEKMSKeyId = KeyMetadata?.Arn ?? '';
    const object = { Bucket: 'assumed-reads', Key: 'a' };
    await admin.send(
      new CreateBucketCommand({
        Bucket: object.Bucket,
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    );
    await admin.send(new PutObjectCommand({ ...object, Body: 'a', ServerSideEncryption: 'aws:kms', SSEKMSKeyId }));
    const arn = await role();
    const open = await keyOf(arn, { Policy: policy(everything) });
    expect(await outcome(s3(open).send(new GetObjectCommand(object)))).toBe('ok');
    const shut = await keyOf(arn, {
      Policy: policy(everything, { Effect: 'Deny', Action: 'kms:*', Resource: SSEKMSKeyId }),
    });
    await expect(s3(shut).send(new GetObjectCommand({ ...object, Range: 'bytes=0-0' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('explicit deny in a session policy'),
    });
    const none = await keyOf(arn, { Policy: policy({ Effect: 'Allow', Action: 'kms:*', Resource: '*' }) });
    await expect(s3(none).send(new GetObjectCommand(object))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('because no session policy allows the s3:GetObject action'),
    });
  });

  it('lets a bucket allow a session by its own name what its session policy does not', async () => {
    const arn = await role({ may: [] });
    const Bucket = 'names-sessions';
    await s3(aws.accessKey).send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
    );
    await s3(aws.accessKey).send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }));
    const key = await keyOf(arn, { Policy: policy({ Effect: 'Allow', Action: 'kms:*', Resource: '*' }) });
    const get = () => outcome(s3(key).send(new GetObjectCommand({ Bucket, Key: 'a' })));
    const allow = async (AWS: string) => {
      const statement = {
        Effect: 'Allow',
        Principal: { AWS },
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${Bucket}/*`,
      };
      await s3(aws.accessKey).send(new PutBucketPolicyCommand({ Bucket, Policy: policy(statement) }));
    };
    await allow(arn);
    expect(await get()).toBe('AccessDenied');
    await allow(arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/').concat('/reading'));
    expect(await get()).toBe('ok');
  });

  itWithCli('is understood by the AWS CLI', async () => {
    const arn = await role();
    const args = [
      '--role-arn',
      arn,
      '--role-session-name',
      'cli',
      '--policy',
      policy(everything),
      '--duration-seconds',
      '900',
    ];
    expect(await awsCli(aws, 'sts', 'assume-role', ...args)).toMatchObject({
      Credentials: { SessionToken: expect.any(String), Expiration: expect.any(String) },
      AssumedRoleUser: { Arn: expect.stringMatching(/\/cli$/) },
      PackedPolicySize: expect.any(Number),
    });
  });
});
