import {
  CloudTrailClient,
  type Event,
  LookupEventsCommand,
  type LookupEventsCommandInput,
} from '@aws-sdk/client-cloudtrail';
import { DecryptCommand, DescribeKeyCommand, DisableKeyCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { awsQuotas, type LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { socketless } from '../support/socketless';
import { importedKey, kmsClient } from './byok';

let aws: LocalAws;
let trail: CloudTrailClient;
let arn: string;

const DAY = 86_400_000;

beforeEach(async () => {
  aws = await startTestAws();
  trail = new CloudTrailClient({ ...client(), maxAttempts: 1 });
  arn = (await importedKey(kmsClient(aws))).arn;
});
afterEach(() => aws.close());

const client = (credentials = aws.accessKey) => ({
  endpoint: aws.url,
  region: aws.region,
  credentials,
  requestHandler: socketless(() => aws),
});
const lookUp = (more: Partial<LookupEventsCommandInput> = {}) =>
  trail.send(
    new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: arn }], ...more }),
  );
const recordIn = ({ CloudTrailEvent = '' }: Event) => JSON.parse(CloudTrailEvent);

it('keeps what S3 asks of KMS for a user, with the bucket in the encryption context', async () => {
  const s3 = (key = aws.accessKey) => new S3Client({ ...client(key), forcePathStyle: true });
  await s3().send(
    new CreateBucketCommand({
      Bucket: 'ledger',
      CreateBucketConfiguration: { LocationConstraint: aws.region as 'eu-west-1' },
    }),
  );
  const named = { Bucket: 'ledger', Key: 'a' };
  await s3().send(new PutObjectCommand({ ...named, Body: 'a', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn }));
  await s3().send(new GetObjectCommand(named));

  const { Events = [] } = await lookUp({ MaxResults: 2 });
  expect(Events).toMatchObject([
    { EventName: 'Decrypt', Username: 'local-aws', Resources: [{ ResourceType: 'AWS::KMS::Key', ResourceName: arn }] },
    { EventName: 'GenerateDataKey', ReadOnly: 'true', EventSource: 'kms.amazonaws.com' },
  ]);
  expect(Events.map(recordIn)).toMatchObject([
    {
      userIdentity: { type: 'IAMUser', userName: 'local-aws', invokedBy: 'AWS Internal' },
      requestParameters: { encryptionContext: { 'aws:s3:arn': 'arn:aws:s3:::ledger/a' } },
    },
    { sourceIPAddress: 'AWS Internal', resources: [{ ARN: arn }] },
  ]);
});

it('keeps who was refused, and why', async () => {
  const kms = kmsClient(aws);
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: arn, Plaintext: Buffer.from('x') }));
  await kms.send(new DisableKeyCommand({ KeyId: arn }));
  await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).rejects.toThrow('is disabled');
  const reader = aws.credentials.addUser('reader');
  aws.credentials.limit(reader.accessKeyId, []);
  await expect(kmsClient(aws, reader).send(new DescribeKeyCommand({ KeyId: arn }))).rejects.toThrow('not authorized');

  const records = ((await lookUp()).Events ?? []).map(recordIn);
  expect(records).toMatchObject([
    { eventName: 'DescribeKey', errorCode: 'AccessDenied', userIdentity: { userName: 'reader' } },
    { eventName: 'Decrypt', errorCode: 'DisabledException', resources: [{ ARN: arn }] },
    { eventName: 'DisableKey', readOnly: false },
    { eventName: 'Encrypt', requestParameters: null },
    ...records.slice(4).map(() => ({})),
  ]);
});

it('pages the newest first, and keeps a token to the request that it came with', async () => {
  const all = (await lookUp()).Events?.map(({ EventId }) => EventId) ?? [];
  const first = await lookUp({ MaxResults: 1 });
  const second = await lookUp({ MaxResults: 50, NextToken: first.NextToken });
  expect([...(first.Events ?? []), ...(second.Events ?? [])].map(({ EventId }) => EventId)).toEqual(all);
  expect(second.NextToken).toBeUndefined();
  await expect(lookUp({ NextToken: first.NextToken, StartTime: new Date(0) })).rejects.toThrow(
    expect.objectContaining({ name: 'InvalidNextTokenException' }),
  );
});

it('shows events after the delay, and for 90 days', async () => {
  const shown = async (more = {}) => (await lookUp(more)).Events?.length ?? 0;
  const all = await shown();
  aws.faults.trailDelay = 300_000;
  expect(await shown()).toBe(0);
  aws.clock.advance(300_000);
  expect(await shown()).toBe(all);
  expect(await shown({ StartTime: new Date(aws.clock.now()) })).toBe(0);
  aws.clock.advance(90 * DAY);
  expect(await shown()).toBe(0);
});

it.each([
  [{ MaxResults: 51 }, 'InvalidMaxResultsException'],
  [{ StartTime: new Date(2000), EndTime: new Date(1000) }, 'InvalidTimeRangeException'],
  [{ LookupAttributes: [{ AttributeKey: 'Color', AttributeValue: 'red' }] }, 'InvalidLookupAttributesException'],
])('refuses what CloudTrail refuses: %j', async (more, name) => {
  const asked = lookUp(more as Partial<LookupEventsCommandInput>);
  await expect(asked).rejects.toThrow(expect.objectContaining({ name }));
});

it('refuses the third request of a second where quotas are on, and whom no policy allows it', async () => {
  await using limited = {
    aws: await startTestAws({ quotas: awsQuotas }),
    [Symbol.asyncDispose]: () => limited.aws.close(),
  };
  const asked = () =>
    new CloudTrailClient({ ...client(), requestHandler: socketless(() => limited.aws), maxAttempts: 1 }).send(
      new LookupEventsCommand({}),
    );
  await asked();
  await asked();
  await expect(asked()).rejects.toThrow(expect.objectContaining({ name: 'ThrottlingException' }));

  aws.credentials.limit(aws.accessKey.accessKeyId, ['kms:*']);
  await expect(lookUp()).rejects.toThrow('not authorized to perform: cloudtrail:LookupEvents');
});
