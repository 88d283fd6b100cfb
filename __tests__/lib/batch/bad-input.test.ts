import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import type { BatchRequest } from '../../../lib/batch/batch-request';
import { PAUSED_TAG } from '../../../lib/batch/job-spec';
import type { KeyturnError } from '../../../lib/errors';
import { newRole, permit } from '../../local-aws/s3-control/iam-role';
import { JOBS_BUCKET, type JobsStand, jobsStand } from './jobs-stand';

let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
});
afterAll(() => stand.close());
afterEach(() => {
  stand.aws.jobs.reportFault = undefined;
  stand.aws.jobs.failing = undefined;
  stand.aws.jobs.release();
  stand.aws.faults.clear();
});

let buckets = 0;
async function seeded(objects = 3): Promise<string> {
  buckets += 1;
  const bucket = await stand.bucket(`bad-${buckets}`, 'Enabled');
  for (let n = 0; n < objects; n += 1) await stand.put(bucket, `n${n}`);
  return bucket;
}

const run = (request: BatchRequest) => reencryptBucketByJobs(stand.tools(), request);
async function failureOf(request: BatchRequest): Promise<KeyturnError> {
  const error = await run(request).then(
    (done) => done,
    (thrown: unknown) => thrown,
  );
  expect(error).toHaveProperty('code');
  return error as KeyturnError;
}

describe('the role', () => {
  test('fails when it is missing, and continues once it exists', async () => {
    const bucket = await seeded();
    const roleArn = `arn:aws:iam::${stand.account}:role/late`;
    const request = stand.jobsRequest(bucket, { place: { roleArn } });
    expect(await failureOf(request)).toMatchObject({ code: 'job-role-missing', facts: { role: roleArn } });
    await newRole(stand.aws, 'late');
    expect(await run(request)).toMatchObject({ complete: true, moved: 3 });
  });

  test('fails when it is too weak, names the action, and creates another job only when it is told to', async () => {
    const bucket = await seeded(10);
    const roleArn = await newRole(stand.aws, 'weak', {
      may: [
        { Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 'kms:*'], Resource: '*' },
      ],
    });
    const request = stand.jobsRequest(bucket, { place: { roleArn } });
    const jobsBefore = stand.aws.jobs.ids.length;
    const error = await failureOf(request);
    expect(error).toMatchObject({
      code: 'job-denied',
      exitCode: 77,
      facts: { role: roleArn, action: 's3:UpdateObjectEncryption' },
    });
    await permit(stand.aws, 'weak', [{ Effect: 'Allow', Action: ['s3:*', 'kms:*'], Resource: '*' }]);
    expect(await failureOf(request)).toMatchObject({ code: 'job-denied' });
    expect(stand.aws.jobs.ids).toHaveLength(jobsBefore + 1);
    const done = await run({ ...request, newJob: true });
    expect(done).toMatchObject({ complete: true, moved: 10, jobs: [{ attempt: 2 }] });
  });

  test('fails when it may not read the manifest', async () => {
    const bucket = await seeded();
    const roleArn = await newRole(stand.aws, 'blind', { may: [{ Effect: 'Allow', Action: ['kms:*'], Resource: '*' }] });
    const error = await failureOf(stand.jobsRequest(bucket, { place: { roleArn } }));
    expect(error).toMatchObject({ code: 'job-denied', facts: { action: 's3:GetObject' } });
  });
});

describe('the report', () => {
  const faults = ['cut-csv', 'missing-csv', 'missing-manifest', 'foreign-rows', 'wrong-digest'] as const;
  test.each(faults)('fails when it is invalid: %s, and uses nothing of it', async (fault) => {
    const bucket = await seeded();
    stand.aws.jobs.reportFault = fault;
    const request = stand.jobsRequest(bucket, { poll: { firstMs: 2, mostMs: 10, reportMs: 10 } });
    const error = await failureOf(request);
    expect(error.code).toBe('job-report-invalid');
    expect(await failureOf(request)).toMatchObject({ code: 'job-report-invalid' });
    stand.aws.jobs.reportFault = undefined;
    // The job moved all there was, whatever its report says: another one needs something to do.
    await stand.put(bucket, 'late');
    expect(await run({ ...request, newJob: true })).toMatchObject({ complete: true, jobs: [{ attempt: 2 }] });
  });

  test('fails when a file of it is deleted', async () => {
    const bucket = await seeded();
    const first = await run(stand.jobsRequest(bucket));
    const Key = first.jobs[0]?.report?.files[0]?.key;
    await stand.s3.send(new DeleteObjectCommand({ Bucket: JOBS_BUCKET, Key }));
    expect(await failureOf(stand.jobsRequest(bucket))).toMatchObject({ code: 'job-report-invalid' });
  });
});

