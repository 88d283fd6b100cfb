import { KeyturnError } from '../errors';
import { readAttemptRecord } from './attempt-record';
import type { BatchJournal } from './batch-journal';
import { failureOf, isJobFailure } from './job-failure';
import type { JobFiles } from './job-files';
import {
  ACKNOWLEDGED_TAG,
  attemptPrefix,
  describedJob,
  isOfScope,
  type JobScope,
  OWN_REASON,
  PAUSED_TAG,
} from './job-spec';
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
  readonly anew: boolean;
}

/** The attempt that a run goes on with, or begins. */
export interface Attempt {
  readonly attempt: number;
  /** Jobs of it that are there, by their part. */
  readonly found: ReadonlyMap<string, JobState>;
}

/** Milliseconds after which an attempt without a job is not gone on with: its manifest is old, or its jobs are deleted. */
const STALE = 60 * 86_400_000;

/**
 * Finds the attempt that a scope stands at: the highest that S3 lists a job of, that left a manifest, or that this
 * machine knows of. One whose jobs ended badly was reported once, and is then followed by the next.
 *
 * @throws job-paused, job-cancelled, job-failed, job-denied, job-role-missing, job-gone
 */
export async function findAttempt(search: AttemptSearch): Promise<Attempt> {
  const { jobs, files, journal, scope, prefix, anew } = search;
  const listed: { readonly attempt: number; readonly part: string; readonly jobId: string }[] = [];
  for await (const { description, jobId } of jobs.list()) {
    const told = describedJob(description);
    if (told && isOfScope(told, scope)) listed.push({ attempt: told.attempt, part: told.part, jobId });
  }
  const left = (await files.folders(attemptPrefix(prefix, scope, 0).replace(/0\/$/, ''))).map(Number);
  const numbers = [...listed.map((one) => one.attempt), ...journal.jobs.map((one) => one.attempt), ...left];
  const last = Math.max(0, ...numbers.filter(Number.isSafeInteger));
  if (last === 0) return { attempt: 1, found: new Map() };

  const found = new Map<string, JobState>();
  for (const { part, jobId } of [...listed, ...journal.jobs].filter((one) => one.attempt === last)) {
    const state = found.has(part) || journal.of(jobId)?.acknowledged ? undefined : await jobs.describe(jobId);
    if (state?.targetKeyArn === scope.targetKeyArn) found.set(part, state);
  }
  const next: Attempt = { attempt: last + 1, found: new Map() };
  if ((await isGivenUp(search, last, found)) || (await isUnknown(search, last, found))) {
    await abandon(jobs, [...found.values()]);
    return next;
  }
  if (found.size === 0 && (await isStale(search, last))) return next;
  const isWhole = found.size > 0 && [...found.values()].every(isTerminal);
  return anew && isWhole ? next : { attempt: last, found };
}

/** True where a job of the attempt ended badly and that was told before. @throws where it is told now */
async function isGivenUp(
  search: AttemptSearch,
  attempt: number,
  found: ReadonlyMap<string, JobState>,
): Promise<boolean> {
  const { journal, scope, jobs } = search;
  for (const [part, job] of found) {
    if (isTerminal(job) && (await classifyEnd(search, { attempt, part }, job)) === 'acknowledged') return true;
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

/**
 * What a job that ended is to a run: `sound`, it can be read; `acknowledged`, it ended badly, and whoever had to know knows.
 *
 * @throws job-paused, job-cancelled, job-failed, job-denied, job-role-missing: it ended badly, and this tells it
 */
export async function classifyEnd(
  { jobs, files, journal, scope }: Pick<AttemptSearch, 'jobs' | 'files' | 'journal' | 'scope'>,
  id: { readonly attempt: number; readonly part: string },
  job: JobState,
): Promise<'sound' | 'acknowledged'> {
  const { bucket } = scope;
  const { jobId } = job;
  const tags = isJobFailure(job) || job.succeeded === 0 ? await jobs.tags(jobId) : {};
  if (isJobFailure(job) && tags[PAUSED_TAG] !== undefined) throw new KeyturnError('job-paused', { bucket, jobId });
  if (journal.of(jobId)?.acknowledged || tags[ACKNOWLEDGED_TAG] !== undefined) return 'acknowledged';
  if (!isJobFailure(job)) return 'sound';
  const isOwn = job.status === 'Cancelled' && job.statusUpdateReason?.startsWith(OWN_REASON);
  const error = isOwn ? undefined : await badEnd(files, job, bucket);
  await markAcknowledged({ jobs, journal }, { ...id, jobId });
  if (error) throw error;
  return 'acknowledged';
}

async function badEnd(files: JobFiles, job: JobState, bucket: string): Promise<KeyturnError> {
  if (job.status === 'Failed') return failureOf(files, job, bucket);
  const { jobId, succeeded, failed, total, statusUpdateReason: reason = '' } = job;
  return new KeyturnError('job-cancelled', { bucket, jobId, reason, succeeded: succeeded + failed, total });
}

/** Keeps the next run from going on with a job, on this machine and as far as S3 lets its tags be set on any other. */
export async function markAcknowledged(
  { jobs, journal }: Pick<AttemptSearch, 'jobs' | 'journal'>,
  id: { readonly attempt: number; readonly part: string; readonly jobId: string },
): Promise<void> {
  await journal.note(id, { acknowledged: true });
  // Whether tags of a job that ended can be set is nowhere said; without one, another machine tells of it once more.
  await jobs.tag(id.jobId, { [ACKNOWLEDGED_TAG]: 'yes' }).catch(() => undefined);
}

/** Cancels what is left of an attempt that is given up: it would work beside the next one. */
async function abandon(jobs: Jobs, states: readonly JobState[]): Promise<void> {
  for (const { jobId } of states.filter((job) => !isTerminal(job))) {
    await jobs.cancel(jobId, `${OWN_REASON}: its attempt was given up`).catch((error: unknown) => {
      if (!(error instanceof KeyturnError) || error.code !== 'job-state-invalid') throw error;
    });
  }
}

/** Without what an attempt was begun with, nobody can tell what its jobs left out: the bucket of manifests is another one now. */
async function isUnknown(
  { files, prefix, scope }: AttemptSearch,
  attempt: number,
  found: ReadonlyMap<string, JobState>,
): Promise<boolean> {
  return found.size > 0 && (await readAttemptRecord(files, attemptPrefix(prefix, scope, attempt))) === undefined;
}

async function isStale({ files, prefix, scope, journal, now }: AttemptSearch, attempt: number): Promise<boolean> {
  if (journal.jobs.some((one) => one.attempt === attempt)) return true;
  const begun = await readAttemptRecord(files, attemptPrefix(prefix, scope, attempt));
  return begun === undefined || now - begun.begun > STALE;
}
