import { KeyturnError } from '../errors';
import type { BucketForecast, Forecast } from '../forecast/forecast-text';
import { paceOfOnePrefix } from '../forecast/reencryption-forecast';
import { describeKey } from '../kms/describe-key';
import { keeperOf, remedyOf } from '../observation/key-remedy';
import { type Observing, observe, observedActive } from '../observation/observe';
import { isSettled, versionVerdicts } from '../observation/version-verdicts';
import type { Proposal } from '../proposals/proposal';
import type { ObservedKey } from '../proposals/proposal-messages';
import type { ProposedBinding } from '../proposals/proposed-binding';
import { reencryptBucket } from '../reencrypt/reencrypt-bucket';
import { type Bucket, type Rotation, versionAlias } from '../rotation/rotation';
import type { MoveSources } from '../s3/version-scope';
import { dryRunForecaster } from './dry-run-forecast';
import { applyRetireWaivers } from './gate-waivers';
import { currentBinding } from './material/bind-versions';
import { moveSources } from './move-scope';
import type { VerifyRun } from './rotation-run';
import { verifyBuckets } from './verify-buckets';
import { leftUnder, subjectsOf } from './version-subjects';

/** Stands for a key that does not exist yet: nothing is under it. */
const NO_KEY_YET = 'arn:aws:kms:::key/not-declared-yet';

type Proposing = Pick<Observing, 'rotation' | 'clients' | 'identity'>;

/** What AWS holds now of the version that a proposal is about. Reads only. */
export async function observedKeyOf(
  { rotation, clients, identity }: Proposing,
  proposal: Proposal,
): Promise<ObservedKey> {
  const declared = rotation.keyVersions.find((one) => one.name === proposal.version);
  const key = await describeKey(clients.kms, declared?.keyArn ?? versionAlias(rotation, { name: proposal.version }));
  return { key: key && { arn: key.arn, state: key.state }, account: identity.account };
}

type Binding = Omit<ProposedBinding, 'shownFile'>;

/** What the binding says of a version that becomes active; undefined: none does. */
export function bindingOf(
  { binding }: Pick<Rotation, 'binding'>,
  { kind, version }: Proposal,
  text: string | undefined,
): Binding | undefined {
  if (kind !== 'switch' && kind !== 'rollback') return undefined;
  const bound = binding.find(({ name }) => name === version);
  return { before: text, after: text, version: bound && { bound, source: 'before' } };
}

/** The same, with what AWS and custody say of versions that nothing binds yet. Reads only. */
export async function bindingNow(run: Observing, proposal: Proposal): Promise<Binding | undefined> {
  const { before, after, changed } = await currentBinding(run);
  const known = bindingOf(run.rotation, proposal, before);
  const now = changed.find(({ bound }) => bound.name === proposal.version);
  if (known === undefined) return undefined;
  return { before, after, version: now ? { bound: now.bound, source: now.trust } : known.version };
}

/** What a retirement is recorded on. */
export interface RetirementGrounds {
  /** Versions of which sound evidence shows that the gate opened and the key was disabled. */
  readonly retiredByEvidence: ReadonlySet<string>;
  /** Why a version whose key is off is not proven empty; absent where it is, or where AWS was not read. */
  readonly notEmpty: string | undefined;
}

/** Why a version whose key is off is not proven empty: by evidence, else by a verification of every bucket now. Reads only. */
export async function notEmptyReason(run: VerifyRun, { kind, version }: Proposal): Promise<string | undefined> {
  if (kind !== 'retire') return undefined;
  const verdict = (await versionVerdicts(run)).find((one) => one.version.name === version);
  if (verdict === undefined || isSettled(verdict) || verdict.key?.state !== 'Disabled') return undefined;
  if (verdict.kind === 'left') return verdict.text;
  const seen = await observe(run);
  const active = observedActive(run.rotation, seen.versions).key;
  if (active === undefined) return 'the active version has no key';
  const verification = await verifyBuckets(run, { activeKeyArn: active.arn, passes: [] });
  const subject = (await subjectsOf(run, seen)).find((one) => one.version.name === version);
  if (subject === undefined) return verdict.text;
  const left = leftUnder(subject, seen, verification);
  const { reasons } = applyRetireWaivers(left, run.rotation.retire.waivers, run.store.now());
  return reasons.length === 0 ? undefined : reasons.map((reason) => reason.text).join('; ');
}

/**
 * Refuses a proposal that AWS or the evidence contradict. The file records a retirement, it never carries one out: the key
 * must be off already, or evidence must show that the gate opened for it.
 *
 * @throws KeyturnError `proposal-refused`
 */
