/** Whether every version that a rotation moves objects away from is accounted for. Reads AWS and evidence, no object. */
import { aliasMoves } from '../kms/alias-moves';
import { aliasTarget } from '../kms/alias-target';
import { isOff, type KeyDescription } from '../kms/describe-key';
import { activeVersion, bucketsToVerify, type KeyVersion, mayBeDisabled, type Rotation } from '../rotation/rotation';
import { type Observing, observeVersions } from './observe';
import {
  type RecordedReason,
  type RecordedVerdicts,
  type RecordedVersion,
  type VerdictEvidence,
  verdictEvidence,
} from './verdict-records';

/**
 * `retired`: verified empty since the last switch, and its key is off. `empty`: verified empty, and its key is as it was.
 * `left`: the last verification found something. `not-verified`: no evidence here covers the last switch. `unused`: declared
 * for later, and nothing was ever switched to it.
 */
export type VerdictKind = 'retired' | 'empty' | 'left' | 'not-verified' | 'unused';

export interface VersionVerdict {
  readonly version: KeyVersion;
  /** Absent: there is no such key in KMS. */
  readonly key: KeyDescription | undefined;
  readonly kind: VerdictKind;
  /** True for a version that is declared before the active one. */
  readonly superseded: boolean;
  /** The first verification of an unbroken series that found it empty. */
  readonly since: string | undefined;
  /** Why its key stays on although it is empty. */
  readonly keep?: readonly RecordedReason[] | undefined;
  /** For people: without the name of the version, without a final period. */
  readonly text: string;
}

/** True where nothing is left to do about a version. */
export function isSettled({ kind, superseded, version, key, keep = [] }: VersionVerdict): boolean {
  if (kind === 'empty') return !(superseded && mayBeDisabled(version) && (!isOff(key) || keep.length > 0));
  return kind === 'retired' || kind === 'unused';
}

/** The verdict on every version but the active one; none for a rotation in place, which moves no object. */
export async function versionVerdicts(run: Observing): Promise<readonly VersionVerdict[]> {
  const { rotation } = run;
  if (rotation.strategy === 'in-place' || rotation.keyVersions.length < 2) return [];
  const versions = await observeVersions(run);
  const active = versions.find(({ version }) => version.name === rotation.activeVersion)?.key;
  const target = await aliasTarget(run.clients.kms, rotation.alias);
  const moves = active && (await aliasMoves(run.clients.kms, rotation.alias, active.arn));
  const evidence = await verdictEvidence(run);
  const switched = { activeKeyArn: active?.arn, aliasTarget: target, moves };
  const covering = coveringVerdicts(rotation, switched, evidence);
  const position = rotation.keyVersions.indexOf(activeVersion(rotation));
  return versions.flatMap(({ version, key }): VersionVerdict[] => {
    if (version.name === rotation.activeVersion) return [];
    const superseded = rotation.keyVersions.indexOf(version) < position;
    const about = { version, key, superseded };
    if (!Array.isArray(covering)) {
      const neverMoved = moves !== undefined && moves.createdAt.getTime() === moves.movedAt.getTime();
      if (!superseded && (neverMoved || key === undefined)) return [unused(about)];
      return [{ ...about, kind: 'not-verified', since: undefined, text: covering.why }];
    }
    return [verdictOf(about, covering)];
  });
}

interface Switched {
  readonly activeKeyArn: string | undefined;
  readonly aliasTarget: string | undefined;
  readonly moves: { readonly createdAt: Date; readonly movedAt: Date } | undefined;
}

type About = Pick<VersionVerdict, 'version' | 'key' | 'superseded'>;

const unused = (about: About): VersionVerdict => ({
  ...about,
  kind: 'unused',
  since: undefined,
  text: 'declared for later: nothing was switched to it yet',
});

/** Every verification that covers the last switch, newest last; otherwise why there is none. */
function coveringVerdicts(
  rotation: Rotation,
  { activeKeyArn, aliasTarget, moves }: Switched,
  { verdicts, aliasTargets }: VerdictEvidence,
): RecordedVerdicts[] | { readonly why: string } {
  if (activeKeyArn === undefined || aliasTarget !== activeKeyArn) return { why: 'the switch is not done' };
  const last = verdicts.at(-1);
  if (last === undefined) return { why: 'not verified: no evidence here shows a verification of it' };
  // Two runs that could not see the date would agree on nothing.
  if (moves === undefined)
    return { why: 'not verified: when the alias was last moved is not known, which takes kms:ListAliases' };
  const movedAt = moves.movedAt.toISOString();
  const elsewhere = aliasTargets.findLast(({ keyArn }) => keyArn !== activeKeyArn)?.order ?? -1;
  const covering = verdicts.filter(
    (one) => one.activeKeyArn === activeKeyArn && one.order > elsewhere && one.aliasMovedAt === movedAt,
  );
  const newest = covering.at(-1);
  if (newest !== last || newest === undefined) {
    return { why: `not verified since the last switch or rollback, which was at ${movedAt}` };
  }
  const missing = bucketsToVerify(rotation).filter((name) => !newest.buckets.includes(name));
  if (missing.length > 0) return { why: `not verified in ${missing.join(', ')}` };
  return covering;
}

function verdictOf(about: About, covering: readonly RecordedVerdicts[]): VersionVerdict {
  const found = recordedIn(covering.at(-1), about);
  if (found === undefined) {
    if (!about.superseded) return unused(about);
    return {
      ...about,
      kind: 'not-verified',
      since: undefined,
      text: 'not verified: the last verification does not name it',
    };
  }
  if (!found.empty) {
    const text = `not empty: ${found.reasons.map((reason) => reason.text).join('; ')}`;
    return { ...about, kind: 'left', since: undefined, text };
  }
  const firstOther = covering.findLastIndex((one) => recordedIn(one, about)?.empty !== true);
  const since = covering[firstOther + 1]?.verifiedAt;
  return { ...about, ...emptyVerdict(about, since, found.keep ?? []), since, keep: found.keep };
}

function emptyVerdict(
  { version, key, superseded }: About,
  since: string | undefined,
  keep: readonly RecordedReason[],
): Pick<VersionVerdict, 'kind' | 'text'> {
  const off = isOff(key);
  const why = keep.map((reason) => reason.text).join('; ');
  if (superseded && mayBeDisabled(version) && off && keep.length > 0) {
    const text = `empty since ${since}; the gate left its key on, which is ${key?.state ?? 'gone'} now: ${why}`;
    return { kind: 'empty', text };
  }
  if (superseded && mayBeDisabled(version) && off) {
    return { kind: 'retired', text: `retired: empty since ${since}, and its key is ${key?.state ?? 'gone'}` };
  }
  if (off) return { kind: 'empty', text: `empty since ${since}, and its key is ${key?.state ?? 'gone'}` };
  if (!superseded) return { kind: 'empty', text: `empty since ${since}` };
  if (keep.length > 0) {
    return { kind: 'empty', text: `empty since ${since}, and not to be disabled yet: ${why}` };
  }
  return { kind: 'empty', text: `may be disabled: empty since ${since}` };
}

/** A record counts for the key that it names: an alias that points at another key now makes it worthless. */
function recordedIn(verdicts: RecordedVerdicts | undefined, { version, key }: About): RecordedVersion | undefined {
  const found = verdicts?.versions.find(({ name }) => name === version.name);
  return key === undefined || found?.keyArn === key.arn ? found : undefined;
}
