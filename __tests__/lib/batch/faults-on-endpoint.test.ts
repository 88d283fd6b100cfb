import path from 'node:path';
import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';

import { type AwsClients, createClients } from '../../../lib/aws/clients';
import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { openJobs } from '../../../lib/batch/jobs';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import type { FaultAction, FaultMatch, Jobs, LocalAwsOptions } from '../../../local-aws';
import { JOBS_BUCKET, type JobsStand, jobsStand, RETRY } from './jobs-stand';

const DAY = 86_400_000;
const KMS_SLOW = 'Please reduce your request rate for operations involving AWS KMS.';
const answer = (status: number, code: string, message = code): FaultAction => ({
  kind: 'answer',
  status,
  code,
  message,
});

let stand: JobsStand;
let clients: AwsClients;
let made = 0;

async function open(options: LocalAwsOptions = {}): Promise<void> {
  await stand?.close();
  stand = await jobsStand(options);
  // The product's own clients: what they make of a broken connection is part of what is tried.
  Object.assign(process.env, stand.aws.environment(), { AWS_MAX_ATTEMPTS: '1' });
  clients?.destroy();
  clients = createClients({ region: stand.aws.region, env: process.env });
}
beforeAll(() => open());
afterAll(async () => {
  clients.destroy();
  await stand.close();
});
afterEach(() => {
  stand.aws.faults.clear();
  stand.aws.jobs.release();
  stand.aws.clock.offset = 0;
  Object.assign(stand.aws.jobs, { failing: undefined, reportFault: undefined, failureRuleAfter: 1000 });
});

async function filled(objects = 12, versioning?: 'Enabled'): Promise<string> {
  made += 1;
  const bucket = await stand.bucket(`faults-${made}`, versioning);
  for (let at = 0; at < objects; at += 1) await stand.put(bucket, `k${at}`);
  return bucket;
}

const run = (bucket: string, over?: Parameters<JobsStand['jobsRequest']>[1]) => {
  const { s3, s3Control: client } = clients;
  const tools = { store: stand.store(), s3, jobs: openJobs({ client, account: stand.account, retry: RETRY }) };
  const poll = { firstMs: 2, mostMs: 10, reportMs: 10 };
  return reencryptBucketByJobs(tools, stand.jobsRequest(bucket, { poll, ...over }));
};

function strike(match: FaultMatch, then: FaultAction): () => void {
  return stand.aws.faults.inject({ match, then });
}

const strikeTasks = (action: FaultAction, match: FaultMatch = {}) =>
  strike({ service: 'batchoperations', operation: 'UpdateObjectEncryption', ...match }, action);

/** Every object is under the new key, by a fresh listing and a look at each. */
async function expectMoved(bucket: string, objectVersions: number): Promise<void> {
  const found = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey, read: 'all' });
  expect(found).toMatchObject({ objectVersions, leftTotal: 0, unknownTotal: 0 });
}

async function jobsOf(bucket: string): Promise<readonly string[]> {
  const { Jobs: all = [] } = await stand.control.send(new ListJobsCommand({ AccountId: stand.account }));
  return all.flatMap(({ Description = '' }) => (Description.includes(` ${bucket} to `) ? [Description] : []));
}

/** A test says what it is about a job it has not seen the id of: the newest. */
const newest = (jobs: Jobs): string => jobs.ids[0] ?? '';

