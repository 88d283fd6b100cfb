import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketInventoryConfigurationsCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { newBucket, openStand, put, type S3Stand } from './s3-stand';

let stand: S3Stand;
let s3: S3Client;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
});

afterAll(() => stand.close());

const LocationConstraint = 'ap-northeast-1';

test('a bucket is made, found, listed and deleted', async () => {
  const Bucket = await newBucket(s3);
  expect(await s3.send(new HeadBucketCommand({ Bucket }))).toMatchObject({ BucketRegion: LocationConstraint });
  expect(await s3.send(new GetBucketLocationCommand({ Bucket }))).toMatchObject({ LocationConstraint });
  const { Buckets } = await s3.send(new ListBucketsCommand({ Prefix: Bucket }));
  expect(Buckets).toMatchObject([{ Name: Bucket, BucketRegion: LocationConstraint, CreationDate: expect.any(Date) }]);
  await s3.send(new DeleteBucketCommand({ Bucket }));
  expect(await outcome(s3.send(new HeadBucketCommand({ Bucket })))).toBe('NotFound');
});

test('ListBuckets pages with a continuation token', async () => {
  const names = [await newBucket(s3), await newBucket(s3), await newBucket(s3)];
  const seen: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListBucketsCommand({ MaxBuckets: 1, ContinuationToken }));
    seen.push(...(page.Buckets ?? []).map(({ Name }) => Name));
    ContinuationToken = page.ContinuationToken;
  } while (ContinuationToken !== undefined);
  expect(seen).toEqual(expect.arrayContaining(names));
  expect(new Set(seen).size).toBe(seen.length);
});

const refusedNames: readonly (readonly [
  string,
  () => string | Promise<string>,
  'ap-northeast-1' | 'eu-west-1',
  string,
])[] = [
  ['a name that is taken', () => newBucket(s3), LocationConstraint, 'BucketAlreadyOwnedByYou'],
  ['a name with capitals', () => 'Capitals', LocationConstraint, 'InvalidBucketName'],
  ['another Region', () => 'elsewhere', 'eu-west-1', 'IllegalLocationConstraintException'],
];

test.each(refusedNames)('CreateBucket refuses %s', async (_what, name, region, code) => {
  const Bucket = await name();
  const create = new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } });
  expect(await outcome(s3.send(create))).toBe(code);
});

test('DeleteBucket refuses a bucket that holds an object', async () => {
  const Bucket = await newBucket(s3);
  await put(s3, Bucket, 'a');
  expect(await outcome(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('BucketNotEmpty');
});

test('an owner other than the expected one is refused', async () => {
  const Bucket = await newBucket(s3);
  const expecting = (ExpectedBucketOwner: string) =>
    outcome(s3.send(new GetBucketLocationCommand({ Bucket, ExpectedBucketOwner })));
  expect(await expecting('999999999999')).toBe('AccessDenied');
  expect(await expecting(stand.aws.accountId)).toBe('ok');
});

describe('a new bucket answers as on AWS to', () => {
  let Bucket: string;
  beforeAll(async () => {
    Bucket = await newBucket(s3);
  });

  const missing: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['GetBucketCors', () => s3.send(new GetBucketCorsCommand({ Bucket })), 'NoSuchCORSConfiguration'],
    [
      'GetBucketLifecycle',
      () => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })),
      'NoSuchLifecycleConfiguration',
    ],
    ['GetBucketPolicy', () => s3.send(new GetBucketPolicyCommand({ Bucket })), 'NoSuchBucketPolicy'],
    [
      'GetBucketReplication',
      () => s3.send(new GetBucketReplicationCommand({ Bucket })),
      'ReplicationConfigurationNotFoundError',
    ],
    ['GetBucketTagging', () => s3.send(new GetBucketTaggingCommand({ Bucket })), 'NoSuchTagSet'],
    ['GetBucketWebsite', () => s3.send(new GetBucketWebsiteCommand({ Bucket })), 'NoSuchWebsiteConfiguration'],
    [
      'GetObjectLockConfiguration',
      () => s3.send(new GetObjectLockConfigurationCommand({ Bucket })),
      'ObjectLockConfigurationNotFoundError',
    ],
  ];
  test.each(missing)('%s', async (_name, read, code) => {
    expect(await outcome(read())).toBe(code);
  });

  test('the reads that tell an empty configuration', async () => {
    const { Owner, Grants } = await s3.send(new GetBucketAclCommand({ Bucket }));
    expect(Grants).toEqual([{ Grantee: { ID: Owner?.ID, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }]);
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined();
    expect((await s3.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status).toBeUndefined();
    expect((await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled).toBeUndefined();
    expect(
      (await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).TopicConfigurations,
    ).toBeUndefined();
    expect((await s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('BucketOwner');
    expect((await s3.send(new ListBucketInventoryConfigurationsCommand({ Bucket }))).IsTruncated).toBe(false);
  });

  test('GetBucketEncryption with SSE-S3, and SSE-C blocked', async () => {
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(ServerSideEncryptionConfiguration?.Rules).toEqual([
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
        BucketKeyEnabled: false,
        BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
      },
    ]);
  });

  test('what is not built, by refusing it', async () => {
    const CORSConfiguration = { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] };
    expect(await outcome(s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration })))).toBe('NotImplemented');
  });
});

