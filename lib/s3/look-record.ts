import type { MoveScope } from './version-scope';

/** What a process that looks at versions for the verification of another one has to know. Plain data. */
export interface LookPlan {
  readonly scope: MoveScope;
  /** Milliseconds since the epoch: what S3 dates later is inspected at the end alone. */
  readonly until: number;
  /** Keys whose versions are inspected at the end alone. */
  readonly uploadKeys: readonly string[];
  /** Versions that are chosen for a dress rehearsal at the end. */
  readonly rehearse: number;
  /** Milliseconds since the epoch: what S3 dates before may have annotations that a move left behind. Absent: every version may. */
  readonly movedBefore: number | undefined;
}

/** Where a version is accounted for, and how it is encrypted. */
export interface FoundKind {
  readonly place: 'underActive' | 'outOfScope';
  readonly label: string;
}

/** What such a process found since it reported last: each version as an entry of its group of 65,536. Plain data. */
export interface LookRecord {
  /** Group of each entry. */
  readonly groups: Uint16Array;
  /** The two halves of its fingerprint. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Its kind, by its place in `kinds`. */
  readonly kindOf: Uint16Array;
  readonly kinds: readonly FoundKind[];
  /** Groups that are to be inspected again. */
  readonly doubted: Uint16Array;
  readonly requests: number;
  readonly secondHeads: { readonly versions: number; readonly contradictions: number };
  readonly askedForAnnotations: number;
}

/** Groups of versions in a {@link LookRecord}. */
export const LOOK_GROUPS = 65_536;
