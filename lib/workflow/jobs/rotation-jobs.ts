import { describedJob, PAUSED_TAG } from '../../batch/job-spec';
import { isTerminal, type JobState } from '../../batch/job-state';
import { type Jobs, jobsOfRotation, openJobs } from '../../batch/jobs';
import { KeyturnError } from '../../errors';
import type { RunTarget } from '../rotation-run';

/** Jobs described one by one at the most, the newest: S3 keeps each for 90 days after it ends. */
const DESCRIBED = 100;

/** A job of a rotation, as S3 tells it now. */
export interface RotationJob extends JobState {
  readonly bucket: string;
  readonly method: 'rewrap' | 'rewrite';
  readonly attempt: number;
  readonly part: string;
  /** A person paused it; it ends as cancelled, and no other is begun. */
  readonly paused: boolean;
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

/** Every job of the rotation that S3 still knows, the oldest first, at most {@link DESCRIBED}. Reads only. */
export async function rotationJobs(looking: RunTarget): Promise<readonly RotationJob[]> {
  const jobs = jobsOf(looking);
  const own = (await jobsOfRotation(jobs, looking.rotation.name)).slice(-DESCRIBED);
  const found: RotationJob[] = [];
  for (const { jobId } of own) {
    const one = await rotationJob(jobs, looking.rotation.name, jobId);
    if (one) found.push(one);
  }
  return found;
}

/** @throws job-unknown where the id is not of a job of this rotation, or S3 no longer knows it */
export async function oneRotationJob(looking: RunTarget, jobId: string): Promise<RotationJob> {
  const { name: rotation } = looking.rotation;
  const found = await rotationJob(jobsOf(looking), rotation, jobId);
  if (!found) throw new KeyturnError('job-unknown', { jobId, rotation });
  return found;
}

async function rotationJob(jobs: Jobs, rotation: string, jobId: string): Promise<RotationJob | undefined> {
  const state = await jobs.describe(jobId);
  const told = describedJob(state?.description);
  if (!state || told?.rotation !== rotation) return undefined;
  const { bucket, method, attempt, part } = told;
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
    ended,
    rate,
    secondsLeft: ended || rate === undefined || left <= 0 ? undefined : Math.ceil(left / rate),
  };
}
