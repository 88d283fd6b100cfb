/** What jobs a rotation will ask for once it is switched, as far as a plan can know: written beside the plans for review. */

import { jobLimitsOf, manifestKind } from '../batch/job-limits';
import { attemptPrefix, type JobFacts, type JobSpec, jobSpec, keyIdOf } from '../batch/job-spec';
import { generatedUnders } from '../batch/run-parts';
import { observeVersions } from '../observation/observe';
import { activeVersion, type Bucket, supersededVersions } from '../rotation/rotation';
import type { BatchSettings } from '../rotation/settings';
import { moveSources } from '../workflow/move-scope';
import { jobFactsOf } from '../workflow/reencrypt-jobs';
import type { VerifyRun } from '../workflow/rotation-run';

export const JOBS_FILE = 'jobs.json';
const JOBS_SCHEMA_VERSION = 1;

/** One job as it will be asked for. */
export interface PlannedJob {
  readonly bucket: string;
  readonly part: string;
  /** The CreateJob request; what `knownLater` names stands in it as a word in angle brackets, or as the value of the first attempt. */
  readonly spec: JobSpec;
  readonly knownLater: Readonly<Record<string, string>>;
  /** What a job does otherwise than this process would. */
  readonly limits: readonly string[];
}

export interface PlannedJobs {
  readonly schemaVersion: typeof JOBS_SCHEMA_VERSION;
  readonly rotation: string;
  readonly engine: 'batch' | 'auto';
  /** When jobs are taken, or why none is. */
  readonly when: string;
  readonly jobs: readonly PlannedJob[];
}

/** Undefined where the rotation file takes no jobs. Reads only. */
export async function plannedJobs(run: VerifyRun): Promise<PlannedJobs | undefined> {
  const { rotation } = run;
  const { engine, batch } = rotation.reencrypt;
  if (engine === 'local' || !batch || rotation.strategy === 'in-place') return undefined;
  const about = { schemaVersion: JOBS_SCHEMA_VERSION, rotation: rotation.name, engine } as const;
  const none = (when: string): PlannedJobs => ({ ...about, when, jobs: [] });
  const active = activeVersion(rotation);
  const target = (await observeVersions(run)).find(({ version }) => version === active)?.key;
  if (!target) return none(`the key of ${active.name} is not there yet: plan again once it is`);
  const jobs: PlannedJob[] = [];
  for (const bucket of rotation.buckets) jobs.push(...(await jobsOfBucket(run, bucket, batch, target.arn)));
  const [first] = jobs;
  if (!first) return none('no earlier version is left to move objects away from');
  const when =
    engine === 'batch'
      ? 'post-apply creates these jobs after the switch'
      : `post-apply creates these jobs for a bucket that then holds ${batch.fromVersions.toLocaleString('en-US')} object versions or more`;
  return { ...about, when, jobs };
}

async function jobsOfBucket(
  run: VerifyRun,
  bucket: Bucket,
  settings: BatchSettings,
  targetKeyArn: string,
): Promise<readonly PlannedJob[]> {
  const facts = await jobFactsOf(run, bucket, settings, targetKeyArn);
  const { place, supersededKeyArns } = facts;
  const scope = { ...facts.scope, switchId: '<switch>' };
  const isEmptied =
    supersededVersions(run.rotation).every(({ disabled }) => disabled) || supersededKeyArns.length === 0;
  if (isEmptied && run.rotation.reencrypt.from.length === 0) return [];
  const sources = await moveSources(run);
  const { method } = scope;
  // A bucket that is not there yet, or may not be read by whoever plans, is taken for one with versions.
  const versioning = await run.store.versioning(bucket.name, run.signal).catch(() => undefined);
  const kind = manifestKind(settings.manifest, method, sources.from.any);
  const withVersionIds = versioning !== 'unversioned';
  const planned = (part: string, manifest: JobFacts['manifest'], later: Readonly<Record<string, string>>) => ({
    bucket: bucket.name,
    part,
    spec: jobSpec({ scope, place, attempt: 1, part, bucketKey: bucket.bucketKey, startedAt: '<startedAt>', manifest }),
    knownLater: { ...LATER, ...later },
    limits: jobLimitsOf(method, kind, bucket.bucketKey),
  });
  if (kind === 'generated') {
    return generatedUnders({ supersededKeyArns, sources }).map((under) =>
      planned(under === 'sse-s3' ? under : `under-${keyIdOf(under.keyArn)}`, { kind, under }, {}),
    );
  }
  const key = `${attemptPrefix(place.prefix, scope, 1)}all.csv`;
  return [planned('all', { kind, key, etag: '<etag>', withVersionIds }, ETAG_LATER)];
}

const LATER = {
  ClientRequestToken: 'made from rotation, bucket, key, method, switch, part and attempt',
  Description: 'names the switch once it is made; attempt 1 becomes a later one where an earlier attempt ended',
  'Tags keyturn:switch': 'stands for the time of the switch and the key material it is made to',
  'Tags keyturn:started': 'when the listing starts',
  'Tags keyturn:attempt': 'as in the description',
} as const;

const ETAG_LATER = {
  'Manifest.Location.ETag': 'that of the manifest, once it is listed and uploaded',
  'Manifest.Location.ObjectArn': 'names the switch and the attempt',
} as const;
