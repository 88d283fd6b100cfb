import type { JobRequest } from '../wire/job-request';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-status.html, but Pausing and Paused, which only priorities bring about. */
export type JobStatus =
  | 'New'
  | 'Preparing'
  | 'Suspended'
  | 'Ready'
  | 'Active'
  | 'Completing'
  | 'Complete'
  | 'Cancelling'
  | 'Cancelled'
  | 'Failing'
  | 'Failed';

export const JOB_STATUSES = [
  'Active',
  'Cancelled',
  'Cancelling',
  'Complete',
  'Completing',
  'Failed',
  'Failing',
  'New',
  'Paused',
  'Pausing',
  'Preparing',
  'Ready',
  'Suspended',
] as const;

const TERMINAL = new Set<JobStatus>(['Complete', 'Cancelled', 'Failed']);
export const isTerminal = (status: JobStatus): boolean => TERMINAL.has(status);

/** One object of a manifest. Without a version ID the task works on what is current when it runs. */
export interface Task {
  readonly bucket: string;
  readonly key: string;
  /** `''` for a row of a manifest with version IDs that has none: such a task fails. */
  readonly versionId: string | undefined;
}

/** What became of a task. */
export interface TaskResult {
  readonly task: Task;
  /** HTTP status, 200 for success. */
  readonly status: number;
  /** The error code, `''` for success. */
  readonly code: string;
  readonly message: string;
}

/** A manifest that the generator wrote. */
export interface GeneratedManifest {
  readonly objectArn: string;
  /** Without quotes. */
  readonly etag: string;
}

/** A job; the mutable fields are its progress. Times are milliseconds since the epoch by the movable clock. */
export interface Job {
  readonly id: string;
  readonly arn: string;
  readonly request: JobRequest;
  readonly created: number;
  status: JobStatus;
  priority: number;
  tags: ReadonlyMap<string, string>;
  /** Undefined until the manifest was read or generated. */
  tasks: readonly Task[] | undefined;
  /** One for each task that was invoked, in order. */
  results: TaskResult[];
  failedTasks: number;
  failures: { readonly code: string; readonly reason: string }[];
  generated: GeneratedManifest | undefined;
  statusReason: string | undefined;
  suspended: number | undefined;
  activeSince: number | undefined;
  ended: number | undefined;
}
