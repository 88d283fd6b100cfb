import { randomUUID } from 'node:crypto';
import { KeyturnError, throwIfInterrupted } from '../errors';
import { type ListedRow, readGeneratedManifest } from './generated-manifest-reader';
import { type GeneratedManifestFacts, generatedManifestSpec, isGeneratedManifestJob } from './generated-manifest-spec';
import type { JobFiles } from './job-files';
import type { JobSpec } from './job-spec';
import { isEmptyManifest, isTerminal, type JobState } from './job-state';
import type { Jobs } from './jobs';
import { pause } from './retry';

/** What generated manifests are created with. */
export interface GeneratedManifestTools {
  readonly jobs: Pick<Jobs, 'create' | 'describe'>;
  /** As `jobs`, but without the run's signal: created jobs are cancelled also when the run is interrupted. */
  readonly cleanUp: Pick<Jobs, 'list' | 'cancel'>;
  readonly files: Pick<JobFiles, 'bucket' | 'content'>;
}

/** What all manifests of one bucket have in common. */
export interface ManifestListerRequest
  extends Pick<GeneratedManifestFacts, 'rotation' | 'bucket' | 'activeKeyArn' | 'place'> {
  readonly signal?: AbortSignal | undefined;
  /** Called with the specification before the job is created; a rejection keeps it from being created. */
  readonly onSpec?: ((spec: JobSpec) => Promise<void>) | undefined;
  /** Milliseconds between two polls of a job: at first, and at most. Default 30,000: AWS asks for no less. */
  readonly poll?: { readonly firstMs?: number | undefined; readonly mostMs?: number | undefined } | undefined;
}

type GeneratedManifestRequest = ManifestListerRequest & GeneratedManifestFacts;

/** A manifest that S3 generated of a bucket, of the objects under one key. */
export interface GeneratedManifest {
  readonly jobId: string;
  readonly underKeyArn: string;
  readonly layers: 'SSE-KMS' | 'DSSE-KMS';
  /** Objects in it. */
  readonly rows: number;
  /** How S3 reported that there is nothing in it; absent where there is something. */
  readonly empty: 'the job failed for want of objects' | 'the job has no tasks' | undefined;
  /** Absent where S3 wrote none, which is where there is nothing in it. */
  readonly file: { readonly objectArn: string; readonly etag: string } | undefined;
}

/** Lists what is under one key of the bucket; calls `onKey` with each key that a row may mean. */
export type ListUnderKey = (
  what: Pick<GeneratedManifestFacts, 'underKeyArn' | 'layers' | 'prefix'>,
  onKey: (key: string) => void,
) => Promise<GeneratedManifest>;

/**
 * Lets S3 list the objects of a bucket that are under a key: by a job that is created suspended, read, and always cancelled.
 * It never runs. S3 lists at least current versions; AWS does not document whether it lists others. Before the first
 * list, jobs that a killed verification of the bucket left behind are cancelled.
 *
 * @throws generated-manifest-invalid for a job that failed for another reason, was confirmed or cancelled by somebody else,
 *   or whose manifest differs from what the job reports; interrupted; what {@link Jobs} throw
 */
export async function manifestLister(
  tools: GeneratedManifestTools,
  request: ManifestListerRequest,
): Promise<ListUnderKey> {
  await cancelLeftBehind(tools.cleanUp, request);
  return (what, onKey) => generateManifest(tools, { ...request, ...what, nonce: randomUUID() }, onKey);
}

async function generateManifest(
  tools: GeneratedManifestTools,
  request: GeneratedManifestRequest,
  onKey: (key: string) => void,
): Promise<GeneratedManifest> {
  const spec = generatedManifestSpec(request);
  await request.onSpec?.(spec);
  const jobId = await tools.jobs.create(spec);
  try {
    return await readManifest(tools, request, jobId, ({ keys }) => {
      for (const key of keys) onKey(key);
    });
  } finally {
    // It may have ended already, which is as good. The next verification cancels what cannot be cancelled now.
    await tools.cleanUp.cancel(jobId, 'read by the verification, never to run').catch(() => undefined);
  }
}

/** Cancels what a killed verification left behind: it waits for a confirmation that nobody should give. */
async function cancelLeftBehind(
  jobs: GeneratedManifestTools['cleanUp'],
  { rotation, bucket }: ManifestListerRequest,
): Promise<void> {
  for await (const job of jobs.list()) {
    if (isTerminal(job) || !isGeneratedManifestJob(job.description, rotation, bucket)) continue;
    await jobs.cancel(job.jobId, 'left behind by a verification').catch((error: unknown) => {
      if (error instanceof KeyturnError && error.code === 'job-state-invalid') return;
      throw error;
    });
  }
}

async function readManifest(
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
  if (job.status !== 'Suspended') throw invalid(request, jobId, `is ${job.status}${reasonsOf(job)}`);
  if (job.total === 0 && job.manifest === undefined) {
    return { ...of, rows: 0, empty: 'the job has no tasks', file: undefined };
  }
  if (job.manifest === undefined) throw invalid(request, jobId, `has ${job.total} task(s), but names no manifest`);
  const { objectArn, etag } = job.manifest;
  let rows = 0;
  try {
    await readGeneratedManifest(files, { bucket, objectArn, etag }, (row) => {
      rows += 1;
      onRow(row);
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(request, jobId, `has a manifest that cannot be accepted: ${error.message}`, error);
  }
  if (rows !== job.total) {
    throw invalid(request, jobId, `has ${job.total} task(s), and its manifest ${rows} row(s)`);
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
  const { firstMs = 30_000, mostMs = 30_000 } = poll;
  for (let waitMs = firstMs; ; waitMs = Math.min(mostMs, waitMs * 1.5)) {
    throwIfInterrupted(signal, 'verification');
    const job = await jobs.describe(jobId);
    if (!job) throw invalid(request, jobId, 'no longer exists');
    if (job.status !== 'New' && job.status !== 'Preparing') return job;
    await pause(waitMs, signal);
  }
}

function reasonsOf({ failureReasons, statusUpdateReason }: JobState): string {
  const reasons = failureReasons.map(({ code, reason }) => `${code}: ${reason}`);
  if (reasons.length === 0 && statusUpdateReason) reasons.push(statusUpdateReason);
  return reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
}

function invalid(
  { bucket, underKeyArn }: GeneratedManifestRequest,
  jobId: string,
  found: string,
  cause?: unknown,
): KeyturnError {
  return new KeyturnError('generated-manifest-invalid', { bucket, jobId, keyArn: underKeyArn, found }, cause);
}
