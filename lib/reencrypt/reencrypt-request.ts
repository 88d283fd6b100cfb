import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { LookPlan, LookRecord } from '../s3/look-record';
import type { ListedVersion, ObjectHead } from '../s3/object-version';
import type { RetryOptions } from '../s3/pacing-and-retry';
import type { MoveSources } from '../s3/version-scope';
import type { VersionOutcome } from './outcome';
import type { KeyRange } from './page-queue';
import type { OnlyVersions } from './pass-range';
import type { CopySizes } from './rewrap';

/** Somebody who lists and inspects what was moved, range of keys by range of keys. */
export interface LookBehind {
  /** @returns false: the range was not inspected to its end; its versions are inspected by the run then */
  look(range: KeyRange, onHead: (listed: ListedVersion, head: ObjectHead) => void): Promise<boolean>;
  /** Requests sent for it, so that they do not count for the run. */
  readonly requests: number;
  /** What another process has to know that moves for this run, and looks by itself; absent: it inspects each version after its move. */
  readonly plan?: LookPlan | undefined;
  /** Takes what such a process found. */
  merge?(record: LookRecord): void;
}

/** What one run of the local engine over a bucket is to do. */
export interface ReencryptRequest {
  readonly bucket: string;
  /** Full ARN of the active key. */
  readonly targetKeyArn: string;
  /** What is moved; everything else is counted and left alone. */
  readonly sources: MoveSources;
  /** Bucket key setting for versions that no KMS key held before; the others keep their own. */
  readonly bucketKeyDefault: boolean;
  readonly method: 'rewrap' | 'rewrite';
  /** Concurrent requests at most, 1 to 1,024. Default 384; fewer where S3 or KMS ask for it. */
  readonly concurrency?: number | undefined;
  /** Requests a second at most, to leave room for production traffic. Default: no limit. */
  readonly maxRps?: number | undefined;
  /** Paces the run together with those of other buckets, by limits of its own. Default: one with the two limits above. */
  readonly pace?: AdaptiveLimiter | undefined;
  /** Limits the run to a part of the bucket, and to what is written during it. Default: the whole bucket. */
  readonly only?: OnlyVersions | undefined;
  /** Inspects and decides, changes nothing. */
  readonly dryRun: boolean;
  /**
   * Rewraps without inspecting first, for one request a version less. Versions that are there already are rewrapped again, and every
   * version takes `bucketKeyDefault`, as its own setting was not inspected. `sampled`: only on pages of which a few versions were inspected,
   * had to be moved, and have that setting anyway. Default false, and of no effect unless the sources are `any`: which key a version is
   * under decides whether it is moved.
   */
  readonly optimistic?: boolean | 'sampled' | undefined;
  /**
   * Looks at versions behind the first pass: the HEAD after each rewrap is left out where that look had the answer to one. A page is
   * committed when its look is over. Not used by a run that resumes another one. Default: each version is inspected after its move.
   */
  readonly behind?: LookBehind | undefined;
  /** When it fires, requests in progress end, no new one is sent, and what was done is reported. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait before the bucket is listed again for what writers added meanwhile. Default 0. */
  readonly relistDelayMs?: number | undefined;
  /** Listings at most, the first included. Default 5. */
  readonly maxPasses?: number | undefined;
  /** The switch that the run follows: the journal of another one is not resumed. Default: none. */
  readonly switchId?: string | undefined;
  /** Where the journal is kept. An interrupted run resumes from it; without one, it inspects everything again. */
  readonly journalFile?: string | undefined;
  /** Where the outcome of each version is written as compressed NDJSON: `<directory>/<name>-000001.ndjson.gz`, … */
  readonly evidence?: { readonly directory: string; readonly name: string } | undefined;
  /** Pages after which the rest of a listing is split and listed in parallel. Default 4, which is 4,000 versions. */
  readonly splitAfterPages?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly copySizes?: CopySizes | undefined;
  /** Object versions of the bucket, for progress alone; undefined as long as nobody knows. Default: nobody does. */
  readonly total?: (() => number | undefined) | undefined;
  /** A line about where the run stands, at most one every 200 ms. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Called for each outcome, in no order. A version that is new in a later pass may come twice. */
  readonly onOutcome?: ((outcome: VersionOutcome) => void) | undefined;
}
