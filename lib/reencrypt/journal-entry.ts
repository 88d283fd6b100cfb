import type { Segment } from '../s3/listing-segments';
import type { ListedVersion, PageMarker } from '../s3/object-version';
import type { BlockedVersion, FailedVersion } from './outcome';

/** The counts of a run, as the journal keeps them. */
export interface RunCounts {
  readonly objectVersions: number;
  readonly deleteMarkers: number;
  readonly alreadyThere: number;
  readonly outOfScope: Readonly<Record<string, number>>;
  readonly moved: number;
  readonly movedBytes: number;
  readonly gone: number;
  readonly blockedTotal: number;
  readonly failedTotal: number;
}

/** What a journal belongs to; a run never resumes from the journal of another one. */
export interface JournalHead {
  readonly bucket: string;
  readonly targetKeyArn: string;
  readonly method: 'rewrap' | 'rewrite';
  /** `sourcesId` of what the run moved: what it left alone, another one may have to move. */
  readonly sources: string;
  /** What the run was limited to; absent: to nothing. */
  readonly only?: string | undefined;
  /** The switch that the run followed; absent: the journal is of no switch. Objects moved for an earlier one may have been moved back. */
  readonly switchId?: string | undefined;
  /** When the first pass began, by the endpoint's clock, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Keys with a multipart upload open at that time: its object bears the date it was started. Undefined: too many. */
  readonly uploadKeys: readonly string[] | undefined;
}

/** A version that failed, with everything that a retry needs. */
export interface FailedEntry {
  readonly version: ListedVersion;
  readonly failed: FailedVersion;
}

/** One committed page: every version of it, and of the pages before it in its segment, has its outcome. */
export interface JournalPage {
  readonly pass: number;
  /** Number of the segment; the listing begins in segment 0, and splitting it adds the others. */
  readonly segment: number;
  /** Where the listing of the segment continues; absent when it is done. */
  readonly next: PageMarker | undefined;
  /** Counts of the whole run so far. */
  readonly counts: RunCounts;
  readonly failed: readonly FailedEntry[];
  readonly blocked: readonly BlockedVersion[];
}

/** What an interrupted run left. */
export interface Resumed {
  readonly head: JournalHead;
  /** What the first pass has still to list; none when it was over. */
  readonly remaining: readonly Segment[];
  readonly counts: RunCounts | undefined;
  readonly failed: readonly FailedEntry[];
  readonly blocked: readonly BlockedVersion[];
}

/** Where a resumed run begins. */
export type ResumedStart = Pick<JournalPage, 'counts' | 'failed' | 'blocked'> & Pick<Resumed, 'remaining'>;
