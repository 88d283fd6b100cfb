import { isCode, KeyturnError } from '../errors';
import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { BucketCall } from '../s3/bucket-call';
import { withPacingAndRetry } from '../s3/pacing-and-retry';
import type { AttemptRecord } from './attempt-record';
import type { BatchJournal } from './batch-journal';
import type { BatchRequest, BatchTools } from './batch-request';

import type { JobFiles } from './job-files';
import { leftOutOfCopies, leftOutText } from './job-limits';
import {
  attemptPrefix,
  type JobId,
  type JobManifest,
  type JobSpec,
  jobDescription,
  jobSpec,
  keyIdOf,
  specSha256,
} from './job-spec';
import { type EntryTools, type ManifestEntry, scopedEntry } from './manifest-entries';
import { ensureManifest, listedRows, readSummary, type UploadedManifest } from './manifest-upload';
import { observeJob, type WatchedJob } from './wait-for-jobs';

/** Everything that the steps of one attempt share. */
export interface AttemptRun {
  readonly tools: BatchTools;
  readonly request: BatchRequest;
  readonly files: JobFiles;
  readonly journal: BatchJournal;
  readonly call: BucketCall;
  readonly attempt: number;
  readonly record: AttemptRecord;
  /** What was written from here on is in no manifest; milliseconds since the epoch. */
  readonly since: number;
  /** The jobs of the attempt, those of its first round first. */
  readonly watched: WatchedJob[];
}

/** One job that an attempt needs. */
export interface PartOfAttempt {
  readonly part: string;
  readonly manifest: JobManifest;
  /** The manifest that Keyturn uploaded: the job must have as many tasks, and its report these rows. */
  readonly uploaded?: UploadedManifest | undefined;
}

/** The jobs of the first round: one for a listing of our own, or one for each encryption that S3 lists. */
export async function partsOf(run: AttemptRun): Promise<readonly PartOfAttempt[]> {
  if (run.record.kind === 'generated') {
    return generatedUnders(run.request).map((under) => ({
      part: under === 'sse-s3' ? under : `under-${keyIdOf(under.keyArn)}`,
      manifest: { kind: 'generated', under },
    }));
  }
  return listedPart(run, 'all', () => listing(run));
}

/** A part whose manifest Keyturn writes; none where it would have no rows. */
export async function listedPart(
  run: AttemptRun,
  part: string,
  rows: () => AsyncIterable<ManifestEntry>,
): Promise<readonly PartOfAttempt[]> {
  const { files, record, request, tools } = run;
  const { bucket } = request.scope;
  const manifest = await ensureManifest({
    files,
    name: `${prefixOf(run)}${part}`,
    startedAt: new Date(record.startedAt).toISOString(),
    upload: {
      s3: tools.s3,
      owner: request.place.account,
      signal: request.signal,
      retry: request.retry,
      partSize: request.partSize,
    },
    rows,
  });
  for (const text of leftOutText(bucket, manifest.leftOut)) request.onNote?.(text);
  if (manifest.rows === 0) return [];
  const { key, etag } = manifest;
  return [{ part, manifest: { kind: 'listed', key, etag, withVersionIds: record.withVersionIds }, uploaded: manifest }];
}

/** What S3 lists objects under: the keys of superseded versions, and the sources that the rotation file names. */
export function generatedUnders({
  supersededKeyArns,
  sources,
}: Pick<BatchRequest, 'supersededKeyArns' | 'sources'>): readonly ({ readonly keyArn: string } | 'sse-s3')[] {
  const { keyArns, sseS3 } = sources.from;
  const keys = [...new Set([...supersededKeyArns, ...keyArns])].map((keyArn) => ({ keyArn }));
  return sseS3 ? [...keys, 'sse-s3'] : keys;
}

