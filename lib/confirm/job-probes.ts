import { randomUUID } from 'node:crypto';
import {
  CreateJobCommand,
  DescribeJobCommand,
  type JobDescriptor,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control';
import { called } from '../aws/failures';
import { pauseFor } from '../kms/wait-for-key';
import { partitionOf } from '../rotation/partition';
import { defineProbe, notSettled, settled, unforeseen } from './probe';
import type { Sandbox } from './sandbox';

/** Milliseconds between two looks at a job. */
const POLL = 30_000;
const NOT_ASKED = notSettled('not asked without --with-jobs and --job-role: each job costs 0.25 USD');
const PREFIX = 'listed/';
/** How long versions are written before S3 is to list them, in milliseconds. */
const WRITTEN_BEFORE = 120_000;

const generatedManifests = defineProbe({
  setting: 'generatedManifests',
  question: 'Does a manifest that S3 generates list noncurrent versions?',
  documented: 'Not said',
  ways: {
    current: 'After the jobs Keyturn lists every version itself and moves what they left.',
    'all-versions': 'The same.',
  },
  jobs: 1,
  async ask(sandbox) {
    if (sandbox.jobRole === undefined) return NOT_ASKED;
    await sandbox.objects.enableVersions();
    const first = await sandbox.objects.put(`${PREFIX}twice`);
    const second = await sandbox.objects.put(`${PREFIX}twice`);
    if (first.versionId === undefined || second.versionId === undefined)
      return notSettled('the bucket has no versions');
    // A list that misses what was just written would have one task as well.
    await pauseFor(WRITTEN_BEFORE, sandbox.signal, 'a pause before S3 lists');
    const job = await ended(sandbox, sandbox.jobRole, PREFIX);
    const tasks = job?.ProgressSummary?.TotalNumberOfTasks;
    const seen = `${tasks} tasks for 2 versions of one object, job ${job?.Status}`;
    if (job?.Status !== 'Suspended') return notSettled(reasonOf(job));
    if (tasks === 1) return settled('current', seen);
    return tasks === 2 ? settled('all-versions', seen) : unforeseen(seen);
  },
});

const emptyManifests = defineProbe({
  setting: 'emptyManifests',
  question: 'What becomes of a job whose generated manifest lists nothing?',
  documented: 'Not said',
  ways: {
    fail: '`verify: manifest` takes it for an empty list, once the filter has found a control object.',
    run: 'The same.',
  },
  jobs: 1,
  async ask(sandbox) {
    if (sandbox.jobRole === undefined) return NOT_ASKED;
    const job = await ended(sandbox, sandbox.jobRole, 'nothing-starts-like-this/');
    const seen = reasonOf(job);
    if (job?.Status === 'Failed') {
      const isEmpty = /empty|no (keys|objects)|not? .*match/i.test(seen);
      return isEmpty ? settled('fail', seen) : notSettled(`the job failed for another reason: ${seen}`);
    }
    const runs = job?.Status === 'Suspended' || job?.Status === 'Complete';
    return runs && !job.ProgressSummary?.TotalNumberOfTasks ? settled('run', seen) : notSettled(seen);
  },
});

function reasonOf(job: JobDescriptor | undefined): string {
  if (job === undefined) return 'the job was still being prepared; --wait lets it wait longer';
  const reasons = (job.FailureReasons ?? []).map(
    ({ FailureCode, FailureReason }) => `${FailureCode}: ${FailureReason}`,
  );
  return [`the job is ${job.Status} with ${job.ProgressSummary?.TotalNumberOfTasks ?? 0} tasks`, ...reasons].join('; ');
}

/**
 * Creates a job that waits for a confirmation which nobody gives, and cancels it.
 *
 * @returns the job once it is prepared or failed; undefined where it still is not after the wait
 */
async function ended(sandbox: Sandbox, role: string, prefix: string): Promise<JobDescriptor | undefined> {
  const { clients, account: AccountId, signal, waitMs } = sandbox;
  const { s3Control } = clients;
  const create = new CreateJobCommand(await requestOf(sandbox, role, prefix));
  const { JobId = '' } = await called('s3:CreateJob', '*', () => s3Control.send(create));
  try {
    for (const deadline = Date.now() + waitMs; ; ) {
      const describe = new DescribeJobCommand({ AccountId, JobId });
      const { Job } = await called('s3:DescribeJob', JobId, () => s3Control.send(describe));
      if (Job && !['New', 'Preparing', 'Ready', 'Active'].includes(Job.Status ?? '')) return Job;
      if (Date.now() + POLL > deadline) return undefined;
      await pauseFor(POLL, signal, 'waiting for a job');
    }
  } finally {
    await cancel(sandbox, JobId);
  }
}

/** A job that ended by itself cannot be cancelled, and need not be. */
async function cancel({ clients, account: AccountId }: Sandbox, JobId: string): Promise<void> {
  const command = new UpdateJobStatusCommand({ AccountId, JobId, RequestedJobStatus: 'Cancelled' });
  await clients.s3Control.send(command).catch(() => undefined);
}

async function requestOf({ account, region, bucket, keys, mark }: Sandbox, role: string, prefix: string) {
  return {
    AccountId: account,
    ConfirmationRequired: true,
    ClientRequestToken: randomUUID(),
    Description: `keyturn confirm ${mark}: never to run`,
    Priority: 1,
    RoleArn: role,
    Operation: {
      S3UpdateObjectEncryption: {
        ObjectEncryption: { SSEKMS: { KMSKeyArn: await keys.other(), BucketKeyEnabled: false } },
      },
    },
    ManifestGenerator: {
      S3JobManifestGenerator: {
        ExpectedBucketOwner: account,
        SourceBucket: `arn:${partitionOf(region)}:s3:::${bucket}`,
        EnableManifestOutput: false,
        Filter: { KeyNameConstraint: { MatchAnyPrefix: [prefix] } },
      },
    },
    Report: { Enabled: false },
  };
}

export const jobProbes = { generatedManifests, emptyManifests };
