import { KeyturnError } from '../errors';
import type { JobStatus } from '../reencrypt/job-record';
import type { PollSettings } from './batch-request';
import type { JobId } from './job-spec';
import { isTerminal, type JobState } from './job-state';
import type { Jobs } from './jobs';
import { pause } from './retry';

/** A job that a run has to do with, and what it saw of it. */
export interface WatchedJob extends JobId {
  readonly jobId: string;
  /** SHA-256 of the specification, where this run created it. */
  readonly specSha256: string | undefined;
  state: JobState | undefined;
  /** When S3 was last asked about it, by `performance.now()`; absent: not by this run. */
  observedAt?: number | undefined;
  readonly states: { readonly status: JobStatus; readonly at: string }[];
}

export interface JobWait {
  readonly jobs: Jobs;
  readonly bucket: string;
  readonly watched: readonly WatchedJob[];
  /** When a job counts as there. */
  readonly until: (state: JobState) => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly poll?: PollSettings | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** Milliseconds over which the rate of a job is taken, at least. */
const RATE_SPAN = 5_000;

/**
 * Polls jobs until all have reached a state, each at most once in 30 s, as AWS asks. The wait may be given up at any time:
 * the jobs continue in S3.
 *
 * @throws interrupted, job-gone, and what a call rejects with once trying again did not help
 */
export async function waitForJobs(wait: JobWait): Promise<void> {
  const { jobs, bucket, watched, until, signal, poll = {}, onProgress } = wait;
  const { firstMs = 30_000, mostMs = 30_000 } = poll;
  const rates = new Map(watched.map((one) => [one.jobId, new JobRate()]));
  let interval = firstMs;
  for (;;) {
    let isAllThere = true;
    for (const one of watched) {
      if (!one.state || !until(one.state)) {
        await pauseSince(one.observedAt, firstMs, signal);
        const before = one.state?.status;
        await observeJob(jobs, bucket, one);
        // Something is going on: the next change may be near.
        if (one.state?.status !== before) interval = firstMs;
      }
      if (one.state) onProgress?.(jobText(bucket, one.state, rates.get(one.jobId)?.at(one.state)));
      if (!one.state || !until(one.state)) isAllThere = false;
    }
    if (isAllThere) return;
    await pause(interval, signal);
    interval = Math.min(mostMs, interval * 1.5);
  }
}

/** Asks S3 how a job stands, and keeps it. @throws job-gone */
export async function observeJob(jobs: Jobs, bucket: string, one: WatchedJob): Promise<JobState> {
  const state = await jobs.describe(one.jobId);
  if (!state) throw new KeyturnError('job-gone', { bucket, jobId: one.jobId });
  if (one.states.at(-1)?.status !== state.status)
    one.states.push({ status: state.status, at: new Date().toISOString() });
  one.state = state;
  one.observedAt = performance.now();
  return state;
}

/** A run that creates, confirms and awaits a job asks about it at each of these steps, and no more often for that. */
async function pauseSince(at: number | undefined, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const left = at === undefined ? 0 : at + ms - performance.now();
  if (left > 0) await pause(left, signal);
}

/** Tasks a second, over the last few polls. */
class JobRate {
  #from: { readonly at: number; readonly done: number } | undefined;
  #rate = 0;

  at({ succeeded, failed }: JobState): number {
    const [now, done] = [performance.now(), succeeded + failed];
    this.#from ??= { at: now, done };
    const elapsed = now - this.#from.at;
    if (elapsed >= RATE_SPAN) {
      this.#rate = ((done - this.#from.done) / elapsed) * 1000;
      this.#from = { at: now, done };
    }
    return this.#rate;
  }
}

/** One line for people. */
function jobText(bucket: string, job: JobState, rate = 0): string {
  const { jobId, status, total, succeeded, failed } = job;
  const done = succeeded + failed;
  const tasks = total === 0 ? '' : `: ${done} of ${total} tasks, ${failed} failed`;
  const perSecond = rate || (job.activeSeconds && done > 0 ? done / job.activeSeconds : 0);
  const isGoingOn = !isTerminal(job) && perSecond > 0 && done < total;
  const pace = isGoingOn ? `; ${Math.round(perSecond)}/s, about ${duration((total - done) / perSecond)} left` : '';
  return `${bucket}: job ${jobId} is ${status.toLowerCase()}${tasks}${pace}`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
