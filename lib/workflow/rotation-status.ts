import { awsNow } from '../aws/aws-clock';
import { readingOnce } from '../aws/read-once';
import { isCode } from '../errors';
import type { KeyDescription } from '../kms/describe-key';
import { custodyStanding } from '../observation/custody-standing';
import type { DriftFinding } from '../observation/drift-finding';
import { lastDrilled, lastLeft } from '../observation/evidence-queries';
import { evidenceDirectory, evidenceOf, type Observation, observe } from '../observation/observe';
import { observeDrift } from '../observation/observed-drift';
import { currentVersion, type ObservedMaterials, observeMaterials } from '../observation/observed-materials';
import { type RecordedOutOfScope, verdictEvidence } from '../observation/verdict-records';
import { type VersionVerdict, versionVerdicts } from '../observation/version-verdicts';
import { activeVersion, type KeyVersion, type Rotation } from '../rotation/rotation';
import type { StepId } from './flow-facts';
import { flowFor } from './index';
import { type RotationJob, rotationJobs } from './jobs/rotation-jobs';
import { activeInUse } from './material/require-custody';
import { nextOf } from './next-command';
import type { RotationRun, RunTarget } from './rotation-run';
import type { StepState } from './step';

export interface VersionStatus {
  readonly name: string;
  readonly role: 'active' | 'superseded' | 'next';
  readonly keyArn: string | undefined;
  readonly keyState: string;
  /** Rotated in place: what KMS says of this version's material in the one key. */
  readonly material: string | undefined;
  readonly validTo: string | undefined;
  /**
   * What KMS says of the material: `expired` where its last known date is past, `lost` where it had material and has none, `waiting`
   * where none was imported yet. Absent: KMS has no key.
   */
  readonly validity: 'valid' | 'expired' | 'lost' | 'waiting' | undefined;
  /** Whether nothing is left under it; absent for the active version and for a rotation in place. */
  readonly verdict: Pick<VersionVerdict, 'kind' | 'since' | 'text'> | undefined;
  /** When evidence beside the rotation file last shows that custody holds the material; absent: never. */
  readonly drilledAt: string | undefined;
}

export interface Status {
  readonly versions: readonly VersionStatus[];
  readonly alias: { readonly name: string; readonly pointsAt: string | undefined };
  readonly buckets: readonly {
    readonly name: string;
    readonly pointsAt: string | undefined;
    readonly bucketKey: boolean;
  }[];
  /**
   * What the last verification found under keys that the rotation file does not name, which is left alone. Absent: no evidence here
   * holds such a count, or the rotation is in place.
   */
  readonly outOfScope: { readonly verifiedAt: string; readonly buckets: readonly RecordedOutOfScope[] } | undefined;
  readonly steps: readonly ({ readonly id: StepId } & StepState)[];
  /** Jobs of S3 Batch Operations that wait, run or are paused; `denied` where they may not be listed. Absent without jobs. */
  readonly jobs: readonly RotationJob[] | 'denied' | undefined;
  /** What has moved away from the rotation file, or will soon; the pressing ones first. */
  readonly drift: readonly DriftFinding[];
  /** Absent when nothing is left to do. */
  readonly next: { readonly step: StepId | 'restore'; readonly summary: string; readonly command: string } | undefined;
}

/** What AWS holds now, and the first step that is not done. Reads only. */
export async function status(given: RotationRun): Promise<Status> {
  const run = readingOnce(given);
  const seen = await observe(run);
  const inPlace = run.rotation.strategy === 'in-place' ? await observeMaterials(run) : undefined;
  const named = (arn: string | undefined) => versionOf(seen, inPlace, arn);
  const steps = [];
  for (const step of flowFor(run.rotation).filter((one) => one.id !== 'record'))
    steps.push({ id: step.id, ...(await step.check(run)) });
  const evidence = evidenceDirectory(run.rotation);
  const now = awsNow(given.clients.kms);
  const drilled = await lastDrilled(evidence, evidenceOf(run), now);
  const known = (await lastLeft(evidence, evidenceOf(run)))?.keys;
  const verdicts = await versionVerdicts(run);
  const drift = await observeDrift(run, seen, now, { verdicts, materials: inPlace });
  const inUse = await activeInUse(run);
  const custody = inUse && (await custodyStanding(run, inUse));
  return {
    versions: seen.versions.map(({ version, key }) => ({
      name: version.name,
      role: roleOf(run.rotation, version),
      keyArn: key?.arn,
      keyState: key?.state ?? 'no key yet',
      ...materialOf(inPlace, version, key?.validTo),
      validity: validityOf({
        version,
        key,
        inPlace,
        pointers: seen,
        lastValidTo: known?.get(version.name)?.validTo,
        now,
      }),
      verdict: verdictOf(verdicts, version),
      drilledAt: drilled.get(version.name)?.toISOString(),
    })),
    alias: { name: run.rotation.alias, pointsAt: named(seen.aliasTarget) },
    buckets: seen.buckets.map((bucket) => ({
      name: bucket.name,
      pointsAt: bucket.default ? (named(bucket.default.keyArn) ?? bucket.default.algorithm) : undefined,
      bucketKey: bucket.default?.bucketKey ?? false,
    })),
    outOfScope: inPlace ? undefined : await outOfScopeOf(run),
    steps,
    jobs: await openJobs(run),
    drift,
    next: nextOf({ rotation: run.rotation, seen, steps, drift, verdicts, materials: inPlace, custody, now }),
  };
}