test('fails when the job has fewer tasks than its manifest has rows', async () => {
  const bucket = await seeded();
  const { jobs, ...tools } = stand.tools();
  const describeJob: typeof jobs.describe = async (jobId) => {
    const state = await jobs.describe(jobId);
    return state && { ...state, total: Math.min(state.total, 2) };
  };
  const run = reencryptBucketByJobs({ ...tools, jobs: { ...jobs, describe: describeJob } }, stand.jobsRequest(bucket));
  await expect(run).rejects.toMatchObject({
    code: 'job-report-invalid',
    facts: { found: expect.stringContaining('3 row') },
  });
});

describe('the bucket of manifests', () => {
  test('fails when it does not exist', async () => {
    const bucket = await seeded();
    const error = await failureOf(stand.jobsRequest(bucket, { place: { bucket: 'no-such-jobs' } }));
    expect(error.code).toBe('job-bucket-missing');
  });

  test('fails when it is in another Region', async () => {
    const bucket = await seeded();
    const error = await failureOf(stand.jobsRequest(bucket, { region: 'eu-west-1' }));
    expect(error).toMatchObject({ code: 'job-bucket-wrong-region', facts: { found: 'ap-northeast-1' } });
  });
});

describe('a job', () => {
  test('fails when somebody else cancelled it, and the next run starts another attempt', async () => {
    const bucket = await seeded();
    const request = stand.jobsRequest(bucket, {
      confirm: async ([job]) => {
        stand.aws.jobs.cancel(job?.jobId ?? '', 'the night shift');
        return true;
      },
    });
    expect(await failureOf(request)).toMatchObject({
      code: 'job-cancelled',
      exitCode: 3,
      facts: { reason: 'the night shift' },
    });
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, moved: 3, jobs: [{ attempt: 2 }] });
  });

  test('is not followed by another while it is paused, and is once it is resumed', async () => {
    const bucket = await seeded();
    const first = await run(stand.jobsRequest(bucket, { confirm: async () => false }));
    const jobId = first.jobs[0]?.jobId ?? '';
    const { jobs } = stand.tools();
    await jobs.tag(jobId, { [PAUSED_TAG]: 'now' });
    await jobs.cancel(jobId, 'keyturn job pause');
    await stand.aws.jobs.settled(jobId);
    expect(await failureOf(stand.jobsRequest(bucket))).toMatchObject({ code: 'job-paused', exitCode: 3 });
    expect(await failureOf(stand.jobsRequest(bucket))).toMatchObject({ code: 'job-paused' });
    await jobs.tag(jobId, { [PAUSED_TAG]: undefined });
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, moved: 3, jobs: [{ attempt: 2 }] });
  });

  test('is followed by another without a report when Keyturn cancelled it', async () => {
    const bucket = await seeded();
    const first = await run(stand.jobsRequest(bucket, { confirm: async () => false }));
    const jobId = first.jobs[0]?.jobId ?? '';
    await stand.tools().jobs.cancel(jobId, 'keyturn job cancel');
    await stand.aws.jobs.settled(jobId);
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, jobs: [{ attempt: 2 }] });
  });

  test('fails when S3 deleted it before it was read, and the next run starts another attempt', async () => {
    const bucket = await seeded();
    const first = await run(stand.jobsRequest(bucket, { confirm: async () => false }));
    await stand.tools().jobs.confirm(first.jobs[0]?.jobId ?? '');
    await stand.aws.jobs.settled(first.jobs[0]?.jobId ?? '');
    stand.aws.clock.advance(91 * 86_400_000);
    expect(await failureOf(stand.jobsRequest(bucket))).toMatchObject({ code: 'job-gone', exitCode: 3 });
    await stand.put(bucket, 'late');
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, jobs: [{ attempt: 2 }] });
  });

  test('fails when more than half of its tasks fail, naming the errors', async () => {
    const bucket = await seeded(30);
    stand.aws.jobs.failureRuleAfter = 10;
    stand.aws.jobs.failing = { rate: 0.8, status: 400, code: 'InvalidRequest' };
    const error = await failureOf(stand.jobsRequest(bucket));
    expect(error).toMatchObject({ code: 'job-failed', facts: { errors: expect.stringContaining('InvalidRequest') } });
    stand.aws.jobs.failing = undefined;
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, jobs: [{ attempt: 2 }] });
    stand.aws.jobs.failureRuleAfter = 1000;
  });

  test('stops partly done when CreateJob stays throttled, and creates one job afterwards', async () => {
    const bucket = await seeded();
    stand.aws.faults.inject({
      match: { service: 's3control', operation: 'CreateJob' },
      // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
      then: { kind: 'answer', status: 429, code: 'TooManyRequestsException' },
    });
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: false, stopped: { because: 'endpoint' } });
    stand.aws.faults.clear();
    expect(await run(stand.jobsRequest(bucket))).toMatchObject({ complete: true, jobs: [{ attempt: 1 }] });
  });

  test('is the only one of two concurrent runs', async () => {
    const bucket = await seeded();
    const ids = new Set<string>();
    const of = (name: string) =>
      stand.jobsRequest(bucket, {
        jobsFile: `${stand.directory}/${name}.json`,
        journalFile: `${stand.directory}/${name}.ndjson`,
        evidence: undefined,
      });
    const ends = await Promise.all([run(of('first')), run(of('second'))]);
    for (const end of ends) {
      expect(end).toMatchObject({ complete: true });
      for (const { jobId } of end.jobs) ids.add(jobId);
    }
    expect(ids.size).toBe(1);
  });
});

