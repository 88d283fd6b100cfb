import { activeVersion, type Rotation } from '../rotation/rotation';
import type { LeftByRun } from './evidence-queries';
import { type Keeper, keeperOf } from './key-remedy';
import type { Observation } from './observe';
import type { ObservedCustody } from './observed-custody';
import type { ObservedMaterials } from './observed-materials';
import type { VersionVerdict } from './version-verdicts';

export interface DriftFinding {
  readonly code:
    | 'key-over-age'
    | 'material-expiring'
    | 'material-expired'
    | 'material-date-differs'
    | 'file-date-past'
    | 'material-foreign'
    | 'rotations-nearly-used'
    | 'rollback-window-closing'
    | 'active-key-unusable'
    | 'key-pending-deletion'
    | 'key-in-other-regions'
    | 'earlier-key-unusable'
    | 'earlier-key-not-verified'
    | 'alias-moved'
    | 'bucket-default-moved'
    | 'bucket-key-moved'
    | 'stragglers-not-checked'
    | 'custody-record-absent'
    | 'custody-lost'
    | 'custody-folder-gone'
    | 'custody-not-asked'
    | 'custody-other-key'
    | 'custody-copy-missing'
    | 'custody-copy-differs'
    | 'custody-of-other-material'
    | 'custody-copy-unknown'
    | 'pointed-key-gone'
    | 'custody-recipients-differ'
    | 'drill-due'
    | 'binding-contradicted'
    | 'binding-outdated'
    | 'binding-incomplete'
    | 'retirement-not-recorded';
  /**
   * `outage`: objects cannot be read or written now. `act`: somebody must do something. Both make `--detailed-exitcode`
   * exit 2. `note`: good to know.
   */
  readonly level: 'outage' | 'act' | 'note';
  readonly text: string;
  /** What to type, or why nothing helps. A command proposes or shows, and asks before it changes anything. */
  readonly fix: string;
  /** The version that a finding about custody is about. */
  readonly version?: string;
  /** True where objects may be unreadable now, and nothing here shows that they are not: `status` exits 1. */
  readonly unproven?: true;
}

export interface DriftInput {
  readonly rotation: Rotation;
  readonly seen: Observation;
  readonly now: Date;
  readonly custody: ObservedCustody;
  /** True where runs on this machine kept custody in that folder. */
  readonly custodyWasHere: boolean;
  /** When evidence here last shows a drill, by version. */
  readonly drilled: ReadonlyMap<string, Date>;
  /** Copies that runs of this rotation made, as evidence here shows: the version, a space, the binding. */
  readonly madeCopies: ReadonlySet<string>;
  /** Versions whose copy in custody KMS refused last time. */
  readonly refused: ReadonlySet<string>;
  /** When a sound run last verified the buckets; undefined where no evidence here says so. */
  readonly verifiedAt: Date | undefined;
  /** What the last sound run left; undefined where no evidence here says so. */
  readonly left: LeftByRun | undefined;
  /** Whether each version but the active one is accounted for; empty for a rotation in place. */
  readonly verdicts: readonly VersionVerdict[];
  /** Rotated in place: the materials of the one key. */
  readonly materials: ObservedMaterials | undefined;
}

/** Who keeps the copy of a version. */
export function keeperIn({ rotation, custody }: Pick<DriftInput, 'rotation' | 'custody'>, version: string): Keeper {
  return keeperOf(rotation, custody.here ? custody.versions.get(version)?.record : undefined);
}

export const DAY = 86_400_000;

/** A finding that somebody must act on. */
export const act = (code: DriftFinding['code'], text: string, fix: string): DriftFinding => ({
  code,
  level: 'act',
  text,
  fix,
});

/** A finding of a key that is out of use, with objects under it for all that is known. */
export const unproven = (code: DriftFinding['code'], text: string, fix: string): DriftFinding => ({
  ...act(code, text, fix),
  unproven: true,
});

/** A finding of objects that cannot be read or written now. */
export const outage = (code: DriftFinding['code'], text: string, fix: string): DriftFinding => ({
  ...act(code, text, fix),
  level: 'outage',
});

/** A finding that calls nobody. */
export const note = (code: DriftFinding['code'], text: string, fix: string): DriftFinding => ({
  ...act(code, text, fix),
  level: 'note',
});

/** Whether the alias or a bucket default names a key: until the switch, writers use it. */
export const isPointedAt = ({ aliasTarget, buckets }: Observation, keyArn: string): boolean =>
  aliasTarget === keyArn || buckets.some((one) => one.default?.keyArn === keyArn);

/**
 * A later version that is declared already only has to be switched to.
 *
 * @param from - the version to get away from: it is no way on
 */
export function nextProposal(rotation: Rotation, from = rotation.activeVersion): string {
  const later = rotation.keyVersions.slice(rotation.keyVersions.indexOf(activeVersion(rotation)) + 1);
  const next = later.find((one) => !one.disabled && one.name !== from);
  return next ? `npx keyturn propose switch --name ${next.name}` : 'npx keyturn propose version';
}
