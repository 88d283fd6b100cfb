import { KeyturnError, throwIfInterrupted } from '../errors';
import { type ListedRow, readGeneratedManifest } from './generated-manifest-reader';
import type { JobFiles } from './job-files';
import { type JobPlace, type JobSpec, keyIdOf } from './job-spec';
import { isEmptyManifest, isTerminal, type JobState } from './job-state';
import type { Jobs } from './jobs';
import { pause } from './transient';

/** What residue manifests are made with. */
export interface GeneratedManifestTools {
  readonly jobs: Pick<Jobs, 'create' | 'describe'>;
  /** As `jobs`, but deaf to the run's signal: what was created is cancelled also when the run is interrupted. */
  readonly cleanUp: Pick<Jobs, 'list' | 'cancel'>;
  readonly files: Pick<JobFiles, 'bucket' | 'content'>;
}

export interface GeneratedManifestRequest {
  /** Name of the rotation. */
  readonly rotation: string;
  readonly bucket: string;
  /** Full ARN of the key whose objects S3 is to list. */
  readonly underKeyArn: string;
  /** One layer or two: S3's filter takes one of them. */
  readonly layers: 'SSE-KMS' | 'DSSE-KMS';
  /** Full ARN of the active key: what the job would move objects to, were it ever confirmed. */
  readonly activeKeyArn: string;
  readonly place: JobPlace;
  /** Tells this job apart from all others; at most 50 characters. */
  readonly nonce: string;
  /** Objects whose keys begin otherwise are left out. */
  readonly prefix?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the specification before the job is created; a rejection keeps it from being created. */
  readonly onSpec?: ((spec: JobSpec) => Promise<void>) | undefined;
  /** Milliseconds until a job is looked at again: at first, and at the most. Default 500 and 30,000. */
  readonly poll?: { readonly firstMs?: number | undefined; readonly mostMs?: number | undefined } | undefined;
}

/** A manifest that S3 generated of a bucket, of the objects under one key. */
export interface GeneratedManifest {
  readonly jobId: string;
  readonly underKeyArn: string;
  readonly layers: 'SSE-KMS' | 'DSSE-KMS';
  /** Objects in it. */
  readonly rows: number;
  /** How S3 told that there is nothing in it; absent where there is something. */
  readonly empty: 'the job failed for want of objects' | 'the job has no tasks' | undefined;
  /** Absent where S3 wrote none, which is where there is nothing in it. */
  readonly file: { readonly objectArn: string; readonly etag: string } | undefined;
}

/**
 * Lets S3 list the objects of a bucket that are under a key: by a job that is created to be confirmed, read while it is
 * suspended, and cancelled. It never runs. S3 lists current versions at least; whether also others AWS does not say.
 *
 * @param onRow - called with each object listed
 * @throws generated-manifest-invalid for a job that failed for another reason, was confirmed or cancelled by somebody else, or
 *   whose manifest is not what the job says; interrupted; what {@link Jobs} throw
 */
export async function generateManifest(
  tools: GeneratedManifestTools,
  request: GeneratedManifestRequest,
  onRow: (row: ListedRow) => void,
): Promise<GeneratedManifest> {
  const spec = residueSpec(request);
  await request.onSpec?.(spec);
  const jobId = await tools.jobs.create(spec);
  try {
    return await readResidue(tools, request, jobId, onRow);
  } finally {
    // It may have ended by itself, which is as good. What cannot be cancelled now the next verification cancels.
    await tools.cleanUp.cancel(jobId, 'read by the verification, never to run').catch(() => undefined);
  }
}

/** Cancels what a verification that was killed left behind: it waits to be confirmed, and nobody should. */
export async function cancelManifestJobs(jobs: Pick<Jobs, 'list' | 'cancel'>, rotation: string, bucket: string) {
  for await (const job of jobs.list()) {
    if (isTerminal(job) || !job.description?.startsWith(descriptionStart(rotation, bucket))) continue;
    await jobs.cancel(job.jobId, 'left behind by a verification').catch((error: unknown) => {
      if (error instanceof KeyturnError && error.code === 'job-state-invalid') return;
      throw error;
    });
  }
}