describe('a transient fault', () => {
  const requests = [
    ['s3control', 'ListJobs'],
    ['s3control', 'CreateJob'],
    ['s3control', 'DescribeJob'],
    ['s3control', 'UpdateJobStatus'],
    ['s3', 'HeadBucket'],
    ['s3', 'PutObject'],
    ['s3', 'GetObject'],
    ['s3', 'HeadObject'],
    ['s3', 'ListObjectsV2'],
    ['s3', 'CreateMultipartUpload'],
    ['s3', 'UploadPart'],
    ['s3', 'CompleteMultipartUpload'],
  ] as const;
  const passing: readonly (readonly [string, FaultAction])[] = [
    ['throttling', answer(503, 'SlowDown', 'Please reduce your request rate.')],
    ['a fault of the service', answer(500, 'InternalError')],
    ['a connection reset before the request took effect', { kind: 'reset-before' }],
    ['a connection reset after it', { kind: 'reset-after' }],
  ];

  describe.each(requests)('of %s at %s', (service, operation) => {
    it.each(passing)('is outlived: %s', async (_what, action) => {
      const bucket = await filled(3, 'Enabled');
      strike({ service, operation, times: 2 }, action);
      expect(await run(bucket)).toMatchObject({ complete: true, failedTotal: 0 });
      await expectMoved(bucket, 3);
      expect(await jobsOf(bucket)).toHaveLength(1);
    });
  });

  it.each([
    ['TooManyRequestsException', answer(503, 'TooManyRequestsException')],
    ['InternalServiceException', answer(500, 'InternalServiceException')],
  ])('may also have the name %s', async (_code, action) => {
    const bucket = await filled(3);
    strike({ service: 's3control', times: 2 }, action);
    expect(await run(bucket)).toMatchObject({ complete: true, failedTotal: 0 });
  });

  it('that persists leaves the run partly done, and the next one resumes', async () => {
    const bucket = await filled(3, 'Enabled');
    strike({ service: 's3control', operation: 'CreateJob' }, answer(503, 'TooManyRequestsException'));
    expect(await run(bucket)).toMatchObject({ complete: false, stopped: { because: 'endpoint' } });
    stand.aws.faults.clear();
    expect(await run(bucket)).toMatchObject({ complete: true });
    await expectMoved(bucket, 3);
  });
});

describe('tasks that fail', () => {
  it.each<[string, FaultAction]>([
    ["S3's SlowDown", answer(503, 'SlowDown')],
    ["KMS's SlowDown", answer(503, 'SlowDown', KMS_SLOW)],
    ['InternalError', answer(500, 'InternalError')],
    ['an answer that was lost', { kind: 'reset-after' }],
  ])('are left to the local engine: %s', async (_what, action) => {
    const bucket = await filled();
    strikeTasks(action, { times: 5 });
    expect(await run(bucket)).toMatchObject({ complete: true, failedTotal: 0 });
    await expectMoved(bucket, 12);
  });

  it('are retried by another job where there are many', async () => {
    const bucket = await filled(12, 'Enabled');
    strikeTasks(answer(503, 'SlowDown'), { times: 5 });
    const done = await run(bucket, { localBelow: 4 });
    expect(done).toMatchObject({ complete: true, failedTotal: 0, moved: 12 });
    expect(done.jobs.map(({ part, total, failed }) => [part, total, failed])).toEqual([
      ['all', 12, 5],
      ['again-1', 5, 0],
    ]);
    await expectMoved(bucket, 12);
  });

  it('never let a bucket count as done while one object does not move', async () => {
    const bucket = await filled();
    strikeTasks(answer(500, 'InternalError'), { key: 'k3' });
    strike({ service: 's3', operation: 'UpdateObjectEncryption', key: 'k3' }, answer(500, 'InternalError'));
    const done = await run(bucket, {
      remainder: { retry: { baseMs: 0, capMs: 1, transientAttempts: 3, throttledAttempts: 3 } },
    });
    expect(done).toMatchObject({ complete: false, moved: 11, failedTotal: 1, failed: [{ key: 'k3' }] });
    stand.aws.faults.clear();
    const found = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
    expect(found).toMatchObject({ leftTotal: 1, left: [{ key: 'k3' }] });
  });
});

describe('a caller', () => {
  it.each([
    ['s3:CreateJob', ['s3:ListJobs']],
    ['iam:PassRole', ['s3:ListJobs', 's3:CreateJob']],
  ])('fails when it may not %s', async (action) => {
    const bucket = await filled(2);
    strike(
      { service: 's3control', operation: 'CreateJob' },
      answer(403, 'AccessDenied', `User: x is not authorized to perform: ${action} on resource: "*"`),
    );
    await expect(run(bucket)).rejects.toMatchObject({
      exitCode: 77,
      message: expect.stringContaining(action),
    });
  });
});

