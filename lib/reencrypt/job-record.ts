/** The states of a job. `Complete` says that every task was tried, not that any succeeded. */
export type JobStatus =
  | 'New'
  | 'Preparing'
  | 'Suspended'
  | 'Ready'
  | 'Active'
  | 'Pausing'
  | 'Paused'
  | 'Completing'
  | 'Complete'
  | 'Cancelling'
  | 'Cancelled'
  | 'Failing'
  | 'Failed';

/** One CSV of a job's report, as its manifest.json names it. */
export interface ReportFile {
  readonly key: string;
  /** MD5 of the file, lower-case hex; checked before a row of it was used. */
  readonly md5: string;
  readonly rows: number;
  readonly status: 'succeeded' | 'failed';
}

/** What the evidence records about a job: enough to find the job and its files again. */
export interface JobRecord {
  readonly jobId: string;
  readonly attempt: number;
  readonly part: string;
  readonly description: string;
  /** SHA-256 of the specification as it was recorded; undefined where another run created the job. */
  readonly specSha256: string | undefined;
  readonly roleArn: string;
  readonly status: JobStatus;
  /** States that this run saw, ISO 8601. */
  readonly states: readonly { readonly status: JobStatus; readonly at: string }[];
  readonly createdAt: string;
  readonly endedAt: string | undefined;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly manifest: { readonly objectArn: string; readonly etag: string; readonly generated: boolean } | undefined;
  /** Undefined where no task was tried, or the job has not ended. */
  readonly report:
    | {
        readonly manifestKey: string;
        /** SHA-256 of the report's manifest.json, lower-case hex. */
        readonly manifestSha256: string;
        readonly files: readonly ReportFile[];
        /** Failed tasks by S3's error code. */
        readonly errors: Readonly<Record<string, number>>;
      }
    | undefined;
  /** True for a job that ended because there was no object for it, whatever S3 calls that. */
  readonly foundNothing: boolean;
  /** Rows of the report that are not as in the manifest that was uploaded; absent where all are. */
  readonly differences?:
    | {
        readonly unknown: number;
        readonly missing: number;
        readonly twice: number;
        readonly examples: readonly { readonly key: string; readonly versionId: string | undefined }[];
      }
    | undefined;
  readonly failureReasons: readonly string[];
}
