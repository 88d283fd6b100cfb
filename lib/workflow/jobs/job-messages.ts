import type { JobStatus } from '../../reencrypt/job-record';
import type { RotationJob } from './rotation-jobs';

/** What each state of a job means, and what comes next. */
const STATES: Readonly<Record<JobStatus, string>> = {
  New: 'S3 has accepted the job and starts to read its manifest',
  Preparing: 'S3 reads or generates the manifest and counts the tasks; this can take hours',
  Suspended:
    'it waits for confirmation: `npx keyturn job resume`, or `npx keyturn post-apply --confirm`; after 30 days it fails',
  Ready: 'confirmed; S3 starts it when its turn comes',
  Active: 'S3 works through its tasks, in no order',
  Pausing: 'a job of higher priority is about to take its turn',
  Paused: 'a job of higher priority runs; S3 resumes this one by itself',
  Completing: 'all tasks were tried; S3 writes the report',
  Complete: 'all tasks were tried, but not all need have succeeded: `npx keyturn post-apply` reads the report',
  Cancelling: 'it ends; tasks in progress are finished',
  Cancelled: 'it was cancelled; what it did stays, the next `npx keyturn post-apply` creates a new one',
  Failing: 'S3 gives up and writes the report',
  Failed: 'S3 gave up; the next `npx keyturn post-apply` creates a new one',
};

/** One sentence on where a job stands and what to type, without a final period. */
export function explainJob(job: Pick<RotationJob, 'status' | 'paused' | 'failureReasons' | 'foundNothing'>): string {
  const reasons = job.failureReasons.map(({ code, reason }) => `${reason} (${code})`).join('; ');
  if (job.paused) return 'paused by a person: `npx keyturn job resume`, then `npx keyturn post-apply`, continues';
  if (job.foundNothing) return 'S3 found no object for it: there was nothing to do';
  return reasons === '' ? STATES[job.status] : `${STATES[job.status]}: ${reasons}`;
}
