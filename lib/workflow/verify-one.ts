import { manifestLister } from '../batch/generated-manifest';
import { openJobs } from '../batch/jobs';
import { verifyJobs } from '../forecast/engine-model';
import { jobPriceText } from '../forecast/job-price';
import { observeVersions } from '../observation/observe';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { type Bucket, supersededVersions } from '../rotation/rotation';
import type { BatchSettings } from '../rotation/settings';
import type { BucketVerification, ListedBefore, VerifyRequest } from '../verify/bucket-verification';
import { verifyBucket } from '../verify/verify-bucket';
import { verifyByManifest } from '../verify/verify-by-manifest';
import { engineAsked } from './engine-asked';
import { jobFilesOf } from './jobs/job-files-of';
import { jobPoll } from './jobs/job-poll';
import { takeLookBehind } from './look-behind';
import { type JobFacts, jobFactsOf } from './reencrypt-jobs';
import type { VerifyRun } from './rotation-run';
import { verifyRequest } from './verify-request';
import { describeSources } from './verify-text';

/** What a bucket is verified against. */
interface Verified {
  readonly activeKeyArn: string;
  /** The re-encryption of this run, where there was one: it names versions that are read whatever S3 lists. */
  readonly passes: readonly BucketReencryption[];
}

/**
 * Verifies one bucket: every version by a HEAD, or by what S3 lists where the rotation file asks for that and whoever
 * runs it agrees to its price. A bucket under `retire.verifyOnlyBuckets` is always inspected whole, because the role of
 * the jobs may not list it. So is everything in a dry run, which creates no job, and where every version is to be read.
 * So it is where no superseded version is Enabled: there is nothing left to pay for. Where a look went behind the re-encryption of this
 * run, it is brought to its end.
 */
export async function verifyOne(
  run: VerifyRun,
  name: string,
  { activeKeyArn, passes }: Verified,
): Promise<BucketVerification> {
  const { rotation } = run;
  const pass = passes.find((one) => one.bucket === name);
  const request: VerifyRequest = {
    ...(await verifyRequest(run, name, activeKeyArn)),
    listedBefore: listedBefore(pass),
  };
  const behind = pass && takeLookBehind(pass);
  if (behind) return behind.finish(request);
  const bucket = rotation.buckets.find((one) => one.name === name);
  const settings = bucket && manifestSettings(run, bucket, passes);
  const facts = bucket && settings && (await jobFactsOf(run, bucket, settings, activeKeyArn));
  if (!facts || !(await mayList(run, facts, passes))) return verifyBucket(run.store, request);
  return byManifest(run, facts, { ...request, named: namedBy(passes, name) });
}

/** What the re-encryption of this run listed last; a pass that was stopped did not list everything, and counts no less. */
function listedBefore(pass: BucketReencryption | undefined): ListedBefore | undefined {
  if (pass?.newestListed === undefined) return undefined;
  return { versions: pass.objectVersions, newest: pass.newestListed };
}

/** Undefined: every version of the bucket is inspected. */
function manifestSettings(run: VerifyRun, { name }: Bucket, passes: Verified['passes']): BatchSettings | undefined {
  const { batch } = run.rotation.reencrypt;
  if (batch?.verify !== 'manifest' || run.dryRun || run.reencrypt.readAll) return undefined;
  const pass = passes.find((one) => one.bucket === name);
  const byJobs = pass ? pass.engine === 'batch' : engineAsked(run.rotation, run.reencrypt) === 'batch';
  return byJobs ? batch : undefined;
}

/** Whether S3 may list the bucket by jobs, which cost money: never unasked. */
async function mayList(run: VerifyRun, facts: JobFacts, passes: Verified['passes']): Promise<boolean> {
  const { reporter, evidence, reencrypt } = run;
  const { bucket } = facts.scope;
  if (!(await isAnySupersededEnabled(run))) {
    reporter.note(
      `${bucket}: every object version is inspected: no superseded version is Enabled, and jobs cost money`,
    );
    return false;
  }
  const jobs = verifyJobs(facts.supersededKeyArns.length);
  const versions = passes.find((one) => one.bucket === bucket)?.objectVersions;
  const price = jobPriceText({ jobs, tasks: 0, generated: versions === undefined ? undefined : jobs * versions });
  const question = `let S3 list what is under the old keys in ${bucket} by ${jobs} jobs that never run, for ${price}?`;
  reporter.note(`${bucket}: \`verify: manifest\` takes ${jobs} jobs that never run: ${price}`);
  const confirmed = reencrypt.confirm || (await run.ask(question));
  await evidence.record('confirmation', 'verify', { bucket, generatedManifestJobs: jobs, price, confirmed });
  if (!confirmed)
    reporter.note(`${bucket}: every object version is inspected: the jobs were not confirmed (\`--confirm\`)`);
  return confirmed;
}

async function isAnySupersededEnabled(run: VerifyRun): Promise<boolean> {
  const superseded = new Set(supersededVersions(run.rotation).map(({ name }) => name));
  return (await observeVersions(run)).some(
    ({ version, key }) => superseded.has(version.name) && key?.state === 'Enabled',
  );
}

async function byManifest(
  run: VerifyRun,
  { scope, place, supersededKeyArns, noConcurrentWrites }: JobFacts,
  request: VerifyRequest & { readonly named: ReadonlyMap<string, string> },
): Promise<BucketVerification> {
  const { store, clients, identity, signal, rotation, evidence, reporter } = run;
  const { bucket } = scope;
  reporter.note(`${bucket}: \`verify: manifest\` is experimental: AWS has not confirmed what it relies on`);
  const opened = { client: clients.s3Control, account: identity.account };
  const tools = {
    jobs: openJobs({ ...opened, signal }),
    cleanUp: openJobs(opened),
    files: jobFilesOf(run),
  };
  const listUnderKey = await manifestLister(tools, {
    rotation: rotation.name,
    bucket,
    activeKeyArn: request.activeKeyArn,
    place,
    signal,
    poll: await jobPoll(run),
    onSpec: async (spec) => void (await evidence.record('generated-manifest-job', 'verify', { bucket, spec })),
  });
  const found = await verifyByManifest(store, listUnderKey, {
    ...request,
    supersededKeyArns,
    noConcurrentWrites,
  });
  describeSources(reporter, found);
  return found;
}

/** What this run could not move, by reason: whatever S3 lists, it is inspected. */
function namedBy(passes: Verified['passes'], bucket: string): ReadonlyMap<string, string> {
  const pass = passes.find((one) => one.bucket === bucket);
  const named = new Map<string, string>();
  for (const { key } of pass?.blocked ?? []) named.set(key, 'blocked in the re-encryption');
  for (const { key } of pass?.failed ?? []) named.set(key, 'failed in the re-encryption');
  return named;
}