export function requireGrounds(
  rotation: Pick<Rotation, 'strategy' | 'custody'>,
  proposal: Proposal,
  observed: ObservedKey | undefined,
  { retiredByEvidence, notEmpty }: RetirementGrounds,
): void {
  const { kind, version, from } = proposal;
  // In place, the key is there from the first version on: that the name is free the rotation file has said.
  if (kind === 'version' && rotation.strategy === 'new-key' && observed?.key) {
    throw new KeyturnError('proposal-refused', {
      problem: `an alias for ${version} exists already and points at ${observed.key.arn} (${observed.key.state})`,
      hint: 'choose another name with --name; a name is never used again',
    });
  }
  if (kind === 'rollback' && observed && !['Enabled', 'Disabled'].includes(observed.key?.state ?? '')) {
    const remedy = remedyOf({ name: version, keyArn: undefined }, observed.key, keeperOf(rotation));
    throw new KeyturnError('rollback-impossible', { version, state: observed.key?.state ?? 'no key', remedy });
  }
  if (kind !== 'retire') return;
  const off = observed ? observed.key?.state === 'Disabled' : retiredByEvidence.has(version);
  if (off && notEmpty !== undefined) {
    throw new KeyturnError('proposal-refused', {
      problem: `the key of ${version} is off, and ${version} is not proven empty: ${notEmpty}`,
      hint: 'run `npx keyturn post-apply`, which verifies it',
    });
  }
  if (off) return;
  throw new KeyturnError('proposal-refused', {
    problem: observed
      ? `${version} is ${observed.key?.state ?? 'not there'} in AWS: recorded as retired, every plan would be refused: only the retire gate turns a key off`
      : `no sound evidence here shows that the retire gate opened for ${version}`,
    hint: `run \`npx keyturn post-apply\` first, which disables it once nothing is left under it; ${from} must be active by then`,
  });
}

/** What a proposal will move, counted by a dry run over every declared bucket. Changes nothing. */
export async function forecastOf(run: VerifyRun, proposal: Proposal, observed: ObservedKey): Promise<Forecast> {
  const still = proposal.kind === 'retire' || run.rotation.strategy === 'in-place';
  if (still) return { known: false, why: 'this proposal moves no object' };
  const counted = [];
  const sources = await moveSources(run, proposal.version);
  for (const bucket of run.rotation.buckets)
    counted.push(await forecastBucket(run, bucket, sources, observed.key?.arn));
  const later =
    proposal.kind === 'version'
      ? ['This pull request moves nothing yet: the figures are for the switch that follows']
      : [];
  const { engine, batch, method } = run.rotation.reencrypt;
  const byJobs =
    engine === 'local' || !batch
      ? []
      : [
          engine === 'batch'
            ? 'Jobs of S3 Batch Operations move the bulk; the figures are what this process alone would take, and `plan` writes the specification of the jobs'
            : `Jobs of S3 Batch Operations move the bulk of a bucket that holds ${batch.fromVersions.toLocaleString('en-US')} object versions or more; the figures are what this process alone would take`,
        ];
  const prices = [...new Set(counted.map((one) => one.pricesAsOf))].join(', ');
  const basis = [
    ...later,
    ...byJobs,
    'Requests, time and cost are those of the re-encryption, and the verification adds a listing and a HEAD for each object version',
    `Time at ${paceOfOnePrefix(method).toLocaleString('en-US')} object versions a second, what S3 takes at least for one prefix`,
    `Cost at list prices of ${prices}, Region and contract may differ`,
  ];
  return { known: true, method, buckets: counted.map((one) => one.bucket), basis };
}

async function forecastBucket(
  run: VerifyRun,
  { name, bucketKey }: Bucket,
  sources: MoveSources,
  targetKeyArn = NO_KEY_YET,
): Promise<{ bucket: BucketForecast; pricesAsOf: string }> {
  const { forecaster, onOutcome } = dryRunForecaster();
  const counted = await reencryptBucket(run.store, {
    bucket: name,
    targetKeyArn,
    sources,
    bucketKeyDefault: bucketKey,
    method: run.rotation.reencrypt.method,
    dryRun: true,
    signal: run.signal,
    onProgress: (text) => run.reporter.progress(text),
    onOutcome,
  });
  const { requests, seconds, cost } = forecaster.forecast(counted);
  const bucket = {
    bucket: name,
    objectVersions: counted.objectVersions,
    toMove: counted.moved,
    bytes: counted.movedBytes,
    outOfScope: Object.values(counted.outOfScope).reduce((sum, count) => sum + count, 0),
    blocked: counted.blockedTotal,
    unknown: counted.failedTotal,
    requests: requests.list + requests.head + requests.write + requests.other,
    seconds,
    cost: { amount: cost.amount, currency: cost.currency },
  };
  return { bucket, pricesAsOf: cost.pricesAsOf };
}
