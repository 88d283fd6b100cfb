import { isCode, KeyturnError } from '../errors';
import { isAttemptOver, readAttemptRecord } from './attempt-record';
import type { BatchJournal } from './batch-journal';
import { describedJob, isOfScope } from './described-job';
import { failureOf, isJobFailure } from './job-failure';
import type { JobFiles } from './job-files';
import { jobDifferences } from './job-match';
import { ACKNOWLEDGED_TAG, attemptPrefix, attemptsPrefix, type JobScope, OWN_REASON, PAUSED_TAG } from './job-spec';
import { isTerminal, type JobState } from './job-state';
import type { Jobs } from './jobs';

export interface AttemptSearch {
  readonly jobs: Jobs;
  readonly files: JobFiles;
  readonly journal: BatchJournal;
  readonly scope: JobScope;
  /** Where attempts leave their manifests, with a slash at the end. */
  readonly prefix: string;
  /** Milliseconds since the epoch by S3's clock. */
  readonly now: number;
  readonly forceNew: boolean;
  /** A line that a person must see. */
  readonly onNote?: ((text: string) => void) | undefined;
}

/** The attempt that a run resumes or starts. */
export interface Attempt {
  readonly attempt: number;
  /** Jobs of it that are there, by their part. */
  readonly found: ReadonlyMap<string, JobState>;
}

/** Milliseconds after which an attempt without a job is not resumed: its manifest is old, or its jobs are deleted. */
const STALE = 60 * 86_400_000;

/**
 * Finds the current attempt of a scope, and so of one switch. It is the highest that S3 lists a job of, that left a
 * manifest, or that this machine knows of. One whose jobs failed is reported once, and the next run then starts
 * another, unless its role was denied: only `forceNew` leaves that one. So the next run does after one that a
 * verification contradicted, and after one with a job that is not what the attempt's record says.
 *
 * @throws job-paused, job-cancelled, job-failed, job-denied, job-role-missing, job-gone
 */
export async function findAttempt(search: AttemptSearch): Promise<Attempt> {
  const { jobs, files, journal, scope, prefix, forceNew } = search;
  const listed: { readonly attempt: number; readonly part: string; readonly jobId: string }[] = [];
  for await (const { description, jobId } of jobs.list()) {
    const described = describedJob(description);
    if (!described || !isOfScope(described, scope)) continue;
    listed.push({ attempt: described.attempt, part: described.part, jobId });
  }
  const left = (await files.folders(attemptsPrefix(prefix, scope))).map(Number);
  const numbers = [...listed.map((one) => one.attempt), ...journal.jobs.map((one) => one.attempt), ...left];
  const last = Math.max(0, ...numbers.filter(Number.isSafeInteger));
  if (last === 0) return { attempt: 1, found: new Map() };

  const found = new Map<string, JobState>();
  for (const { part, jobId } of [...listed, ...journal.jobs].filter((one) => one.attempt === last)) {
    const state = found.has(part) || journal.of(jobId)?.acknowledged ? undefined : await jobs.describe(jobId);
    if (state?.targetKeyArn === scope.targetKeyArn) found.set(part, state);
  }
  const next: Attempt = { attempt: last + 1, found: new Map() };
  const isOver =
    (await isAttemptOver(files, attemptPrefix(prefix, scope, last))) ||
    (await isUnknown(search, last, found)) ||
    (await isGivenUp(search, last, found));
  if (isOver) {
    await abandon(search, [...found.values()]);
    return next;
  }
  if (found.size === 0 && (await isStale(search, last))) return next;
  const isWhole = found.size > 0 && [...found.values()].every(isTerminal);
  return forceNew && isWhole ? next : { attempt: last, found };
}

/** True where a job of the attempt failed and that was reported before. @throws where it is reported now */
async function isGivenUp(
  search: AttemptSearch,
  attempt: number,
  found: ReadonlyMap<string, JobState>,
): Promise<boolean> {
  const { journal, scope, jobs } = search;
  for (const [part, job] of found) {
    if (isTerminal(job) && (await isEndGivenUp(search, { attempt, part }, job))) return true;
  }
  const own = journal.jobs.filter((one) => one.attempt === attempt);
  if (own.some((one) => one.acknowledged)) return true;
  for (const { jobId, part } of own) {
    if (found.has(part) || (await jobs.describe(jobId))) continue;
    await journal.note({ jobId, attempt, part }, { acknowledged: true });
    throw new KeyturnError('job-gone', { bucket: scope.bucket, jobId });
  }
  return false;
}

