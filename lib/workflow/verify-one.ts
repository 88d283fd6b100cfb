import { manifestLister } from '../batch/generated-manifest';
import { JobFiles } from '../batch/job-files';
import { openJobs } from '../batch/jobs';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { BatchSettings, Bucket } from '../rotation/rotation';
import { versionScope } from '../s3/version-scope';
import type { BucketVerification, ListedBefore, VerifyRequest } from '../verify/bucket-verification';
import { verifyBucket } from '../verify/verify-bucket';
import { verifyByManifest } from '../verify/verify-by-manifest';
import { moveScope } from './move-scope';
import { engineAsked } from './reencrypt-engine';
import { jobFactsOf } from './reencrypt-jobs';
import type { VerifyRun } from './rotation-run';
import { describeSources } from './verify-text';

/** What a bucket is verified against. */
interface Verified {
  readonly activeKeyArn: string;
  /** The re-encryption of this run, where there was one: it names versions that are read whatever S3 lists. */
  readonly passes: readonly BucketReencryption[];
}

/**
 * Verifies one bucket: every version by a HEAD, or by what S3 lists where the rotation file asks for that. A bucket under
 * `retire.verifyOnlyBuckets` is always inspected whole, because the role of the jobs may not list it; so is everything in a dry run, which
 * creates no job, and where every version is to be read.
 */
export async function verifyOne(
  run: VerifyRun,
  name: string,
  { activeKeyArn, passes }: Verified,
): Promise<BucketVerification> {
  const { reencrypt, signal, reporter, rotation } = run;
  const scope = await moveScope(run, activeKeyArn);
  const request: VerifyRequest = {
    bucket: name,
    activeKeyArn,
    scopeOf: (version) => versionScope(scope, version),
    concurrency: reencrypt.concurrency,
    maxRps: reencrypt.maxRps,
    ...(reencrypt.readAll ? { read: 'all' as const } : {}),
    listedBefore: listedBefore(passes, name),
    signal,
    onProgress: (text) => reporter.progress(text),
  };
  const bucket = rotation.buckets.find((one) => one.name === name);
  const settings = bucket && manifestSettings(run, bucket, passes);
  if (!bucket || !settings) return verifyBucket(run.store, request);
  return byManifest(run, bucket, settings, { ...request, named: namedBy(passes, name) });
}

/** What the re-encryption of this run listed last; a pass that was stopped did not list everything, and counts no less. */
function listedBefore(passes: Verified['passes'], name: string): ListedBefore | undefined {
  const pass = passes.find((one) => one.bucket === name);
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

async function byManifest(
  run: VerifyRun,
  bucket: Bucket,
  settings: BatchSettings,
  request: VerifyRequest & { readonly named: ReadonlyMap<string, string> },
): Promise<BucketVerification> {
  const { store, clients, identity, signal, rotation, evidence, reporter } = run;
  reporter.note(`${bucket.name}: \`verify: manifest\` is experimental: AWS has not confirmed what it relies on`);
  const facts = await jobFactsOf(run, bucket, settings, request.activeKeyArn);
  const opened = { client: clients.s3Control, account: identity.account };
  const tools = {
    jobs: openJobs({ ...opened, signal }),
    cleanUp: openJobs(opened),
    files: new JobFiles({ s3: clients.s3, bucket: settings.bucket, region: rotation.region, signal }),
  };
  const listUnderKey = await manifestLister(tools, {
    rotation: rotation.name,
    bucket: bucket.name,
    activeKeyArn: request.activeKeyArn,
    place: facts.place,
    signal,
    onSpec: async (spec) =>
      void (await evidence.record('generated-manifest-job', 'verify', { bucket: bucket.name, spec })),
  });
  const found = await verifyByManifest(store, listUnderKey, {
    ...request,
    supersededKeyArns: facts.supersededKeyArns,
    noConcurrentWrites: settings.noConcurrentWrites,
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
