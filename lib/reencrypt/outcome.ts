import type { Encryption } from '../s3/object-version';
import type { JobRecord } from './job-record';
import type { Shard } from './outcome-shards';

/** What came of one object version, and what a run over a bucket adds up to. */

/** Why a version cannot be moved now by the method in use. */
export type BlockedReason =
  | 'customer-key'
  | 'legal-hold'
  | 'compliance-retention'
  | 'governance-retention'
  | 'object-lock'
  | 'noncurrent-version'
  | 'dual-layer'
  | 'unencrypted'
  | 'unknown-encryption'
  | 'archived'
  | 'being-restored'
  | 'source-key-unusable'
  | 'foreign-account-key';

export interface BlockedVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly reason: BlockedReason;
  /** What must happen for it to become movable. */
  readonly detail: string;
  /** The earliest date it can be moved, ISO 8601; absent where no date is known. */
  readonly earliest: string | undefined;
  /** How it is encrypted now, as reports name it. */
  readonly encryption: string;
}

/** A version that should have moved and did not; a later run tries it again. */
export interface FailedVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly operation: string;
  readonly status: number;
  readonly code: string;
  /** One line for people: operation, code and S3's own message. */
  readonly reason: string;
}

/** How many entries a report lists of one kind: enough to act on, and bounded whatever the bucket holds. */
export const REPORT_LIMIT = 1000;

/** The first {@link REPORT_LIMIT} entries of a list that may be long, and how long it is. */
export class BoundedList<T extends { readonly key: string; readonly versionId: string | undefined }> {
  total = 0;
  readonly #kept = new Map<string, T>();

  get first(): readonly T[] {
    return [...this.#kept.values()];
  }

  /** A version that a later pass comes to again is counted once, as far as it is kept. */
  add(entry: T): void {
    const id = idOf(entry);
    if (!this.#kept.has(id)) this.total += 1;
    if (this.#kept.has(id) || this.#kept.size < REPORT_LIMIT) this.#kept.set(id, entry);
  }

  /** Takes a version out that a later pass could deal with. */
  remove(version: { readonly key: string; readonly versionId: string | undefined }): void {
    if (this.#kept.delete(idOf(version))) this.total -= 1;
  }
}

function idOf({ key, versionId }: { readonly key: string; readonly versionId: string | undefined }): string {
  return `${versionId ?? ''} ${key}`;
}

/** What became of one version. */
export type VersionOutcome = { readonly key: string; readonly versionId: string | undefined; readonly size: number } & (
  | { readonly outcome: 'already-there' }
  | {
      readonly outcome: 'moved';
      /** Undefined where it was not looked at before (`optimistic`). */
      readonly from: Encryption | undefined;
      readonly to: Encryption;
      readonly etag: string;
      readonly newVersionId: string | undefined;
    }
  | { readonly outcome: 'would-move'; readonly from: Encryption }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'blocked'; readonly blocked: BlockedVersion }
  | { readonly outcome: 'failed'; readonly failed: FailedVersion }
);

/**
 * Why a run ended before the bucket was done. The next run goes on from what S3 holds. `unconfirmed`: a job waits to be
 * confirmed.
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
  readonly deleteMarkers: number;
  /** Found under the target key when first looked at. */
  readonly alreadyThere: number;
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
  /** True when every version was looked at, none failed, and the last pass found nothing to move. Blocked versions do not count against it. */
  readonly complete: boolean;
  readonly stopped: Stopped | undefined;
  /** Files that hold the outcome of each version, where they were asked for. */
  readonly evidence: readonly Shard[];
}
