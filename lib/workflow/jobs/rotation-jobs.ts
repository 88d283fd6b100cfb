import { describedJob } from '../../batch/described-job';
import { PAUSED_TAG } from '../../batch/job-spec';
import { isEmptyManifest, isTerminal, type JobState } from '../../batch/job-state';
import { type Jobs, jobsOfRotation, openJobs } from '../../batch/jobs';
import { KeyturnError } from '../../errors';
import type { RunTarget } from '../rotation-run';

/** Jobs that are described at once. */
const AT_ONCE = 10;

/** A job of a rotation, as S3 reports it now. */
export interface RotationJob extends JobState {
  readonly bucket: string;
  readonly method: 'rewrap' | 'rewrite';
  readonly attempt: number;
  readonly part: string;
  /** A person paused it; it ends as cancelled, and no other is created. */
  readonly paused: boolean;
  /** True where it ended because there was no object for it, whatever S3 calls that. */
  readonly foundNothing: boolean;
  /** True once it can change no more. */
  readonly ended: boolean;
  /** Tasks a second over the time that it was active; undefined before the first second. */
  readonly rate: number | undefined;
  /** Seconds that the rest takes at that rate; undefined where it is not known, or nothing is left. */
  readonly secondsLeft: number | undefined;
}

/** The calls to S3 Batch Operations in the account and Region of a run. */
export function jobsOf({ clients, identity, signal }: Omit<RunTarget, 'rotation'>): Jobs {
  return openJobs({ client: clients.s3Control, account: identity.account, signal });
}

/** Every job of the rotation that S3 still knows, the oldest first: S3 keeps each for 90 days after it ends. Reads only. */
export async function rotationJobs(target: RunTarget): Promise<readonly RotationJob[]> {
  const jobs = jobsOf(target);
  const { name: rotation } = target.rotation;
  const own = await jobsOfRotation(jobs, rotation);
  const found: RotationJob[] = [];
  for (let from = 0; from < own.length; from += AT_ONCE) {
    const some = own.slice(from, from + AT_ONCE).map(({ jobId }) => rotationJob(jobs, rotation, jobId));
    found.push(...(await Promise.all(some)).filter((one) => one !== undefined));
  }
  return found;
}

/** @throws job-unknown where the id is not of a job of this rotation, or S3 no longer knows it */
export async function oneRotationJob(target: RunTarget, jobId: string): Promise<RotationJob> {
  const { name: rotation } = target.rotation;
  const found = await rotationJob(jobsOf(target), rotation, jobId);
  if (!found) throw new KeyturnError('job-unknown', { jobId, rotation });
  return found;
}

async function rotationJob(jobs: Jobs, rotation: string, jobId: string): Promise<RotationJob | undefined> {
  const state = await jobs.describe(jobId);
  const described = describedJob(state?.description);
  if (!state || described?.rotation !== rotation) return undefined;
  const { bucket, method, attempt, part } = described;
  const tags = await jobs.tags(jobId);
  const done = state.succeeded + state.failed;
  const rate = state.activeSeconds && done > 0 ? done / state.activeSeconds : undefined;
  const ended = isTerminal(state);
  const left = state.total - done;
  return {
    ...state,
    bucket,
    method,
    attempt,
    part,
    paused: tags[PAUSED_TAG] !== undefined,
    foundNothing: ended && isEmptyManifest(state),
    ended,
    rate,
    secondsLeft: ended || rate === undefined || left <= 0 ? undefined : Math.ceil(left / rate),
  };
}