describe('the bucket of manifests', () => {
  it('may encrypt under KMS by default: manifests are not', async () => {
    await open();
    const Rules = [
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: stand.oldKey } },
    ];
    const encrypted = { Bucket: JOBS_BUCKET, ServerSideEncryptionConfiguration: { Rules } };
    await stand.s3.send(new PutBucketEncryptionCommand(encrypted));
    const bucket = await filled(3, 'Enabled');
    expect(await run(bucket)).toMatchObject({ complete: true });
    await expectMoved(bucket, 3);
  });
});

describe('a report', () => {
  it('that could not be written leaves nothing to be used', async () => {
    const bucket = await filled(3, 'Enabled');
    const lift = strike({ service: 'batchoperations', operation: 'PutObject' }, answer(403, 'AccessDenied'));
    await expect(run(bucket)).rejects.toMatchObject({ code: 'job-report-invalid' });
    lift();
    expect(await run(bucket, { newJob: true })).toMatchObject({ complete: true });
  });
});

describe('a job', () => {
  it('that was cancelled halfway leaves nothing undone', async () => {
    const bucket = await filled(6, 'Enabled');
    const { jobs } = stand.aws;
    jobs.tasksPerStep = 2;
    const unhook = stand.aws.requests.hook({
      after: async ({ operation }) => {
        if (operation !== 'UpdateJobStatus') return undefined;
        const id = newest(jobs);
        jobs.hold(['Completing']);
        while (jobs.status(id) !== 'Completing') await new Promise((done) => setTimeout(done, 1));
        jobs.cancel(id);
        jobs.release();
        return undefined;
      },
    });
    await expect(run(bucket)).rejects.toMatchObject({ code: 'job-cancelled' });
    unhook();
    jobs.tasksPerStep = 100;
    expect(await run(bucket)).toMatchObject({ complete: true, failedTotal: 0 });
    await expectMoved(bucket, 6);
  });

  it('that nobody confirms in time is followed by another', async () => {
    const bucket = await filled(3, 'Enabled');
    expect(await run(bucket, { confirm: async () => false })).toMatchObject({ stopped: { because: 'unconfirmed' } });
    stand.aws.clock.advance(31 * DAY);
    await expect(run(bucket)).rejects.toMatchObject({ code: 'job-failed' });
    expect(await run(bucket)).toMatchObject({ complete: true, jobs: [{ attempt: 2 }] });
    await expectMoved(bucket, 3);
  });

  it.each([true, false])('that S3 has deleted is followed by another (journal kept: %s)', async (isKept) => {
    const bucket = await filled(3, 'Enabled');
    const jobsFile = path.join(stand.directory, `${bucket}.kept.json`);
    await run(bucket, { confirm: async () => false, jobsFile });
    stand.aws.clock.advance(125 * DAY);
    if (isKept) await expect(run(bucket, { jobsFile })).rejects.toMatchObject({ code: 'job-gone' });
    const done = await run(bucket, { jobsFile: isKept ? jobsFile : undefined });
    expect(done).toMatchObject({ complete: true, failedTotal: 0 });
    await expectMoved(bucket, 3);
  });
});

describe('where AWS does not document its behavior', () => {
  it.each<[string, NonNullable<LocalAwsOptions['batch']>]>([
    ['generated manifests list all versions', { generatedManifests: 'all-versions' }],
    ['generated manifests may be empty', { emptyManifests: 'run' }],
    ['generated manifests are inventories', { generatedManifestFormat: 'inventory' }],
    ['reports name the code before the status', { reportColumns: 'as-schema' }],
    ['roles are checked when the job runs', { roleCheck: 'run' }],
  ])('moves everything whether or not %s', async (_what, batch) => {
    await open({ batch });
    for (const versioning of ['Enabled', undefined] as const) {
      for (const manifest of ['generated', 'listed'] as const) {
        const bucket = await filled(5, versioning);
        await stand.put(bucket, 'k0', { Body: 'a second time' });
        await stand.put(bucket, 'dual', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
        const done = await run(bucket, { manifest });
        expect(done).toMatchObject({ complete: true, failedTotal: 0, blockedTotal: 1 });
        const found = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
        expect(found).toMatchObject({ leftTotal: 1, left: [{ key: 'dual' }], unknownTotal: 0 });
      }
    }
  });
});
