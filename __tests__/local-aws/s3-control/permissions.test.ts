import { CreateJobCommand, DescribeJobCommand, S3ControlClient } from '@aws-sdk/client-s3-control';
import { keepAccountOutOfHost } from '../../../lib/aws/account-path';
import { type BatchStand, batchStand, JOBS_BUCKET } from './batch-stand';
import { newRole, permit } from './iam-role';

let stand: BatchStand;
let roles = 0;

beforeAll(async () => {
  stand = await batchStand();
});
afterAll(() => stand.close());

/** A bucket with one object, and a role of its own. */
async function job(may: readonly object[]) {
  roles += 1;
  const bucket = await stand.bucket(`permissions-${roles}`);
  await stand.put(bucket, 'a');
  const name = `role-${roles}`;
  const RoleArn = await newRole(stand.aws, name, { may });
  return { bucket, RoleArn, name };
}

const allow = (Action: readonly string[], Resource: string | readonly string[]) => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/** The least that a rewrap of one bucket by a listed manifest needs. */
const least = (bucket: string, keys: readonly string[]) => [
  allow(['s3:UpdateObjectEncryption'], `arn:aws:s3:::${bucket}/*`),
  allow(['s3:GetObject'], `arn:aws:s3:::${JOBS_BUCKET}/manifests/*`),
  allow(['s3:PutObject'], `arn:aws:s3:::${JOBS_BUCKET}/reports/*`),
  allow(['kms:ReEncryptFrom', 'kms:ReEncryptTo'], keys),
];

it('runs a job within the least that it needs, and tells what the role was asked for', async () => {
  const { bucket, RoleArn, name } = await job([]);
  await permit(stand.aws, name, least(bucket, [stand.oldKey, stand.newKey]));
  const done = await stand.run(bucket, { RoleArn, ...(await stand.manifest([`${bucket},a`])) });
  expect(done).toMatchObject({
    Status: 'Complete',
    FailureReasons: [],
    ProgressSummary: { NumberOfTasksSucceeded: 1 },
  });
  const needs = stand.aws.jobs.needs.filter(({ resource }) => resource.includes(bucket) || resource.includes(':key/'));
  expect(needs).toEqual(
    expect.arrayContaining([
      { action: 's3:UpdateObjectEncryption', resource: `arn:aws:s3:::${bucket}/a` },
      { action: 'kms:ReEncryptFrom', resource: stand.oldKey },
      { action: 'kms:ReEncryptTo', resource: stand.newKey },
    ]),
  );
  const logged = [...stand.aws.requests].filter(({ service }) => service === 'batchoperations');
  expect(logged.map(({ operation }) => operation)).toEqual(
    expect.arrayContaining(['GetObject', 'UpdateObjectEncryption', 'PutObject']),
  );
});

it.each([
  ['the old key', (bucket: string) => least(bucket, [stand.newKey])],
  ['the new key', (bucket: string) => least(bucket, [stand.oldKey])],
  ['the objects', (bucket: string) => least(`${bucket}-other`, [stand.oldKey, stand.newKey])],
])('fails the tasks of a role that may not use %s', async (_, policy) => {
  const { bucket, RoleArn, name } = await job([]);
  await permit(stand.aws, name, policy(bucket));
  const { JobId = '' } = await stand.run(bucket, { RoleArn, ...(await stand.manifest([`${bucket},a`])) });
  expect(await stand.report(JobId)).toMatchObject([{ outcome: 'failed', status: '403', code: 'AccessDenied' }]);
});

it('fails the job of a role that may not read the manifest', async () => {
  const { bucket, RoleArn } = await job([allow(['s3:UpdateObjectEncryption'], '*')]);
  expect(await stand.run(bucket, { RoleArn, ...(await stand.manifest([`${bucket},a`])) })).toMatchObject({
    Status: 'Failed',
    FailureReasons: [{ FailureReason: 'Reading the manifest is forbidden: AccessDenied' }],
  });
});

it('fails the job of a role that may not have a manifest generated', async () => {
  const { bucket, RoleArn } = await job([
    allow(['s3:GetObject', 's3:PutObject', 's3:UpdateObjectEncryption', 'kms:*'], '*'),
  ]);
  expect(await stand.run(bucket, { RoleArn })).toMatchObject({
    Status: 'Failed',
    FailureReasons: [{ FailureReason: 'Manifest generation is forbidden: AccessDenied' }],
  });
});

it('ends a job whose report cannot be written, and says so', async () => {
  const { bucket, RoleArn } = await job([
    allow(['s3:PutInventoryConfiguration', 's3:UpdateObjectEncryption', 'kms:*'], '*'),
  ]);
  const done = await stand.run(bucket, { RoleArn });
  expect(done).toMatchObject({ Status: 'Complete', ProgressSummary: { NumberOfTasksSucceeded: 1 } });
  expect(done.FailureReasons?.[0]?.FailureReason).toBe(
    'The job report could not be written to your report bucket. Please check your permissions.',
  );
});

describe('a caller', () => {
  const as = (actions: readonly string[]): S3ControlClient => {
    const key = stand.aws.credentials.addUser(`caller-${actions.length}`);
    stand.aws.credentials.limit(key.accessKeyId, actions);
    const client = new S3ControlClient({
      region: stand.aws.region,
      endpoint: stand.aws.url,
      credentials: key,
      maxAttempts: 1,
    });
    keepAccountOutOfHost(client);
    return client;
  };

  it.each([
    ['s3:CreateJob', []],
    ['iam:PassRole', ['s3:CreateJob']],
    ['s3:PutJobTagging', ['s3:CreateJob', 'iam:PassRole']],
  ])('needs %s to create a job with tags', async (action, actions) => {
    const { bucket } = await job([]);
    const input = { ...stand.input(bucket), Tags: [{ Key: 'a', Value: 'b' }] };
    await expect(as(actions).send(new CreateJobCommand(input))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(`is not authorized to perform: ${action} on resource`),
    });
  });

  it('needs nothing more, and s3:DescribeJob to look at it', async () => {
    const { bucket } = await job([]);
    const client = as(['s3:CreateJob', 'iam:PassRole']);
    const { JobId } = await client.send(new CreateJobCommand(stand.input(bucket)));
    await expect(client.send(new DescribeJobCommand({ AccountId: stand.account, JobId }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(
        `s3:DescribeJob on resource: "arn:aws:s3:ap-northeast-1:${stand.account}:job/${JobId}"`,
      ),
    });
  });
});
