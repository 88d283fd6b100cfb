import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
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
