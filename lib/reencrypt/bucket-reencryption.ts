import type { JobRecord } from './job-record';
import type { BlockedVersion, FailedVersion } from './outcome';
import type { Shard } from './outcome-shards';

/**
 * Why a run ended before the bucket was done. The next run continues from what S3 holds. `unconfirmed`: a job waits for
 * confirmation.
 */
export interface Stopped {
  readonly because: 'interrupted' | 'credentials' | 'endpoint' | 'unconfirmed';
  readonly detail: string;
}

export interface BucketReencryption {
  readonly bucket: string;
  /** `batch`: jobs of S3 Batch Operations moved the bulk, and the local engine the rest. */
  readonly engine: 'local' | 'batch';
  /** The jobs that this run created, waited for or read. */
  readonly jobs: readonly JobRecord[];
  readonly method: 'rewrap' | 'rewrite';
  /** Versions listed in the last pass. */
  readonly objectVersions: number;
  /** The latest LastModified among them, milliseconds since the epoch; absent where nothing was listed by this process. */
  readonly newestListed?: number | undefined;
  readonly deleteMarkers: number;
  /** Already under the target key when first inspected. */
  readonly alreadyThere: number;
  /** Left alone when first inspected because the rotation file does not name it: versions by key ARN, `SSE-S3`, `SSE-C`, … */
  readonly outOfScope: Readonly<Record<string, number>>;
  /** Moved by this run, or with `dryRun` those that would be. */
  readonly moved: number;
  /** Bytes of those that this process moved: the report of a job names no sizes. */
  readonly movedBytes: number;
  /** Deleted by others while the run went on. */
  readonly gone: number;
  /** The first 1,000 of `blockedTotal`. */
  readonly blocked: readonly BlockedVersion[];
  readonly blockedTotal: number;
  /** The first 1,000 of `failedTotal`. */
  readonly failed: readonly FailedVersion[];
  readonly failedTotal: number;
  /** Requests sent to S3. */
  readonly requests: number;
  /** Listings of the bucket, the first one included. */
  readonly passes: number;
  /** True when every version was inspected, none failed, and the last pass found nothing to move. Blocked versions do not count against it. */
  readonly complete: boolean;
  readonly stopped: Stopped | undefined;
  /** Files that hold the outcome of each version, where they were requested. */
  readonly evidence: readonly Shard[];
}