test('encryption: the rule comes back as it was put, the key unseen, and goes back to SSE-S3', async () => {
  const Bucket = await newBucket(s3);
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: 'no-such-key' },
    BucketKeyEnabled: true,
    BlockedEncryptionTypes: { EncryptionType: ['SSE-C' as const] },
  };
  const ServerSideEncryptionConfiguration = { Rules: [rule] };
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
  const read = async () =>
    (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration;
  expect(await read()).toEqual(ServerSideEncryptionConfiguration);
  expect(await outcome(put(s3, Bucket, 'a'))).toBe('KMS.NotFoundException');
  await s3.send(new DeleteBucketEncryptionCommand({ Bucket }));
  expect((await read())?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({ SSEAlgorithm: 'AES256' });
});

test('versioning, public access block, ownership and tags are set, told and taken away', async () => {
  const Bucket = await newBucket(s3);
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Suspended');

  const PublicAccessBlockConfiguration = {
    BlockPublicAcls: true,
    IgnorePublicAcls: false,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: true,
  };
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  expect(await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).toMatchObject({ PublicAccessBlockConfiguration });
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  expect(await outcome(s3.send(new GetPublicAccessBlockCommand({ Bucket })))).toBe(
    'NoSuchPublicAccessBlockConfiguration',
  );

  const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] };
  await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
  expect(await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).toMatchObject({ OwnershipControls });
  await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  expect(await outcome(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })))).toBe(
    'OwnershipControlsNotFoundError',
  );

  const TagSet = [{ Key: 'team', Value: 'ops + more' }];
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  expect((await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
  await s3.send(new DeleteBucketTaggingCommand({ Bucket }));
  expect(await outcome(s3.send(new GetBucketTaggingCommand({ Bucket })))).toBe('NoSuchTagSet');
});

describe('bucket policy', () => {
  const statement = (Bucket: string, rest: object) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*`, ...rest },
      ],
    });

  test('comes back byte for byte and is judged public or not', async () => {
    const Bucket = await newBucket(s3);
    const Policy = statement(Bucket, { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
    expect((await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic).toBe(false);
    await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await outcome(s3.send(new GetBucketPolicyCommand({ Bucket })))).toBe('NoSuchBucketPolicy');
  });

  test('refuses a public one while public policies are blocked', async () => {
    const Bucket = await newBucket(s3);
    expect(await outcome(s3.send(new PutBucketPolicyCommand({ Bucket, Policy: statement(Bucket, {}) })))).toBe(
      'AccessDenied',
    );
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: statement(Bucket, {}) }));
    expect((await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic).toBe(true);
  });

  test.each([
    ['text that is no JSON', () => 'nonsense'],
    ['a statement about another bucket', () => statement('another', { Effect: 'Deny' })],
    ['a statement without an action', (name: string) => statement(name, { Effect: 'Deny', Action: undefined })],
  ])('refuses %s', async (_what, policy) => {
    const Bucket = await newBucket(s3);
    const Policy = policy(Bucket);
    expect(await outcome(s3.send(new PutBucketPolicyCommand({ Bucket, Policy })))).toBe('MalformedPolicy');
  });
});

test('a public ACL takes ownership by writers and no block', async () => {
  const Bucket = await newBucket(s3);
  const open = () => outcome(s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })));
  expect(await open()).toBe('AccessControlListNotSupported');
  await s3.send(
    new PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
    }),
  );
  expect(await open()).toBe('AccessDenied');
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  expect(await open()).toBe('ok');
  const { Grants } = await s3.send(new GetBucketAclCommand({ Bucket }));
  expect(Grants).toContainEqual({
    Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AllUsers' },
    Permission: 'READ',
  });
});

test('Object Lock is turned on at creation or on a versioned bucket, and keeps versioning on', async () => {
  const Bucket = await newBucket(s3, { lock: true });
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
  const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
  expect(await outcome(s3.send(suspend))).toBe('InvalidBucketState');
  const ObjectLockConfiguration = {
    ObjectLockEnabled: 'Enabled' as const,
    Rule: { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 3 } },
  };
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
  expect(await s3.send(new GetObjectLockConfigurationCommand({ Bucket }))).toMatchObject({ ObjectLockConfiguration });
  const plain = await newBucket(s3);
  const lock = new PutObjectLockConfigurationCommand({ Bucket: plain, ObjectLockConfiguration });
  expect(await outcome(s3.send(lock))).toBe('InvalidBucketState');
});
