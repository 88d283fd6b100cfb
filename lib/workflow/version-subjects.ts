import { isOff, type KeyDescription } from '../kms/describe-key';
import { keeperOf, remedyOf } from '../observation/key-remedy';
import type { Observation } from '../observation/observe';
import { verdictEvidence } from '../observation/verdict-records';
import { versionVerdicts } from '../observation/version-verdicts';
import { type KeyVersion, mayBeDisabled, type Rotation, supersededVersions } from '../rotation/rotation';
import type { VerificationRecord } from './flow-facts';
import { coverReasons, heldReasons } from './gate';
import { annotationReasons } from './gate-annotations';
import { formerIn, formerReasons } from './gate-former-keys';
import type { GateReason } from './gate-reason';
import type { RunTarget } from './rotation-run';

/** A version that objects are moved away from, whatever its key's state: it gets a verdict in every run. */
export interface Subject {
  readonly version: KeyVersion;
  readonly key: KeyDescription | undefined;
  /** Absent: neither KMS nor evidence names the key. */
  readonly keyArn: string | undefined;
  /** ARNs of the keys that it was in earlier runs. */
  readonly formerKeys: readonly string[];
  readonly superseded: boolean;
  /** Superseded, and of those that Keyturn may disable. */
  readonly isRetirable: boolean;
  /** True: the step disables it behind the gate. False: it gets the verdict, and its key stays as it is. */
  readonly disables: boolean;
}

/** Every version but the active one that could hold objects; none for a rotation in place. */
export async function subjectsOf(
  run: Pick<RunTarget, 'rotation' | 'identity'>,
  seen: Observation,
): Promise<readonly Subject[]> {
  const { rotation } = run;
  if (rotation.strategy === 'in-place') return [];
  const evidence = await verdictEvidence(run);
  const past = new Set(supersededVersions(rotation).map(({ name }) => name));
  return seen.versions.flatMap(({ version, key }): Subject[] => {
    const superseded = past.has(version.name);
    const keyArn = key?.arn ?? version.keyArn ?? evidence.keyArns.get(version.name);
    // The active one, or one that is declared for later and not there yet.
    if (version.name === rotation.activeVersion || (!superseded && keyArn === undefined)) return [];
    const isRetirable = superseded && mayBeDisabled(version);
    const disables = isRetirable && !isOff(key);
    const former = formerIn(evidence, version.name, keyArn);
    return [{ version, key, keyArn, formerKeys: former, superseded, isRetirable, disables }];
  });
}

/** Since when earlier runs found each version empty, without a break, by name. */
export async function emptySince(run: RunTarget): Promise<ReadonlyMap<string, string>> {
  const since = new Map<string, string>();
  for (const { version, kind, since: at } of await versionVerdicts(run)) {
    if (at !== undefined && (kind === 'empty' || kind === 'retired')) since.set(version.name, at);
  }
  return since;
}

/** What a verification found under a version. A key that nobody can name may hold whatever no declared key does. */
export function leftUnder(
  { version, keyArn, formerKeys }: Subject,
  seen: Observation,
  verification: VerificationRecord | undefined,
): readonly GateReason[] {
  if (!verification) return [{ code: 'not-verified', text: 'this run has not verified the buckets' }];
  const found = [...verification.buckets, ...verification.changes];
  if (keyArn !== undefined) {
    return [
      ...verification.buckets.flatMap((one) => coverReasons(one, keyArn)),
      ...found.flatMap((one) => [...heldReasons(one, keyArn), ...formerReasons(one, formerKeys)]),
    ];
  }
  const known = new Set(seen.versions.flatMap(({ key }) => key?.arn ?? []));
  const underStrangeKeys = found.flatMap(({ bucket, byKey, unknownTotal }): GateReason[] => {
    const strange = Object.entries(byKey).filter(([label]) => isStrange(label, known));
    // Where a key is gone, the verification counts what is under strange keys as unknown too.
    const underStrange = strange.reduce((sum, [, versions]) => sum + versions, 0);
    const count = Math.max(underStrange, unknownTotal);
    if (count === 0) return [];
    const text = `${bucket} holds ${count} object version(s) under keys that no version declares; the key of ${version.name} is gone, and may be one of them`;
    return [{ code: 'objects-left', text }];
  });
  return [...underStrangeKeys, ...found.flatMap(annotationReasons)];
}

function isStrange(label: string, known: ReadonlySet<string>): boolean {
  const arn = label.replace(/^DSSE:/, '');
  return arn.startsWith('arn:') && !known.has(arn);
}

/** What to do about a version that is not empty: only a key in use lets its objects go. */
export function wayOut(rotation: Pick<Rotation, 'custody'>, { version, key }: Subject): string {
  const remedy = remedyOf(version, key, keeperOf(rotation));
  if (remedy) return `\`${remedy}\``;
  if (!isOff(key)) return 'resolve each item';
  return `nothing brings the key of ${version.name} back: what is under it is lost; delete those object versions, or restore them from a backup; if none is its own, remove ${version.name} from the rotation file`;
}