async function outOfScopeOf(run: Pick<RotationRun, 'rotation' | 'identity'>): Promise<Status['outOfScope']> {
  const last = (await verdictEvidence(run)).verdicts.at(-1);
  return last?.outOfScope && { verifiedAt: last.verifiedAt, buckets: last.outOfScope };
}

function verdictOf(verdicts: readonly VersionVerdict[], { name }: KeyVersion): VersionStatus['verdict'] {
  const found = verdicts.find(({ version }) => version.name === name);
  return found && { kind: found.kind, since: found.since, text: found.text };
}

interface Validity {
  readonly version: KeyVersion;
  readonly key: KeyDescription | undefined;
  readonly inPlace: ObservedMaterials | undefined;
  readonly pointers: Pick<Observation, 'aliasTarget' | 'buckets'>;
  /** The last date that evidence knows. */
  readonly lastValidTo: Date | undefined;
  readonly now: Date;
}

function validityOf({ version, key, inPlace, pointers, lastValidTo, now }: Validity): VersionStatus['validity'] {
  if (!key) return undefined;
  const material = inPlace?.versions.find((one) => one.version.name === version.name)?.material;
  if (inPlace && material === undefined) return 'waiting';
  if (material ? material.imported : key.state !== 'PendingImport') return 'valid';
  const date = version.materialValidTo ?? lastValidTo;
  if (date !== undefined && date <= now) return 'expired';
  const pointedAt = pointers.aliasTarget === key.arn || pointers.buckets.some((one) => one.default?.keyArn === key.arn);
  const had = material !== undefined || pointedAt || key.currentKeyMaterialId !== undefined;
  return had ? 'lost' : 'waiting';
}

async function openJobs(run: RunTarget): Promise<Status['jobs']> {
  if (!run.rotation.reencrypt.batch) return undefined;
  try {
    return (await rotationJobs(run)).filter((job) => !job.ended || job.paused);
  } catch (error) {
    // Who may not list jobs can still use what alias and buckets point at.
    if (isCode(error, 'aws-access-denied')) return 'denied';
    throw error;
  }
}

function roleOf(rotation: Rotation, version: KeyVersion): VersionStatus['role'] {
  const active = rotation.keyVersions.indexOf(activeVersion(rotation));
  const index = rotation.keyVersions.indexOf(version);
  if (index === active) return 'active';
  return index < active ? 'superseded' : 'next';
}

/** State and date of a version's own material; KMS reports only the earliest date of a key. */
function materialOf(
  inPlace: ObservedMaterials | undefined,
  { name }: KeyVersion,
  validToOfKey: Date | undefined,
): Pick<VersionStatus, 'material' | 'validTo'> {
  if (!inPlace) return { material: undefined, validTo: validToOfKey?.toISOString() };
  const found = inPlace.versions.find(({ version }) => version.name === name)?.material;
  const state = found?.imported === false ? `${found.state}, lost` : found?.state;
  return { material: state ?? 'not imported', validTo: found?.validTo?.toISOString() };
}

/** The version a key ARN stands for: rotated in place, the one whose material is current; the ARN where it is no declared key. */
function versionOf(
  seen: Observation,
  inPlace: ObservedMaterials | undefined,
  keyArn: string | undefined,
): string | undefined {
  if (inPlace?.key && inPlace.key.arn === keyArn) return currentVersion(inPlace)?.name ?? keyArn;
  return seen.versions.find((one) => keyArn !== undefined && one.key?.arn === keyArn)?.version.name ?? keyArn;
}
