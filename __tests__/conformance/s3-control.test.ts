import {
  CreateJobCommand,
  DeleteJobTaggingCommand,
  DescribeJobCommand,
  GetJobTaggingCommand,
  ListJobsCommand,
  PutJobTaggingCommand,
  UpdateJobPriorityCommand,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control';
import { type BatchStand, batchStand, JOBS_BUCKET } from '../local-aws/s3-control/batch-stand';
import { outcome } from './byok';

let stand: BatchStand;
let bucket: string;

beforeAll(async () => {
  stand = await batchStand();
  bucket = await stand.bucket('sdk-jobs');
  await stand.put(bucket, 'a');
});
afterAll(() => stand.close());

const named = (JobId: string) => ({ AccountId: stand.account, JobId });

it('describes a job as it was asked for, with its manifest generator', async () => {
  const input = {
    ...stand.input(bucket, { ConfirmationRequired: true, Description: 'Rewrap <all> & more', Priority: 7 }),
    ManifestGenerator: {
      S3JobManifestGenerator: {
        SourceBucket: `arn:aws:s3:::${bucket}`,
        ExpectedBucketOwner: stand.account,
        EnableManifestOutput: true,
        ManifestOutputLocation: {
          Bucket: `arn:aws:s3:::${JOBS_BUCKET}`,
          ManifestFormat: 'S3InventoryReport_CSV_20211130' as const,
          ManifestPrefix: 'generated',
          ManifestEncryption: { SSES3: {} },
        },
        Filter: {
          CreatedBefore: new Date('2100-01-01T00:00:00Z'),
          KeyNameConstraint: { MatchAnyPrefix: ['a', 'b'] },
          MatchAnyStorageClass: ['STANDARD' as const],
          MatchAnyObjectEncryption: [{ SSEKMS: { KmsKeyArn: stand.oldKey, BucketKeyEnabled: true } }],
        },
      },
    },
  };
  const { JobId = '' } = await stand.control.send(new CreateJobCommand(input));
  expect(JobId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  await stand.aws.jobs.settled(JobId);
  const { Job } = await stand.control.send(new DescribeJobCommand(named(JobId)));
  const { AccountId: _account, ClientRequestToken: _token, ...asked } = input;
  expect(Job).toMatchObject({
    ...asked,
    JobId,
    JobArn: `arn:aws:s3:${stand.aws.region}:${stand.account}:job/${JobId}`,
    Status: 'Suspended',
    SuspendedCause: 'AwaitingConfirmation',
    FailureReasons: [],
    ProgressSummary: {
      TotalNumberOfTasks: 1,
      NumberOfTasksSucceeded: 0,
      NumberOfTasksFailed: 0,
      Timers: { ElapsedTimeInActiveSeconds: 0 },
    },
    GeneratedManifestDescriptor: { Format: 'S3InventoryReport_CSV_20211130' },
  });
  expect(Job?.CreationTime).toBeInstanceOf(Date);
});

it('describes a copy by a CSV manifest as it was asked for', async () => {
  const input = stand.input(bucket, {
    ...(await stand.manifest([`${bucket},a`])),
    Operation: {
      S3PutObjectCopy: {
        TargetResource: `arn:aws:s3:::${bucket}`,
        SSEAwsKmsKeyId: stand.newKey,
        BucketKeyEnabled: true,
        MetadataDirective: 'REPLACE',
        NewObjectMetadata: { UserMetadata: { one: '1', two: '2' }, ContentType: 'text/plain' },
        NewObjectTagging: [{ Key: 'k', Value: 'v' }],
        UnModifiedSinceConstraint: new Date('2100-01-01T00:00:00Z'),
      },
    },
  });
  const { JobId = '' } = await stand.control.send(new CreateJobCommand(input));
  await stand.aws.jobs.settled(JobId);
  const { Job } = await stand.control.send(new DescribeJobCommand(named(JobId)));
  expect(Job).toMatchObject({
    Status: 'Complete',
    Operation: input.Operation,
    Manifest: input.Manifest,
    Report: input.Report,
  });
  expect(Job?.ProgressSummary).toMatchObject({ NumberOfTasksSucceeded: 1 });
});

it('lists a job with its operation and progress', async () => {
  const { JobId } = await stand.run(bucket, { Description: 'listed' });
  const { Jobs = [] } = await stand.control.send(
    new ListJobsCommand({ AccountId: stand.account, JobStatuses: ['Complete'] }),
  );
  expect(Jobs.find((job) => job.JobId === JobId)).toMatchObject({
    Description: 'listed',
    Operation: 'S3UpdateObjectEncryption',
    Status: 'Complete',
    ProgressSummary: { TotalNumberOfTasks: 1, NumberOfTasksSucceeded: 1 },
  });
});

it('keeps, replaces and drops the tags of a job', async () => {
  const JobId = await stand.create(bucket, { Tags: [{ Key: 'a b', Value: '1' }] });
  const tags = async () => (await stand.control.send(new GetJobTaggingCommand(named(JobId)))).Tags;
  expect(await tags()).toEqual([{ Key: 'a b', Value: '1' }]);
  await stand.control.send(new PutJobTaggingCommand({ ...named(JobId), Tags: [{ Key: 'c', Value: '' }] }));
  expect(await tags()).toEqual([{ Key: 'c', Value: '' }]);
  await stand.control.send(new DeleteJobTaggingCommand(named(JobId)));
  expect(await tags()).toEqual([]);
});

it('changes priority and status', async () => {
  const { JobId = '' } = await stand.run(bucket, { ConfirmationRequired: true });
  expect(await stand.control.send(new UpdateJobPriorityCommand({ ...named(JobId), Priority: 99 }))).toMatchObject({
    JobId,
    Priority: 99,
  });
  const cancel = { ...named(JobId), RequestedJobStatus: 'Cancelled' as const, StatusUpdateReason: 'no longer wanted' };
  expect(await stand.control.send(new UpdateJobStatusCommand(cancel))).toMatchObject({
    JobId,
    Status: 'Cancelling',
    StatusUpdateReason: 'no longer wanted',
  });
  expect(await stand.aws.jobs.settled(JobId)).toBe('Cancelled');
  expect(await stand.describe(JobId)).toMatchObject({ Priority: 99, StatusUpdateReason: 'no longer wanted' });
});

it('answers as a throttled service would, where a fault says so', async () => {
  const match = { service: 's3control', operation: 'CreateJob' };
  const then = { kind: 'answer', status: 503, code: 'TooManyRequestsException' } as const;
  const lift = stand.aws.faults.inject({ match, then });
  expect(await outcome(stand.create(bucket))).toBe('TooManyRequestsException');
  lift();
  expect(await outcome(stand.create(bucket))).toBe('ok');
});

it('is not asked for by a bucket that is named like its path', async () => {
  const named = await stand.bucket('v20180820');
  await stand.put(named, 'jobs');
  const record = [...stand.aws.requests].findLast(({ path }) => path.startsWith('/v20180820/jobs'));
  expect(record).toMatchObject({ service: 's3', operation: 'PutObject', key: 'jobs', status: 200 });
});
