import { OWN_REASON, PAUSED_TAG } from '../../batch/job-spec';
import { isCode } from '../../errors';
import type { ChangeRun } from '../rotation-run';
import { resumeCheck } from './check-resumed';
import { jobsOf, oneRotationJob, type RotationJob, rotationJobs } from './rotation-jobs';

export const CONTROLS = ['pause', 'resume', 'cancel'] as const;
export type Control = (typeof CONTROLS)[number];

/** What was done to one job. */
export interface ControlledJob {
  readonly jobId: string;
  readonly bucket: string;
  readonly before: RotationJob['status'];
  /** `cancelled`, `confirmed`, `unmarked`, `would be …` in a dry run, or why nothing was done. */
  readonly did: string;
  /** Why a job that waits was not confirmed: it is not what this rotation would create. Absent: it was not refused. */
  readonly refused?: readonly string[];
}

/** States that S3 takes a cancellation in. */
const CAN_BE_CANCELLED: ReadonlySet<RotationJob['status']> = new Set([
  'New',
  'Preparing',
  'Suspended',
  'Ready',
  'Active',
  'Pausing',
  'Paused',
]);

const DOES: Readonly<Record<Control, string>> = {
  pause: 'cancel these jobs, and create no new one until `npx keyturn job resume`',
  resume: 'let these jobs run, and allow new ones',
  cancel: 'cancel these jobs',
};

/**
 * Pauses, resumes or cancels the jobs of a rotation, or one of them. S3 has no pause for a job that runs: pausing cancels it
 * and marks it, and the next attempt handles the tasks that it did not reach. Tasks that are done stay done.
 *
 * @returns what was done to each job that the control is for; empty where there is none
 * @throws job-unknown, declined, confirmation-needed
 */
export async function controlJobs(
  run: ChangeRun,
  control: Control,
  jobId: string | undefined,
): Promise<readonly ControlledJob[]> {
  const all = jobId === undefined ? await rotationJobs(run) : [await oneRotationJob(run, jobId)];
  const chosen = all.filter((job) => isFor(control, job));
  if (chosen.length === 0) return [];
  for (const job of chosen) run.reporter.note(`${job.jobId}: ${job.bucket}, ${job.status}, ${progress(job)}`);
  const refused = control === 'resume' ? await refusals(run, chosen) : [];
  const accepted = chosen.filter((job) => !refused.some(({ jobId: id }) => id === job.jobId));
  if (run.dryRun) return [...accepted.map((job) => resultOf(job, `would be ${willBe(control, job)}`)), ...refused];
  if (accepted.length === 0) return refused;
  await run.approve(`${DOES[control]}?`);
  const facts = {
    control,
    jobs: accepted.map(({ jobId: id, bucket, status }) => ({ jobId: id, bucket, status })),
    refused,
  };
  await run.evidence.record('intent', 'job', facts);
  const controlled: ControlledJob[] = [...refused];
  for (const job of accepted) controlled.push(resultOf(job, await perform(run, control, job)));
  await run.evidence.record('outcome', 'job', {
    outcome: 'changed',
    summary: DONE[control],
    control,
    jobs: controlled,
  });
  return controlled;
}

const DONE: Readonly<Record<Control, string>> = {
  pause: 'jobs paused',
  resume: 'jobs resumed',
  cancel: 'jobs cancelled',
};

/** Jobs that wait and are not what this rotation would confirm. What each would do is printed before anybody is asked. */
async function refusals(run: ChangeRun, chosen: readonly RotationJob[]): Promise<readonly ControlledJob[]> {
  const waiting = chosen.filter(({ status }) => status === 'Suspended');
  if (waiting.length === 0) return [];
  const check = await resumeCheck(run);
  const refused: ControlledJob[] = [];
  for (const job of waiting) {
    const { jobId, targetKeyArn, roleArn, manifest, lists } = job;
    const works = lists ? `what S3 lists in ${lists.bucketArn} under ${lists.under.join(', ')}` : manifest?.objectArn;
    run.reporter.note(`${jobId}: to ${targetKeyArn ?? 'no key'}, as ${roleArn}, on ${works ?? 'no manifest'}`);
    const differences = await check(job);
    if (differences.length === 0) continue;
    run.reporter.warn(`${jobId} is not confirmed: ${differences.join('; ')}`);
    refused.push({ ...resultOf(job, `refused: ${differences.join('; ')}`), refused: differences });
  }
  return refused;
}

function isFor(control: Control, job: RotationJob): boolean {
  if (control === 'resume') return job.paused || job.status === 'Suspended';
  return CAN_BE_CANCELLED.has(job.status);
}

function willBe(control: Control, job: RotationJob): string {
  if (control === 'pause') return 'marked as paused and cancelled';
  if (control === 'cancel') return 'cancelled';
  return job.status === 'Suspended' ? 'confirmed' : 'unmarked';
}

async function perform(run: ChangeRun, control: Control, job: RotationJob): Promise<string> {
  const jobs = jobsOf(run);
  try {
    // The mark first: a run that waits for the job must not treat the cancellation as somebody else's.
    if (control === 'pause') await jobs.tag(job.jobId, { [PAUSED_TAG]: new Date().toISOString() });
    if (control === 'resume' && job.paused) await jobs.tag(job.jobId, { [PAUSED_TAG]: undefined });
    if (control !== 'resume') await jobs.cancel(job.jobId, `${OWN_REASON} ${control}`);
    else if (job.status === 'Suspended') await jobs.confirm(job.jobId);
  } catch (error) {
    if (!isCode(error, 'job-state-invalid')) throw error;
    // Its state changed meanwhile. A pause still holds: the mark stays, whatever the state.
    return `${control === 'cancel' ? 'nothing' : willBe(control, job)}: ${error.facts.awsMessage}`;
  }
  return willBe(control, job);
}

const resultOf = ({ jobId, bucket, status }: RotationJob, did: string): ControlledJob => ({
  jobId,
  bucket,
  before: status,
  did,
});

const progress = ({ total, succeeded, failed }: RotationJob): string =>
  total === 0 ? 'tasks not counted yet' : `${succeeded + failed} of ${total} tasks tried, ${failed} failed`;
