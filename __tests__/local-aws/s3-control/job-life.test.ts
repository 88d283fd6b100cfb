import { HeadObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateJobCommand,
  DescribeJobCommand,
  ListJobsCommand,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control';
import { outcome } from '../../conformance/byok';
import { type BatchStand, batchStand } from './batch-stand';

const DAY = 86_400_000;
let stand: BatchStand;
let bucket: string;
let made = 0;

beforeAll(async () => {
  stand = await batchStand();
});
afterAll(() => stand.close());
beforeEach(async () => {
  made += 1;
  bucket = await stand.bucket(`life-${made}`);
  for (const key of ['a', 'b', 'c']) await stand.put(bucket, key);
});
afterEach(() => {
  stand.aws.jobs.release();
  stand.aws.clock.offset = 0;
});

const keyOf = async (Key: string) => (await stand.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).SSEKMSKeyId;

it('runs a job to its end and moves every object', async () => {
  const job = await stand.run(bucket);
  expect(job).toMatchObject({
    Status: 'Complete',
    ProgressSummary: { TotalNumberOfTasks: 3, NumberOfTasksSucceeded: 3, NumberOfTasksFailed: 0 },
    FailureReasons: [],
  });
  expect(job.TerminationDate).toBeInstanceOf(Date);
  for (const key of ['a', 'b', 'c']) expect(await keyOf(key)).toBe(stand.newKey);
});

it('passes through the statuses in the order of the documentation', async () => {
  const seen: string[] = [];
  const { jobs } = stand.aws;
  const order = ['New', 'Preparing', 'Ready', 'Active', 'Completing'] as const;
  jobs.hold();
  const id = await stand.create(bucket);
  for (const [at, status] of order.entries()) {
    seen.push(await jobs.settled(id));
    expect((await stand.describe(id)).Status).toBe(status);
    jobs.release();
    jobs.hold(order.slice(at + 1));
  }
  seen.push(await jobs.settled(id));
  expect(seen).toEqual([...order, 'Complete']);
});

it('waits for a confirmation with its tasks counted, and touches nothing before', async () => {
  const job = await stand.run(bucket, { ConfirmationRequired: true });
  expect(job).toMatchObject({
    Status: 'Suspended',
    ProgressSummary: { TotalNumberOfTasks: 3, NumberOfTasksSucceeded: 0 },
  });
  expect(job.SuspendedDate).toBeInstanceOf(Date);
  expect(await keyOf('a')).toBe(stand.oldKey);
  await stand.confirm(job.JobId ?? '');
  expect(await stand.aws.jobs.settled(job.JobId ?? '')).toBe('Complete');
  expect(await keyOf('a')).toBe(stand.newKey);
});

it('fails a job that nobody confirms for 30 days', async () => {
  const { JobId } = await stand.run(bucket, { ConfirmationRequired: true });
  stand.aws.clock.advance(31 * DAY);
  expect(await stand.describe(JobId ?? '')).toMatchObject({
    Status: 'Failed',
    FailureReasons: [{ FailureReason: 'The job was not confirmed within 30 days.' }],
  });
});

it('forgets a job 90 days after its end', async () => {
  const { JobId } = await stand.run(bucket);
  const AccountId = stand.account;
  stand.aws.clock.advance(89 * DAY);
  expect((await stand.describe(JobId ?? '')).Status).toBe('Complete');
  stand.aws.clock.advance(2 * DAY);
  expect(await outcome(stand.control.send(new DescribeJobCommand({ AccountId, JobId })))).toBe('NotFoundException');
  const { Jobs = [] } = await stand.control.send(new ListJobsCommand({ AccountId }));
  expect(Jobs.map((job) => job.JobId)).not.toContain(JobId);
});

it('cancels an active job, which reports what it did and does no more', async () => {
  const { jobs } = stand.aws;
  jobs.tasksPerStep = 1;
  jobs.hold(['Active']);
  const id = await stand.create(bucket);
  await jobs.settled(id);
  const asked = {
    AccountId: stand.account,
    JobId: id,
    RequestedJobStatus: 'Cancelled',
    StatusUpdateReason: 'no longer',
  } as const;
  expect(await stand.control.send(new UpdateJobStatusCommand(asked))).toMatchObject({ Status: 'Cancelling' });
  jobs.tasksPerStep = 100;
  jobs.release();
  expect(await jobs.settled(id)).toBe('Cancelled');
  expect(await stand.describe(id)).toMatchObject({ Status: 'Cancelled', StatusUpdateReason: 'no longer' });
  expect(await keyOf('a')).toBe(stand.oldKey);
});

it('refuses to confirm what is not suspended, and to cancel what has ended', async () => {
  const { JobId } = await stand.run(bucket);
  const update = (RequestedJobStatus: 'Ready' | 'Cancelled') =>
    outcome(stand.control.send(new UpdateJobStatusCommand({ AccountId: stand.account, JobId, RequestedJobStatus })));
  expect(await update('Ready')).toBe('JobStatusException');
  expect(await update('Cancelled')).toBe('JobStatusException');
});

it('answers the same job for the same token and request, and refuses another request', async () => {
  const input = stand.input(bucket, { ConfirmationRequired: true });
  const first = await stand.control.send(new CreateJobCommand(input));
  const again = await stand.control.send(new CreateJobCommand(input));
  expect(again.JobId).toBe(first.JobId);
  const other = { ...input, Priority: 2 };
  expect(await outcome(stand.control.send(new CreateJobCommand(other)))).toBe('IdempotencyException');
});

it('lists jobs newest first, page by page and by status', async () => {
  const AccountId = stand.account;
  const ids: string[] = [];
  for (const confirm of [true, true, false]) {
    ids.unshift((await stand.run(bucket, { ConfirmationRequired: confirm })).JobId ?? '');
  }
  const seen: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await stand.control.send(new ListJobsCommand({ AccountId, MaxResults: 2, NextToken }));
    expect(page.Jobs?.length).toBeLessThanOrEqual(2);
    seen.push(...(page.Jobs ?? []).map(({ JobId = '' }) => JobId));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(seen.slice(0, 3)).toEqual(ids);
  expect(new Set(seen).size).toBe(seen.length);
  const waiting = await stand.control.send(new ListJobsCommand({ AccountId, JobStatuses: ['Suspended', 'Ready'] }));
  expect(waiting.Jobs?.every(({ Status }) => Status === 'Suspended')).toBe(true);
  expect(waiting.Jobs?.map(({ JobId }) => JobId)).toEqual(expect.arrayContaining(ids.slice(1)));
});

it('leaves a job where it is once the endpoint is closed', async () => {
  const other = await batchStand();
  const source = await other.bucket('closed');
  await other.put(source, 'a');
  const { jobs } = other.aws;
  jobs.hold(['Active']);
  const id = await other.create(source);
  await jobs.settled(id);
  await other.close();
  jobs.release();
  await new Promise((done) => setTimeout(done, 50));
  expect(jobs.status(id)).toBe('Active');
});
