import { KeyturnError } from '../errors';
import type { JobFiles } from './job-files';
import { type CheckedReport, checkReport, type ReportRow } from './job-report';
import { isEmptyManifest, type JobState } from './job-state';

/** Denied tasks of a job that did nothing else, from which on its role and not its objects are to blame. */
const DENIED = 8;

/** True for a job that did not end by trying every task. One that had nothing to do is no such job. */
export function isJobFailure(job: JobState): boolean {
  return (job.status === 'Failed' && !isEmptyManifest(job)) || job.status === 'Cancelled';
}

/** What a job that failed is reported as, by its own reasons and by its report where there is one. */
export async function failureOf(files: JobFiles, job: JobState, bucket: string): Promise<KeyturnError> {
  const { jobId, succeeded, failed, roleArn: role } = job;
  const reasons = job.failureReasons
    .map(({ code, reason }) => (code === '' ? reason : `${reason} (${code})`))
    .join('; ');
  if (/\brole\b|assume/i.test(reasons)) {
    return new KeyturnError('job-role-missing', { role, bucket, awsMessage: reasons });
  }
  const report = await reportOf(files, job, bucket);
  const denied = report && deniedTask(report);
  if (denied) return denialOf(job, bucket, report, denied);
  if (/forbidden|AccessDenied/i.test(reasons)) {
    const resource = job.manifest?.objectArn ?? `arn:aws:s3:::${files.bucket}`;
    const action = /manifest/i.test(reasons) ? 's3:GetObject' : 's3:PutObject';
    return new KeyturnError('job-denied', { bucket, jobId, role, action, resource, failed, awsMessage: reasons });
  }
  const errors = Object.entries(report?.record.errors ?? {}).sort(([, one], [, other]) => other - one);
  const facts = { reasons: reasons === '' ? 'S3 names no reason' : reasons, succeeded, failed };
  const shown = errors
    .slice(0, 5)
    .map(([code, count]) => `${count} ${code}`)
    .join(', ');
  return new KeyturnError('job-failed', { bucket, jobId, ...facts, errors: shown });
}

/**
 * The error that a job of which every task was denied ends a run with; undefined where any task had another result. S3 reports a
 * job of fewer than 1,000 tasks as complete whatever their results.
 */
export function denialOfAll(job: JobState, bucket: string, report: CheckedReport): KeyturnError | undefined {
  if (report.succeeded > 0 || report.failed < DENIED) return undefined;
  const denied = deniedTask(report);
  return denied && denialOf(job, bucket, report, denied);
}

/** A refusal that more than half of the failed tasks share, and that no lock of an object explains. */
function deniedTask({ record, failed, examples }: CheckedReport): ReportRow | undefined {
  const count = record.errors.AccessDenied ?? 0;
  const example = examples.find(({ code }) => code === 'AccessDenied');
  if (count * 2 <= failed || !example) return undefined;
  return /object lock|legal hold|retention|WORM/i.test(example.message) ? undefined : example;
}

function denialOf(job: JobState, bucket: string, report: CheckedReport, example: ReportRow): KeyturnError {
  const named = /not authorized to perform: (\S+)(?: on (?:the )?resource: "?([^\s",]+))?/.exec(example.message);
  const facts = {
    bucket,
    jobId: job.jobId,
    role: job.roleArn,
    action: named?.[1] ?? 'an action that S3 does not name',
    resource: named?.[2] ?? `arn:aws:s3:::${bucket}/${example.keys[0]}`,
    failed: report.record.errors.AccessDenied ?? report.failed,
    awsMessage: example.message,
  };
  return new KeyturnError('job-denied', facts);
}

/** There is a report once a task was tried. What is wrong with it does not hide what is wrong with the job. */
async function reportOf(files: JobFiles, job: JobState, bucket: string): Promise<CheckedReport | undefined> {
  if (job.succeeded + job.failed === 0) return undefined;
  try {
    return await checkReport({ files, job, bucket });
  } catch {
    return undefined;
  }
}