/** A job that was denied is not replaced unasked: the next one would be denied, too, and costs as much. */
async function isEndGivenUp(
  search: AttemptSearch,
  id: { readonly attempt: number; readonly part: string },
  job: JobState,
): Promise<boolean> {
  try {
    return (await classifyEnd(search, id, job)) === 'acknowledged';
  } catch (error) {
    if (search.forceNew && isCode(error, 'job-denied')) return true;
    throw error;
  }
}

/**
 * What a job that ended is to a run: `readable`, or `acknowledged`: it failed, and that was reported.
 *
 * @throws job-paused, job-cancelled, job-failed, job-denied, job-role-missing: it failed, and this reports it
 */
export async function classifyEnd(
  { jobs, files, journal, scope }: Pick<AttemptSearch, 'jobs' | 'files' | 'journal' | 'scope'>,
  id: { readonly attempt: number; readonly part: string },
  job: JobState,
): Promise<'readable' | 'acknowledged'> {
  const { bucket } = scope;
  const { jobId } = job;
  const tags = isJobFailure(job) || job.succeeded === 0 ? await jobs.tags(jobId) : {};
  if (isJobFailure(job) && tags[PAUSED_TAG] !== undefined) throw new KeyturnError('job-paused', { bucket, jobId });
  if (journal.of(jobId)?.acknowledged || tags[ACKNOWLEDGED_TAG] !== undefined) return 'acknowledged';
  if (!isJobFailure(job)) return 'readable';
  const isOwn = job.status === 'Cancelled' && job.statusUpdateReason?.startsWith(OWN_REASON);
  const error = isOwn ? undefined : await failureOfEnd(files, job, bucket);
  if (isCode(error, 'job-denied')) throw error;
  await markAcknowledged({ jobs, journal }, { ...id, jobId });
  if (error) throw error;
  return 'acknowledged';
}

async function failureOfEnd(files: JobFiles, job: JobState, bucket: string): Promise<KeyturnError> {
  if (job.status === 'Failed') return failureOf(files, job, bucket);
  const { jobId, succeeded, failed, total, statusUpdateReason: reason = '' } = job;
  return new KeyturnError('job-cancelled', { bucket, jobId, reason, succeeded: succeeded + failed, total });
}

/** Keeps the next run from resuming a job: on this machine, and on any other if S3 lets its tags be set. */
async function markAcknowledged(
  { jobs, journal }: Pick<AttemptSearch, 'jobs' | 'journal'>,
  id: { readonly attempt: number; readonly part: string; readonly jobId: string },
): Promise<void> {
  await journal.note(id, { acknowledged: true });
  // AWS does not document whether tags of a job that ended can be set; without one, another machine reports it once more.
  await jobs.tag(id.jobId, { [ACKNOWLEDGED_TAG]: 'yes' }).catch(() => undefined);
}

/** Cancels what is left of an attempt that is given up: it would run concurrently with the next one. */
async function abandon({ jobs, scope, onNote }: AttemptSearch, states: readonly JobState[]): Promise<void> {
  for (const { jobId } of states.filter((job) => !isTerminal(job))) {
    onNote?.(`${scope.bucket}: job ${jobId} is cancelled: its attempt was given up`);
    await jobs.cancel(jobId, `${OWN_REASON}: its attempt was given up`).catch((error: unknown) => {
      if (!(error instanceof KeyturnError) || error.code !== 'job-state-invalid') throw error;
    });
  }
}

/**
 * Without the record of an attempt, what its jobs left out is unknown: the bucket of manifests is another one now. A job
 * with another role or manifest than the record's carries a description that somebody else wrote.
 */
async function isUnknown(
  { files, prefix, scope, onNote }: AttemptSearch,
  attempt: number,
  found: ReadonlyMap<string, JobState>,
): Promise<boolean> {
  if (found.size === 0) return false;
  const record = await readAttemptRecord(files, attemptPrefix(prefix, scope, attempt));
  if (record === undefined) return true;
  const { roleArn, supersededKeyArns: listableKeyArns } = record;
  for (const [part, job] of found) {
    const expected = { scope, id: { attempt, part }, roleArn, prefix, listableKeyArns };
    const differences = await jobDifferences(files, job, expected);
    if (differences.length === 0) continue;
    onNote?.(`${scope.bucket}: job ${job.jobId} is not of this rotation: ${differences.join('; ')}`);
    return true;
  }
  return false;
}

async function isStale({ files, prefix, scope, journal, now }: AttemptSearch, attempt: number): Promise<boolean> {
  if (journal.jobs.some((one) => one.attempt === attempt)) return true;
  const record = await readAttemptRecord(files, attemptPrefix(prefix, scope, attempt));
  return record === undefined || now - record.startedAt > STALE;
}
