import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetJobTaggingCommand, S3ControlClient } from '@aws-sdk/client-s3-control';
import { keepAccountOutOfHost } from '../../lib/aws/account-path';
import { type JobFacts, jobSpec } from '../../lib/batch/job-spec';
import { openJobs } from '../../lib/batch/jobs';
import { lockRotation } from '../../lib/workflow/run-lock';
import { newRole } from '../local-aws/s3-control/iam-role';
import { speak } from '../support/command-line';
import { JOBS_BUCKET, type SwitchedSite, switchedSite } from '../support/switched-site';

let site: SwitchedSite;
let client: S3ControlClient;

beforeEach(async () => {
  site = await switchedSite();
  const { url, region, accessKey: credentials } = site.endpoint;
  client = new S3ControlClient({ endpoint: url, region, credentials });
  keepAccountOutOfHost(client);
  for (const key of ['one', 'two', 'three']) await site.put(key);
  await site.switch(await site.jobs());
});

afterEach(async () => {
  client.destroy();
  await site[Symbol.asyncDispose]();
});

/** What a run would create. */
function specOf(change: Partial<JobFacts> = {}) {
  const { accountId: account } = site.endpoint;
  return jobSpec({
    scope: { rotation: 'ledger', bucket: site.bucket, targetKeyArn: site.arns[1], method: 'rewrap' },
    place: {
      account,
      roleArn: `arn:aws:iam::${account}:role/keyturn-ledger-batch`,
      bucket: JOBS_BUCKET,
      prefix: 'keyturn/ledger/',
      priority: 10,
    },
    attempt: 1,
    part: 'all',
    bucketKey: true,
    startedAt: new Date().toISOString(),
    manifest: { kind: 'generated', under: { keyArn: site.arns[0] } },
    ...change,
  });
}

/** Creates a job as a run would, and waits until S3 counted its tasks. */
async function suspended(change: Partial<JobFacts> = {}): Promise<string> {
  const jobId = await openJobs({ client, account: site.endpoint.accountId }).create(specOf(change));
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Suspended');
  return jobId;
}

const job = (...args: string[]) => speak(site.directory, ['job', ...args]);
const tagsOf = async (JobId: string) => {
  const { Tags = [] } = await client.send(new GetJobTaggingCommand({ AccountId: site.endpoint.accountId, JobId }));
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
};

it('shows each job with its state, tasks and what to type, and none of another rotation', async () => {
  const jobId = await suspended();
  await suspended({ scope: { rotation: 'other', bucket: site.bucket, targetKeyArn: site.arns[1], method: 'rewrap' } });
  const { exitCode, stdout } = await job('status');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`${jobId}  ledger-of-the-team  1 all +Suspended +0 of 3`));
  expect(stdout).toContain('it waits for confirmation: `npx keyturn job resume`');
  expect(stdout.match(/Suspended/g)).toHaveLength(1);
  const { jobs } = JSON.parse((await job('status', '--json')).stdout);
  expect(jobs).toEqual([
    expect.objectContaining({ jobId, bucket: site.bucket, total: 3, paused: false, ended: false }),
  ]);
});

it('reports a waiting job in status, and jobs and their bucket in doctor', async () => {
  const jobId = await suspended();
  const told = await speak(site.directory, ['status']);
  expect(told.stdout).toContain(`job ${jobId} of ${site.bucket} is Suspended, 0 of 3 tasks: it waits for confirmation`);
  await speak(site.directory, ['job', 'resume', '--yes']);
  await site.endpoint.jobs.settled(jobId);
  expect((await speak(site.directory, ['status'])).stdout).not.toContain(jobId);
  const { findings } = JSON.parse((await speak(site.directory, ['doctor', '--json'])).stdout);
  expect(findings).toContainEqual(
    expect.objectContaining({ check: 'jobs', sound: true, found: expect.stringContaining(`${JOBS_BUCKET} exists`) }),
  );
});

