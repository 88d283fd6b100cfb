import type { KeyDescription } from '../kms/describe-key';
import { remedyOf } from '../observation/key-remedy';
import { type Observation, observedActive } from '../observation/observe';
import { verdictEvidence } from '../observation/verdict-records';
import { type VersionVerdict, versionVerdicts } from '../observation/version-verdicts';
import { bucketsToVerify, type KeyVersion, mayBeDisabled, type Rotation } from '../rotation/rotation';
import type { FlowFacts, VerificationRecord } from './flow-facts';
import { type GateInput, gateReasons } from './gate';
import type { GateReason } from './gate-reason';
import type { RunTarget } from './rotation-run';
import type { Earlier } from './step';

/** A version that objects are moved away from, whatever its key's state: it gets a verdict in every run. */
export interface Subject {
  readonly version: KeyVersion;
  readonly key: KeyDescription | undefined;
  /** True: the step disables it behind the gate. False: it gets the verdict, and its key stays as it is. */
  readonly disables: boolean;
  readonly superseded: boolean;
  /** Since when earlier runs found it empty, without a break; absent: they did not. */
  readonly emptySince: string | undefined;
  /** Absent: no ARN is known for it. */
  readonly input: GateInput | undefined;
}

/** Every version but the active one that could hold objects, with what its verdict is made from. */
export async function subjectsOf(
  run: RunTarget,
  seen: Observation,
  earlier: Earlier<'re-encrypt' | 'verify'>,
): Promise<readonly Subject[]> {
  const { rotation } = run;
  const verdicts = await versionVerdicts(run);
  const { keyArns } = await verdictEvidence(rotation);
  return verdicts.flatMap((verdict): Subject[] => {
    const { version, superseded } = verdict;
    const key = seen.versions.find((one) => one.version.name === version.name)?.key;
    const keyArn = key?.arn ?? version.keyArn ?? keyArns.get(version.name);
    // Declared for later and not there yet.
    if (!superseded && keyArn === undefined) return [];
    const disables = superseded && mayBeDisabled(version) && key?.state === 'Enabled';
    const input = keyArn === undefined ? undefined : gateInput(rotation, seen, earlier, version, keyArn);
    return [{ version, key, disables, superseded, emptySince: sinceOf(verdict), input }];
  });
}

const sinceOf = ({ kind, since }: VersionVerdict): string | undefined =>
  kind === 'empty' || kind === 'retired' ? since : undefined;

function gateInput(
  rotation: Rotation,
  seen: Observation,
  { verify, 're-encrypt': moved }: Earlier<'re-encrypt' | 'verify'>,
  version: KeyVersion,
  keyArn: string,
): GateInput | undefined {
  const active = observedActive(rotation, seen.versions).key;
  if (!active) return undefined;
  return {
    version,
    keyArn,
    activeKeyArn: active.arn,
    observation: seen,
    buckets: bucketsToVerify(rotation),
    verification: verificationOf(verify),
    reencryptions: moved?.passes ?? [],
    switchSeenAt: moved?.switchSeenAt,
  };
}

/** Half a record is none: the gate stays closed. */
export function verificationOf(found: Partial<FlowFacts['verify']> | undefined): VerificationRecord | undefined {
  const { activeKeyArn, buckets } = found ?? {};
  return activeKeyArn === undefined || buckets === undefined ? undefined : { activeKeyArn, buckets };
}

/** Every reason why a version cannot count as empty. A key that nobody can name may hold whatever no declared key does. */
export function reasonsAgainst(
  { version, input }: Subject,
  seen: Observation,
  verification: VerificationRecord | undefined,
): readonly GateReason[] {
  if (input) return gateReasons(input);
  if (!verification) return [{ code: 'not-verified', text: 'this run has not verified the buckets' }];
  const known = new Set(seen.versions.flatMap(({ key }) => key?.arn ?? []));
  return verification.buckets.flatMap(({ bucket, byKey, unknownTotal }): GateReason[] => {
    const strange = Object.entries(byKey).filter(([label]) => isStrange(label, known));
    const count = strange.reduce((sum, [, versions]) => sum + versions, unknownTotal);
    if (count === 0) return [];
    const text = `${bucket} holds ${count} object version(s) under keys that no version declares; the key of ${version.name} is gone, and may be one of them`;
    return [{ code: 'objects-left', text }];
  });
}

function isStrange(label: string, known: ReadonlySet<string>): boolean {
  const arn = label.replace(/^DSSE:/, '');
  return arn.startsWith('arn:') && !known.has(arn);
}

/** What to do about a version that is not empty: only a key in use lets its objects go. */
export function wayOut({ version, key }: Subject): string {
  const remedy = remedyOf(version, key);
  if (remedy) return `\`${remedy}\``;
  if (key?.state === 'Enabled') return 'resolve each item';
  return `nothing brings the key of ${version.name} back: what is under it is lost; delete those object versions, or restore them from a backup`;
}