function listing({ tools, request, call, record, since, attempt }: AttemptRun): AsyncIterable<ManifestEntry> {
  const { bucket, method, targetKeyArn } = request.scope;
  const { maxRps, retry = {}, concurrency } = request.remainder ?? {};
  const uploads = new Set(record.uploadKeys);
  const pace = new AdaptiveLimiter({ maxConcurrency: concurrency, maxRps });
  const asked: EntryTools = {
    store: tools.store,
    call: withPacingAndRetry(pace, retry, request.signal),
    scope: { activeKeyArn: targetKeyArn, ...request.sources },
    leaveAnnotated: method === 'rewrap',
  };
  return listedRows({
    store: tools.store,
    call,
    bucket,
    withVersionIds: record.withVersionIds,
    leaveOut: (version) => {
      if (method === 'rewrap') return undefined;
      // What an earlier attempt copied is newer than its listing, and not copied twice.
      const isNew = attempt > 1 && version.lastModified >= since;
      return leftOutOfCopies(version) ?? (isNew ? 'versions written since the first listing began' : undefined);
    },
    entryOf: async (listed, row) => {
      const ref = { bucket, key: listed.key, versionId: record.withVersionIds ? listed.versionId : undefined };
      const entry = await scopedEntry(asked, { ref, listed, row });
      const isCounted = 'outOfScope' in entry || 'there' in entry;
      return isCounted && (listed.lastModified >= since || uploads.has(listed.key)) ? { again: true } : entry;
    },
    onListed: (listed) => request.onProgress?.(`${bucket}: ${listed} versions listed for the manifest`),
  });
}

/** Creates the jobs of parts that have none, each with its specification recorded before. */
export async function ensureJobs(run: AttemptRun, parts: readonly PartOfAttempt[]): Promise<readonly WatchedJob[]> {
  const jobs: WatchedJob[] = [];
  for (const one of parts) {
    jobs.push(run.watched.find(({ part }) => part === one.part) ?? (await createJob(run, one)));
  }
  return jobs;
}

async function createJob(run: AttemptRun, { part, manifest, uploaded }: PartOfAttempt): Promise<WatchedJob> {
  const id: JobId = { attempt: run.attempt, part };
  const { request, record, tools, journal, watched } = run;
  const { scope, place, onSpec, onNote } = request;
  const spec = jobSpec({
    ...id,
    scope,
    place: { ...place, roleArn: record.roleArn, priority: record.priority },
    bucketKey: record.bucketKey,
    startedAt: new Date(record.startedAt).toISOString(),
    manifest,
  });
  const sha256 = specSha256(spec);
  await onSpec?.(spec, sha256, uploaded?.rows);
  if (request.signal?.aborted) throw new KeyturnError('interrupted', { during: 's3:CreateJob' });
  const jobId = await createOrFind(run, id, spec);
  await journal.note({ ...id, jobId }, { specSha256: sha256 });
  onNote?.(`${scope.bucket}: job ${jobId} (${jobDescription(scope, id)})`);
  const job: WatchedJob = { ...id, jobId, specSha256: sha256, state: undefined, states: [] };
  await observeJob(tools.jobs, scope.bucket, job);
  watched.push(job);
  return job;
}

/** A job of another specification under our token was created by a run with other settings, and may just not have been listed yet. */
async function createOrFind({ tools, request }: AttemptRun, id: JobId, spec: JobSpec): Promise<string> {
  try {
    return await tools.jobs.create(spec);
  } catch (error) {
    if (!isCode(error, 'job-of-another-run')) throw error;
    const description = jobDescription(request.scope, id);
    for await (const job of tools.jobs.list()) if (job.description === description) return job.jobId;
    throw error;
  }
}

export function prefixOf({ request, attempt }: Pick<AttemptRun, 'request' | 'attempt'>): string {
  return attemptPrefix(request.place.prefix, request.scope, attempt);
}

/** What the listing of an attempt left out of the manifest for good, or to the local engine. */
export async function leftByListing(
  run: Pick<AttemptRun, 'request' | 'attempt' | 'files' | 'record'>,
): Promise<Pick<UploadedManifest, 'outOfScope' | 'there' | 'undecided'>> {
  const summary = run.record.kind === 'listed' ? await readSummary(run.files, `${prefixOf(run)}all`) : undefined;
  return summary ?? { outOfScope: {}, there: 0, undecided: [] };
}