describe('tasks that fail transiently', () => {
  test('are retried by the local engine where they are few', async () => {
    const bucket = await seeded(10);
    stand.aws.jobs.failing = { rate: 0.3, status: 503, code: 'SlowDown' };
    const notes: string[] = [];
    const done = await run(stand.jobsRequest(bucket, { onNote: (text) => notes.push(text) }));
    expect(done).toMatchObject({ complete: true, moved: 10, failedTotal: 0, jobs: [{ part: 'all', failed: 3 }] });
    expect(notes).toContainEqual(expect.stringContaining('3 task(s) failed (3 SlowDown)'));
  });

  test('are retried by another job where they are many, and finally by the local engine', async () => {
    const bucket = await seeded(10);
    stand.aws.jobs.failing = { rate: 0.5, status: 503, code: 'SlowDown' };
    const done = await run(stand.jobsRequest(bucket, { localBelow: 0 }));
    expect(done.jobs.map(({ part, total, failed }) => [part, total, failed])).toEqual([
      ['all', 10, 5],
      ['again-1', 5, 2],
      ['again-2', 2, 1],
    ]);
    expect(done).toMatchObject({ complete: true, moved: 10, failedTotal: 0 });
    const again = await run(stand.jobsRequest(bucket, { localBelow: 0 }));
    expect(again.jobs.map(({ jobId }) => jobId).sort()).toEqual(done.jobs.map(({ jobId }) => jobId).sort());
  });
});

describe('copies by jobs', () => {
  const rewrite = { method: 'rewrite' as const };

  test('refuses to copy while writers are not paused', async () => {
    const bucket = await seeded();
    const error = await failureOf(stand.jobsRequest(bucket, { scope: rewrite }));
    expect(error.code).toBe('job-copies-unsupported');
  });

  test('move current versions, and leave the rest to the local engine', async () => {
    const bucket = await seeded();
    await stand.put(bucket, 'cool', { StorageClass: 'STANDARD_IA' });
    await stand.put(bucket, 'tagged', { Tagging: 'a=1', Metadata: { m: '1' } });
    const notes: string[] = [];
    const request = stand.jobsRequest(bucket, {
      scope: rewrite,
      noConcurrentWrites: true,
      onNote: (text) => notes.push(text),
    });
    const done = await run(request);
    expect(done).toMatchObject({ complete: true, moved: 5, jobs: [{ total: 4, failed: 0 }] });
    expect(done.blocked.map(({ reason }) => reason)).toEqual(Array(5).fill('noncurrent-version'));
    expect(notes.join('\n')).toContain('STANDARD');
    expect(await run(request)).toMatchObject({ complete: true, moved: 0 });
  });
});

test('a description that somebody else wrote does not count as a Keyturn job', async () => {
  const bucket = await seeded();
  await stand.s3.send(
    new PutObjectCommand({ Bucket: JOBS_BUCKET, Key: 'x.csv', Body: `${bucket},n0\n`, ServerSideEncryption: 'AES256' }),
  );
  const foreign = await stand.create(bucket, {
    Description: `keyturn rot: rewrap ${bucket} to ${stand.newKey.split('/')[1]} #1 all`,
    Operation: {
      S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: stand.oldKey, BucketKeyEnabled: true } } },
    },
  });
  await stand.aws.jobs.settled(foreign);
  const done = await run(stand.jobsRequest(bucket));
  expect(done).toMatchObject({ complete: true, moved: 3 });
  expect(done.jobs.map(({ jobId }) => jobId)).not.toContain(foreign);
});
