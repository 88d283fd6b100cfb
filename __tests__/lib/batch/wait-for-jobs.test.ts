import { S3ControlClient } from '@aws-sdk/client-s3-control';
import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { jobPoll } from '../../../lib/workflow/jobs/job-poll';
import { type JobsStand, jobsStand } from './jobs-stand';

let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
});
afterAll(() => stand.close());
afterEach(() => stand.aws.jobs.release());

async function seeded(name: string, objects: number): Promise<string> {
  const bucket = await stand.bucket(name, 'Enabled');
  // A run looks once more at what was written in the second before it began.
  stand.aws.clock.offset = -10_000;
  for (let n = 0; n < objects; n += 1) await stand.put(bucket, `n${n}`);
  stand.aws.clock.offset = 0;
  return bucket;
}

describe('while a job runs', () => {
  test('an interrupted run reports that the job continues, and the next run completes it', async () => {
    const bucket = await seeded('interrupted', 4);
    stand.aws.jobs.hold(['Active']);
    const abort = new AbortController();
    const onProgress = (text: string) => {
      if (text.includes('is active')) abort.abort();
    };
    const { signal } = abort;
    const first = await reencryptBucketByJobs(
      stand.tools({ signal }),
      stand.jobsRequest(bucket, { signal, onProgress }),
    );
    const jobId = first.jobs[0]?.jobId ?? '';
    expect(first).toMatchObject({ complete: false, stopped: { because: 'interrupted' } });
    expect(first.stopped?.detail).toContain(`job ${jobId} continues in S3`);
    stand.aws.jobs.release();
    const second = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    expect(second).toMatchObject({ complete: true, moved: 4, jobs: [{ jobId }] });
  });

  test('progress names the state, the tasks and the failures', async () => {
    const bucket = await seeded('progress', 6);
    stand.aws.jobs.tasksPerStep = 1;
    stand.aws.jobs.stepMs = 5;
    const lines: string[] = [];
    await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket, { onProgress: (text) => lines.push(text) }));
    expect(lines).toContainEqual(expect.stringMatching(/is suspended: 0 of 6 tasks, 0 failed/));
    expect(lines).toContainEqual(expect.stringMatching(/is active: [1-5] of 6 tasks, 0 failed/));
  });
});

describe('how often S3 is asked about a job', () => {
  test('is at most once in the interval, from its creation to its report', async () => {
    const bucket = await seeded('paced', 3);
    stand.aws.jobs.stepMs = 50;
    const at: number[] = [];
    const tools = stand.tools();
    const describeJob: typeof tools.jobs.describe = (jobId) => {
      at.push(performance.now());
      return tools.jobs.describe(jobId);
    };
    const poll = { firstMs: 60, mostMs: 60 };
    const jobs = { ...tools.jobs, describe: describeJob };
    await reencryptBucketByJobs({ ...tools, jobs }, stand.jobsRequest(bucket, { poll }));
    stand.aws.jobs.stepMs = 1;
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(at.length).toBeGreaterThan(2);
    // Timers may fire a millisecond early.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(58);
  });

  test('is every 30 s on AWS, and more often only on a loopback address', async () => {
    const control = (endpoint?: string) => new S3ControlClient({ region: 'eu-west-1', ...(endpoint && { endpoint }) });
    const intervalOf = async (endpoint?: string) => {
      const clients = { s3Control: control(endpoint) } as Parameters<typeof jobPoll>[0]['clients'];
      return (await jobPoll({ clients })).firstMs;
    };
    expect(await intervalOf()).toBe(30_000);
    expect(await intervalOf('https://vpce-1.s3.eu-west-1.vpce.amazonaws.com')).toBe(30_000);
    expect(await intervalOf('https://s3.corp.example')).toBe(30_000);
    expect(await intervalOf('http://127.0.0.1:4567')).toBe(100);
  });
});

describe('a run that is limited', () => {
  const only = { label: 'these', since: Number.MAX_SAFE_INTEGER, hasKey: (key: string) => key === 'n1' };

  test('inspects what it is limited to, and nothing else', async () => {
    const bucket = await seeded('limited', 3);
    const done = await reencryptBucket(stand.store(), stand.request(bucket, { only }));
    expect(done).toMatchObject({ complete: true, objectVersions: 3, moved: 1 });
  });

  test('inspects what is written meanwhile, too', async () => {
    const bucket = await seeded('limited-writers', 3);
    let isWritten = false;
    const onProgress = () => undefined;
    const onOutcome = () => {
      if (isWritten) return;
      isWritten = true;
      late = stand.put(bucket, 'late');
    };
    let late: Promise<unknown> | undefined;
    const done = await reencryptBucket(
      stand.store(),
      stand.request(bucket, { only, onProgress, onOutcome, relistDelayMs: 200 }),
    );
    await late;
    expect(done).toMatchObject({ complete: true, moved: 2 });
  });
});
