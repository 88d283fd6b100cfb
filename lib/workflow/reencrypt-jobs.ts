import path from 'node:path';
import { reencryptBucketByJobs } from '../batch/batch-reencrypt';
import type { BatchRequest, JobToConfirm } from '../batch/batch-request';
import type { JobScope } from '../batch/job-spec';
import { jobPriceText } from '../forecast/job-price';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { Shard } from '../reencrypt/outcome-shards';
import { type Bucket, batchPrefix, batchRoleName } from '../rotation/rotation';
import type { BatchSettings } from '../rotation/settings';
import { jobPoll } from './jobs/job-poll';
import { boundSwitch } from './jobs/job-switch';
import { jobsOf } from './jobs/rotation-jobs';
import type { BucketTarget } from './move-scope';
import { keyArnsToLeave } from './reencrypt-engine';
import type { ReencryptRun, RunTarget } from './rotation-run';

/** What jobs of a bucket are made from. */
export type JobFacts = Pick<
  BatchRequest,
  'scope' | 'place' | 'region' | 'bucketKeyDefault' | 'supersededKeyArns' | 'manifest' | 'noConcurrentWrites'
>;

/** The same for the run that makes jobs and the plan that shows them. */
export async function jobFactsOf(
  run: RunTarget,
  { name: bucket, bucketKey }: Bucket,
  settings: BatchSettings,
  targetKeyArn: string,
): Promise<JobFacts> {
  const { rotation, identity } = run;
  const [, partition = 'aws'] = targetKeyArn.split(':');
  return {
    scope: { rotation: rotation.name, bucket, targetKeyArn, method: rotation.reencrypt.method },
    place: {
      account: identity.account,
      roleArn: `arn:${partition}:iam::${identity.account}:role/${batchRoleName(rotation)}`,
      bucket: settings.bucket,
      prefix: batchPrefix(rotation),
      priority: settings.priority,
    },
    region: rotation.region,
    bucketKeyDefault: bucketKey,
    supersededKeyArns: await keyArnsToLeave(run),
    manifest: settings.manifest,
    noConcurrentWrites: settings.noConcurrentWrites,
  };
}

/** What the jobs of this run would be for: nothing of an earlier switch. kms:ListAliases. */
export async function jobScopeOf(run: RunTarget, { name: bucket }: Bucket, targetKeyArn: string): Promise<JobScope> {
  const { rotation } = run;
  const { switchId } = await boundSwitch(run, targetKeyArn);
  return { rotation: rotation.name, bucket, targetKeyArn, method: rotation.reencrypt.method, switchId };
}

/** One bucket by jobs for most objects, and by this process for the rest; the result has the form of the local engine's. */
export async function reencryptByJobs(
  run: ReencryptRun,
  bucket: Bucket,
  settings: BatchSettings,
  { targetKeyArn, sources }: Pick<BucketTarget, 'targetKeyArn' | 'sources'>,
): Promise<BucketReencryption> {
  const { store, clients, reporter, signal, files, reencrypt } = run;
  const { concurrency, maxRps, relistDelayMs } = reencrypt;
  const facts = await jobFactsOf(run, bucket, settings, targetKeyArn);
  const bound = await boundSwitch(run, targetKeyArn);
  const request: BatchRequest = {
    ...facts,
    scope: { ...facts.scope, switchId: bound.switchId },
    switch: bound.switch,
    sources,
    confirm: (jobs) => confirmJobs(run, bucket, jobs),
    newJob: reencrypt.newJob,
    poll: await jobPoll(run),
    signal,
    remainder: { concurrency, maxRps, relistDelayMs },
    journalFile: files && path.join(files.journals, `${bucket.name}.rest.ndjson`),
    jobsFile: files && path.join(files.journals, `${bucket.name}.jobs.json`),
    evidence: files && { directory: files.outcomes, name: bucket.name },
    onSpec: async (spec, sha256, rows) => {
      const generated = spec.ManifestGenerator ? undefined : 0;
      reporter.note(`${bucket.name}: a job is created suspended: ${jobPriceText({ jobs: 1, tasks: rows, generated })}`);
      await run.evidence.record('job', 're-encrypt', { bucket: bucket.name, specSha256: sha256, spec });
    },
    onOutcomes: (outcomes) => recordOutcomes(run, bucket.name, outcomes),
    onProgress: (text) => reporter.progress(text),
    onNote: (text) => reporter.note(text),
  };
  return reencryptBucketByJobs({ store, jobs: jobsOf(run), s3: clients.s3 }, request);
}

async function confirmJobs(run: ReencryptRun, bucket: Bucket, jobs: readonly JobToConfirm[]): Promise<boolean> {
  const { reporter } = run;
  for (const { jobId, part, total, description } of jobs) {
    const price = jobPriceText({ jobs: 1, tasks: total, generated: 0 });
    reporter.note(
      `job ${jobId} (${part}) of ${bucket.name}: ${total.toLocaleString('en-US')} tasks, ${price}; ${description}`,
    );
  }
  const tasks = jobs.reduce((sum, one) => sum + one.total, 0);
  const price = jobPriceText({ jobs: jobs.length, tasks, generated: 0 });
  const facts = { bucket: bucket.name, jobs: jobs.map(({ jobId, total }) => ({ jobId, total })), tasks, price };
  const agreed =
    run.reencrypt.confirm ||
    (await run.ask(
      `let ${jobs.length} job(s) run, ${tasks.toLocaleString('en-US')} tasks in ${bucket.name}, for ${price}?`,
    ));
  await run.evidence.record('confirmation', 're-encrypt', { ...facts, confirmed: agreed });
  return agreed;
}

/** Names files of outcomes in the evidence, for a run that may not come to its own record of them. */
export async function recordOutcomes(
  { evidence }: Pick<ReencryptRun, 'evidence'>,
  bucket: string,
  outcomes: readonly Shard[],
): Promise<void> {
  if (outcomes.length > 0) await evidence.record('outcomes', 're-encrypt', { bucket, outcomes });
}
