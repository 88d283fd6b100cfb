import { describedJob, isOfBucket, isOfScope } from '../../batch/described-job';
import { type JobScope, OWN_REASON } from '../../batch/job-spec';
import { isTerminal } from '../../batch/job-state';
import { isCode } from '../../errors';
import type { RunReport, RunTarget } from '../rotation-run';
import { jobsOf } from './rotation-jobs';

/**
 * Cancels the jobs of a bucket that belong to another switch. Once confirmed, each would move objects to a key that may
 * not be the active one, and no run reads its report. s3:ListJobs, s3:UpdateJobStatus.
 */
export async function cancelOtherJobs(run: RunTarget & RunReport, scope: JobScope): Promise<void> {
  const jobs = jobsOf(run);
  for await (const job of jobs.list()) {
    const described = describedJob(job.description);
    if (!described || !isOfBucket(described, scope) || isOfScope(described, scope) || isTerminal(job)) continue;
    const { jobId, status } = job;
    const facts = { bucket: scope.bucket, jobId, status, description: job.description };
    try {
      await jobs.cancel(jobId, `${OWN_REASON}: it belongs to another switch`);
    } catch (error) {
      if (!isCode(error, 'job-state-invalid')) throw error;
      run.reporter.warn(`${scope.bucket}: job ${jobId} of another switch is ${status} and can no longer be cancelled`);
      continue;
    }
    await run.evidence.record('job-cancelled', 're-encrypt', facts);
    run.reporter.note(`${scope.bucket}: job ${jobId} (${job.description}) is cancelled: it belongs to another switch`);
  }
}
