import type { Segment } from '../s3/listing-segments';
import type { LookPlan, LookRecord } from '../s3/look-record';
import type { Versioning } from '../s3/store';
import type { PageRecord } from './page-record';
import type { InspectRule } from './pass-range';
import type { ReencryptRequest } from './reencrypt-request';

/** What whoever moves segments of a bucket for another process has to know of the run. Plain data. */
export interface SegmentRequest
  extends Pick<
    ReencryptRequest,
    | 'bucket'
    | 'targetKeyArn'
    | 'sources'
    | 'bucketKeyDefault'
    | 'method'
    | 'optimistic'
    | 'concurrency'
    | 'maxRps'
    | 'retry'
    | 'copySizes'
  > {
  readonly versioning: Versioning;
  /** How to look at versions behind their move; absent: each is inspected after its move. */
  readonly look?: LookPlan | undefined;
  /** True: records hold the lines of evidence. */
  readonly keepsEvidence: boolean;
}

/** A segment, or the beginning of one, that is listed and moved in one go. */
export interface Lease {
  /** Of the run, from 1. */
  readonly pass: number;
  readonly segment: Segment;
  /** Pages after which the rest of the segment is given back. */
  readonly maxPages: number;
  readonly inspect: InspectRule;
}

/** How a lease ended. What was not committed is for another lease, whatever was moved of it. */
export type LeaseEnd =
  /** `rest`: the key behind which the segment continues; absent: it is done. */
  | { readonly end: 'listed'; readonly rest: string | undefined }
  | { readonly end: 'stopped' }
  /** The process died. `worker` names it, and how it died. */
  | { readonly end: 'died'; readonly worker: string };

/** A run over a bucket that hands its segments out. */
export interface SegmentRun {
  /**
   * Moves what a lease names. `commit` is called for one page after the other, and resolves once the page is recorded.
   *
   * @throws what ends the run: KeyturnError, RunStopped, and what `commit` throws
   */
  lease(lease: Lease, commit: (record: PageRecord) => Promise<void>): Promise<LeaseEnd>;
  /** Ends every lease as soon as the requests in progress are answered. */
  stop(): void;
  /** Nothing more will be handed out. */
  close(): void;
  /** Requests sent for this run by other processes. */
  readonly requests: number;
}

/** Processes that move segments. */
export interface SegmentWorkers {
  readonly processes: number;
  /** Leases at once that keep all of them busy. */
  readonly slots: number;
  /** Starts them if they are not running: segments will follow. */
  start(): void;
  /** @param onLook - called with what was found behind the move */
  open(request: SegmentRequest, onLook?: (record: LookRecord) => void): SegmentRun;
}