it('confirms a job that waits, and leaves evidence of it', async () => {
  const jobId = await suspended();
  const { exitCode, stdout } = await job('resume', '--yes', '--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).jobs).toEqual([{ jobId, bucket: site.bucket, before: 'Suspended', did: 'confirmed' }]);
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Complete');
  const evidence = await readFile(JSON.parse(stdout).evidence, 'utf8');
  expect(evidence).toContain('"control":"resume"');
  const after = JSON.parse((await job('status', jobId, '--json')).stdout).jobs[0];
  expect(after).toMatchObject({ status: 'Complete', succeeded: 3, failed: 0, ended: true });
});

it('pauses by marking and cancelling, keeps the mark until resume, and changes nothing in a dry run', async () => {
  const jobId = await suspended();
  const looked = await job('pause', '--dry-run', '--json');
  expect(JSON.parse(looked.stdout).jobs[0].did).toBe('would be marked as paused and cancelled');
  expect(site.endpoint.jobs.status(jobId)).toBe('Suspended');
  expect((await job('pause', '--yes')).exitCode).toBe(0);
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Cancelled');
  expect(await tagsOf(jobId)).toHaveProperty(['keyturn:paused']);
  expect((await job('status')).stdout).toContain('paused by a person');
  const resumed = await job('resume', '--yes', '--json');
  expect(JSON.parse(resumed.stdout).jobs[0].did).toBe('unmarked');
  expect(await tagsOf(jobId)).not.toHaveProperty(['keyturn:paused']);
  expect(await tagsOf(jobId)).toMatchObject({ 'keyturn:rotation': 'ledger' });
});

it('cancels one of two jobs by its id', async () => {
  const first = await suspended();
  const second = await suspended({ attempt: 2 });
  expect((await job('cancel', first, '--yes')).exitCode).toBe(0);
  expect(await site.endpoint.jobs.settled(first)).toBe('Cancelled');
  expect(site.endpoint.jobs.status(second)).toBe('Suspended');
  expect(await tagsOf(first)).not.toHaveProperty(['keyturn:paused']);
});

it('works concurrently with a run that holds the lock, in no chain of evidence, and both stay sound', async () => {
  const jobId = await suspended();
  const lock = await lockRotation(site.directory, 'ledger');
  const { exitCode, stderr } = await job('cancel', '--yes');
  await lock.release();
  expect(stderr).not.toContain('run-locked');
  expect(exitCode).toBe(0);
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Cancelled');
  await job('resume', '--yes');
  await job('resume', '--yes');
  const directory = path.join(site.directory, '.keyturn', 'evidence');
  expect((await readdir(directory)).filter((name) => name.endsWith('.ndjson'))).toHaveLength(3);
  const checked = await speak(site.directory, ['verify-evidence', directory]);
  expect(checked.stderr).toContain('1 concurrent run(s)');
  expect(checked.stderr).not.toContain('name no previous run');
  expect(checked.exitCode).toBe(0);
});

it('reports that there is nothing to do', async () => {
  expect((await job('status')).stdout).toContain('S3 has no job of this rotation');
  for (const [part, said] of [
    ['pause', 'can be paused'],
    ['resume', 'is paused or waits'],
    ['cancel', 'can be cancelled'],
  ] as const) {
    const { exitCode, stderr } = await job(part, '--yes');
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(said)]);
  }
});

it('refuses an unknown part, a job of another rotation, and a change that nobody can be asked about', async () => {
  expect(await job('stop')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('status, pause, resume, cancel'),
  });
  const scope = { rotation: 'other', bucket: site.bucket, targetKeyArn: site.arns[1], method: 'rewrap' } as const;
  const foreign = await suspended({ scope });
  expect(await job('cancel', foreign, '--yes')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('job-unknown'),
  });
  expect(await job('status', 'no-such-job')).toMatchObject({
    exitCode: expect.any(Number),
    stderr: expect.stringMatching(/error/),
  });
  await suspended();
  expect(await job('cancel')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('confirmation-needed') });
});

describe('refuses to confirm a job that carries the description but', () => {
  const scopeTo = (targetKeyArn: string) =>
    ({ rotation: 'ledger', bucket: site.bucket, targetKeyArn, method: 'rewrap' }) as const;
  const place = (roleName: string, bucket = JOBS_BUCKET) => ({
    account: site.endpoint.accountId,
    roleArn: `arn:aws:iam::${site.endpoint.accountId}:role/${roleName}`,
    bucket,
    prefix: 'keyturn/ledger/',
    priority: 10,
  });

  it.each<[string, () => Promise<Partial<JobFacts>>, string]>([
    ['moves objects to another key', async () => ({ scope: scopeTo(site.arns[0]) }), 'its target key is'],
    [
      'runs as another role',
      async () => {
        await newRole(site.endpoint, 'strong');
        return { place: place('strong') };
      },
      'its role is',
    ],
    [
      'lists what is under a key of somebody else',
      async () => {
        await site.put('under v2');
        return { manifest: { kind: 'generated', under: { keyArn: site.arns[1] } } };
      },
      'its manifest lists what is under',
    ],
    [
      'has a manifest that Keyturn did not upload',
      async () => {
        const Key = 'keyturn/ledger/manifests/forged.csv';
        const Body = `${site.bucket},one\n`;
        const { ETag = '' } = await site.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key, Body }));
        const manifest = { kind: 'listed', key: Key, etag: ETag.replaceAll('"', ''), withVersionIds: false } as const;
        return { manifest };
      },
      'Keyturn uploaded none for it',
    ],
  ])('%s', async (_title, change, said) => {
    const jobId = await suspended(await change());
    const { exitCode, stderr, stdout } = await job('resume', '--yes', '--json');
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining(said)]);
    expect(JSON.parse(stdout).jobs[0].did).toMatch(/^refused: /);
    expect(site.endpoint.jobs.status(jobId)).toBe('Suspended');
    expect((await job('resume', jobId, '--yes')).exitCode).toBe(4);
  });
});

it('finds a waiting job behind more than a hundred newer ones', async () => {
  const oldest = await suspended();
  const jobs = openJobs({ client, account: site.endpoint.accountId });
  await Promise.all(
    Array.from({ length: 105 }, async (_, at) =>
      jobs.cancel(await jobs.create(specOf({ attempt: at + 2 })), 'not needed'),
    ),
  );
  expect((await job('status')).stdout).toContain(`${oldest}: it waits for confirmation`);
  const { stdout } = await job('cancel', '--yes', '--json');
  expect(JSON.parse(stdout).jobs).toEqual([expect.objectContaining({ jobId: oldest, did: 'cancelled' })]);
});