async function readResidue(
  { jobs, files }: GeneratedManifestTools,
  request: GeneratedManifestRequest,
  jobId: string,
  onRow: (row: ListedRow) => void,
): Promise<GeneratedManifest> {
  const { underKeyArn, layers, bucket } = request;
  const of = { jobId, underKeyArn, layers };
  const job = await prepared(jobs, request, jobId);
  if (isEmptyManifest(job)) {
    const empty = job.status === 'Failed' ? 'the job failed for want of objects' : 'the job has no tasks';
    return { ...of, rows: 0, empty, file: undefined };
  }
  if (job.status !== 'Suspended') throw unsound(request, jobId, `is ${job.status}${reasonsOf(job)}`);
  if (job.total === 0 && job.manifest === undefined) {
    return { ...of, rows: 0, empty: 'the job has no tasks', file: undefined };
  }
  if (job.manifest === undefined) throw unsound(request, jobId, `has ${job.total} task(s), but names no manifest`);
  const { objectArn, etag } = job.manifest;
  let rows = 0;
  try {
    await readGeneratedManifest(files, { bucket, objectArn, etag }, (row) => {
      rows += 1;
      onRow(row);
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unsound(request, jobId, `has a manifest that is not believed: ${error.message}`, error);
  }
  if (rows !== job.total) {
    throw unsound(request, jobId, `has ${job.total} task(s), and its manifest ${rows} row(s)`);
  }
  const empty = rows === 0 ? 'the job has no tasks' : undefined;
  return { ...of, rows, empty, file: { objectArn, etag } };
}

/** Waits until S3 has made the manifest. */
async function prepared(
  jobs: GeneratedManifestTools['jobs'],
  request: GeneratedManifestRequest,
  jobId: string,
): Promise<JobState> {
  const { signal, poll = {} } = request;
  const { firstMs = 500, mostMs = 30_000 } = poll;
  for (let waitMs = firstMs; ; waitMs = Math.min(mostMs, waitMs * 1.5)) {
    throwIfInterrupted(signal, 'verification');
    const job = await jobs.describe(jobId);
    if (!job) throw unsound(request, jobId, 'is not there any more');
    if (job.status !== 'New' && job.status !== 'Preparing') return job;
    await pause(waitMs, signal);
  }
}

/** Never confirmed. Were it, it would do what the rotation is about: rewrap what is left to the active key. */
function residueSpec(request: GeneratedManifestRequest): JobSpec {
  const { rotation, bucket, underKeyArn, layers, activeKeyArn, place, nonce, prefix } = request;
  const arnOf = (name: string) => `arn:${activeKeyArn.split(':')[1]}:s3:::${name}`;
  const under = { KmsKeyArn: underKeyArn };
  const filter = {
    MatchAnyObjectEncryption: [layers === 'SSE-KMS' ? { SSEKMS: under } : { DSSEKMS: under }],
    ...(prefix === undefined ? {} : { KeyNameConstraint: { MatchAnyPrefix: [prefix] } }),
  };
  const spec = {
    AccountId: place.account,
    ConfirmationRequired: true,
    ClientRequestToken: `${nonce}-${layers}`.slice(0, 64),
    Description: `${descriptionStart(rotation, bucket)}${keyIdOf(underKeyArn)} (${layers})`.slice(0, 256),
    Priority: place.priority,
    RoleArn: place.roleArn,
    Operation: {
      S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: activeKeyArn, BucketKeyEnabled: true } } },
    },
    ManifestGenerator: {
      S3JobManifestGenerator: {
        SourceBucket: arnOf(bucket),
        EnableManifestOutput: true,
        ManifestOutputLocation: {
          Bucket: arnOf(place.bucket),
          ManifestPrefix: `${place.prefix}manifests/residue/${bucket}`,
          ManifestFormat: 'S3InventoryReport_CSV_20211130',
          ManifestEncryption: { SSES3: {} },
        },
        Filter: filter,
      },
    },
    Report: {
      Enabled: true,
      Bucket: arnOf(place.bucket),
      Prefix: `${place.prefix}reports`,
      Format: 'Report_CSV_20180820',
      ReportScope: 'AllTasks',
    },
    Tags: [
      { Key: 'keyturn:rotation', Value: rotation },
      { Key: 'keyturn:residue', Value: bucket },
    ],
  };
  // A filter by name and by two layers, which the jobs that move objects have no use for.
  return spec as unknown as JobSpec;
}

/** Other than that of a job that moves objects, so that nobody takes the one for the other. */
function descriptionStart(rotation: string, bucket: string): string {
  return `keyturn ${rotation}: residue of ${bucket}, never to run, under `;
}

function reasonsOf({ failureReasons, statusUpdateReason }: JobState): string {
  const reasons = failureReasons.map(({ code, reason }) => `${code}: ${reason}`);
  if (reasons.length === 0 && statusUpdateReason) reasons.push(statusUpdateReason);
  return reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
}

function unsound(
  { bucket, underKeyArn }: GeneratedManifestRequest,
  jobId: string,
  found: string,
  cause?: unknown,
): KeyturnError {
  return new KeyturnError('generated-manifest-invalid', { bucket, jobId, keyArn: underKeyArn, found }, cause);
}
