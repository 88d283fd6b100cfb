import type { DescribeJobCommandOutput, JobListDescriptor, JobManifestGenerator } from '@aws-sdk/client-s3-control';
import type { JobStatus } from '../reencrypt/job-record';

/** A job as ListJobs reports it. */
export interface ListedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly description: string | undefined;
  readonly priority: number;
  /** Tasks; 0 until the manifest was read. */
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch; absent before its end. */
  readonly endedAt: number | undefined;
}

/** A job as DescribeJob reports it. */
export interface JobState extends ListedJob {
  readonly roleArn: string;
  readonly confirmationRequired: boolean;
  /** ARN that the operation moves objects under; undefined for an operation that Keyturn does not use. */
  readonly targetKeyArn: string | undefined;
  /** Where the operation copies objects to: a bucket's ARN; undefined for one that copies none. */
  readonly copiesTo: string | undefined;
  readonly statusUpdateReason: string | undefined;
  readonly failureReasons: readonly { readonly code: string; readonly reason: string }[];
  /** Milliseconds since the epoch; absent for a job that was never suspended. */
  readonly suspendedAt: number | undefined;
  /** Seconds that it was active. */
  readonly activeSeconds: number | undefined;
  /** The manifest that it was given or that S3 generated. */
  readonly manifest: { readonly objectArn: string; readonly etag: string; readonly generated: boolean } | undefined;
  /** What S3 lists for a generated manifest: the bucket's ARN, and key ARNs or `SSE-S3`; undefined for another manifest. */
  readonly lists: { readonly bucketArn: string; readonly under: readonly string[] } | undefined;
  readonly report: { readonly bucket: string; readonly prefix: string } | undefined;
}

const TERMINAL: ReadonlySet<JobStatus> = new Set(['Complete', 'Cancelled', 'Failed']);

/** True once the job has ended. */
export function isTerminal({ status }: Pick<ListedJob, 'status'>): boolean {
  return TERMINAL.has(status);
}

/** S3's own reason when nothing is left to list under a key. Without tasks a job may also end as complete. */
export function isEmptyManifest({ status, total, failureReasons }: JobState): boolean {
  if (total > 0) return false;
  if (status === 'Complete') return true;
  return status === 'Failed' && failureReasons.some(({ reason }) => /no (keys|objects) match/i.test(reason));
}

export function listedJobOf(job: JobListDescriptor): ListedJob {
  const { JobId = '', Status = 'New', Description, Priority = 0, CreationTime, TerminationDate, ProgressSummary } = job;
  return {
    jobId: JobId,
    status: Status,
    description: Description,
    priority: Priority,
    total: ProgressSummary?.TotalNumberOfTasks ?? 0,
    succeeded: ProgressSummary?.NumberOfTasksSucceeded ?? 0,
    failed: ProgressSummary?.NumberOfTasksFailed ?? 0,
    createdAt: CreationTime?.getTime() ?? 0,
    endedAt: TerminationDate?.getTime(),
  };
}

export function jobStateOf(job: NonNullable<DescribeJobCommandOutput['Job']>): JobState {
  const { Operation, FailureReasons = [], Report, Manifest, GeneratedManifestDescriptor: made } = job;
  const location = Manifest?.Location ?? made?.Location;
  return {
    ...listedJobOf({ ...job, Operation: undefined }),
    roleArn: job.RoleArn ?? '',
    confirmationRequired: job.ConfirmationRequired ?? false,
    targetKeyArn:
      Operation?.S3UpdateObjectEncryption?.ObjectEncryption?.SSEKMS?.KMSKeyArn ??
      Operation?.S3PutObjectCopy?.SSEAwsKmsKeyId,
    copiesTo: Operation?.S3PutObjectCopy?.TargetResource,
    statusUpdateReason: job.StatusUpdateReason,
    failureReasons: FailureReasons.map(({ FailureCode = '', FailureReason = '' }) => ({
      code: FailureCode,
      reason: FailureReason,
    })),
    suspendedAt: job.SuspendedDate?.getTime(),
    activeSeconds: job.ProgressSummary?.Timers?.ElapsedTimeInActiveSeconds,
    manifest: location && {
      objectArn: location.ObjectArn ?? '',
      etag: location.ETag ?? '',
      generated: Manifest === undefined,
    },
    lists: listsOf(job.ManifestGenerator),
    report:
      Report?.Enabled && Report.Bucket
        ? { bucket: Report.Bucket.split(':::')[1] ?? '', prefix: Report.Prefix ?? '' }
        : undefined,
  };
}

function listsOf(generator: JobManifestGenerator | undefined): JobState['lists'] {
  const { SourceBucket, Filter } = generator?.S3JobManifestGenerator ?? {};
  if (SourceBucket === undefined) return undefined;
  const under = (Filter?.MatchAnyObjectEncryption ?? []).map(
    ({ SSES3, SSEKMS }) => SSEKMS?.KmsKeyArn ?? (SSES3 ? 'SSE-S3' : 'an encryption that Keyturn does not move'),
  );
  return { bucketArn: SourceBucket, under };
}
