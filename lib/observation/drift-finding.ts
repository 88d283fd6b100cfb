import { activeVersion, type Rotation } from '../rotation/rotation';
import type { Observation } from './observe';

export interface DriftFinding {
  readonly code:
    | 'key-over-age'
    | 'material-expiring'
    | 'material-expired'
    | 'active-key-unusable'
    | 'key-pending-deletion'
    | 'alias-moved'
    | 'bucket-default-moved'
    | 'bucket-key-moved'
    | 'stragglers-not-checked'
    | 'custody-record-absent'
    | 'retirement-not-recorded';
  /** `act`: somebody must do something, and `--detailed-exitcode` says so. `note`: good to know. */
  readonly level: 'act' | 'note';
  readonly text: string;
  /** What to type; it proposes or shows, and asks before it changes anything. */
  readonly fix: string;
}

/** Where `custody.age.directory` is not here at all, records are kept elsewhere, as on a runner: that says nothing. */
export type ObservedCustody =
  | { readonly here: false }
  | {
      readonly here: true /** Versions that have a record, and when their material was imported. */;
      readonly imported: ReadonlyMap<string, Date>;
    };

export interface DriftInput {
  readonly rotation: Rotation;
  readonly seen: Observation;
  readonly now: Date;
  readonly custody: ObservedCustody;
  /** When a sound run last verified the buckets; undefined where no evidence here says so. */
  readonly verifiedAt: Date | undefined;
  /** What the last sound run left; undefined where no evidence here says so. */
  readonly left: LeftByRun | undefined;
}

/** The pointers as the last run recorded them. */
export interface LeftByRun {
  readonly aliasTarget: string | undefined;
  readonly bucketDefaults: Readonly<Record<string, string | undefined>>;
}

export const DAY = 86_400_000;

/** A later version that is declared already only has to be switched to. */
export function nextProposal(rotation: Rotation): string {
  const later = rotation.keyVersions.slice(rotation.keyVersions.indexOf(activeVersion(rotation)) + 1);
  const next = later.find((one) => !one.disabled);
  return next ? `npx keyturn propose switch --name ${next.name}` : 'npx keyturn propose version';
}
