import { entry } from '../entry';
import { EXIT } from '../exit-codes';

interface OfJob {
  readonly bucket: string;
  readonly jobId: string;
}

const AGAIN = 'run the same command again: it begins a new job with the next attempt';

/** Errors of the jobs of S3 Batch Operations. */
export const jobErrors = {
  'job-role-missing': entry<{ role: string; bucket: string; awsMessage: string }>(
    EXIT.error,
    (f) => `S3 Batch Operations cannot take the role ${f.role} for ${f.bucket}: ${f.awsMessage}`,
    () =>
      'apply the storage stack, which declares the role, then run the same command again; a new role takes seconds to be known everywhere',
  ),
  'job-denied': entry<OfJob & { role: string; action: string; resource: string; failed: number; awsMessage: string }>(
    EXIT.permission,
    (f) =>
      `the role ${f.role} of job ${f.jobId} is refused ${f.action} on ${f.resource}: ${f.failed} task(s) of ${f.bucket} failed of it (${f.awsMessage})`,
    (f) => `allow ${f.action} to the role, in its policy and in the key or bucket policy, then ${AGAIN}`,
  ),
  'job-failed': entry<OfJob & { reasons: string; succeeded: number; failed: number; errors: string }>(
    EXIT.error,
    (f) =>
      `job ${f.jobId} for ${f.bucket} failed: ${f.reasons} (${f.succeeded} task(s) succeeded, ${f.failed} failed${f.errors === '' ? '' : `: ${f.errors}`})`,
    () =>
      `put right what it says, then ${AGAIN}; what succeeded stays as it is, and a bucket of which most objects cannot move is for \`--engine local\``,
  ),
  'job-cancelled': entry<OfJob & { reason: string; succeeded: number; total: number }>(
    EXIT.partlyDone,
    (f) =>
      `job ${f.jobId} for ${f.bucket} was cancelled after ${f.succeeded} of ${f.total} task(s)${f.reason === '' ? '' : ` (${f.reason})`}`,
    () => `where nobody of yours did, ask who cancelled it; then ${AGAIN}`,
  ),
  'job-paused': entry<OfJob>(
    EXIT.partlyDone,
    (f) => `the re-encryption of ${f.bucket} by jobs is paused (job ${f.jobId})`,
    () => 'go on with `npx keyturn job resume`, then run the same command again',
  ),
  'job-gone': entry<OfJob>(
    EXIT.partlyDone,
    (f) =>
      `S3 no longer knows job ${f.jobId} for ${f.bucket}: jobs are deleted 90 days after they end, and this one was never read`,
    () => AGAIN,
  ),
  'job-unknown': entry<{ jobId: string; rotation: string }>(
    EXIT.usage,
    (f) => `job ${f.jobId} is not one of the rotation ${f.rotation}, or S3 no longer knows it`,
    () => 'see `npx keyturn job status` for the jobs of this rotation',
  ),
  'job-state-conflict': entry<{ jobId: string; asked: string; awsMessage: string }>(
    EXIT.error,
    (f) => `job ${f.jobId} cannot be ${f.asked} in the state it is in: ${f.awsMessage}`,
    () => 'see `npx keyturn job status`: the job went on meanwhile',
  ),
  'job-report-invalid': entry<OfJob & { file: string; found: string }>(
    EXIT.error,
    (f) => `the report of job ${f.jobId} for ${f.bucket} is not believed: ${f.file}: ${f.found}`,
    () =>
      'nothing was taken from it; put the file back where it was changed, or begin a new job with `npx keyturn post-apply --new-job`',
  ),
  'job-bucket-wrong-region': entry<{ bucket: string; region: string; found: string }>(
    EXIT.rotationFile,
    (f) => `${f.bucket}, the bucket of manifests and reports, stands in ${f.found}; the rotation is in ${f.region}`,
    (f) => `name a bucket in ${f.region} under reencrypt.batch.bucket in the rotation file`,
  ),
  'job-bucket-missing': entry<{ bucket: string; region: string }>(
    EXIT.error,
    (f) => `${f.bucket}, the bucket of manifests and reports, does not exist`,
    () => 'apply the storage stack, or correct reencrypt.batch.bucket in the rotation file',
  ),
  'job-refused': entry<{ bucket: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `S3 does not take the job for ${f.bucket}: ${f.awsCode}: ${f.awsMessage}`,
    () => 'see the specification of the job in the evidence; nothing was changed',
  ),
  'job-of-another-run': entry<{ bucket: string; description: string; awsMessage: string }>(
    EXIT.error,
    (f) =>
      `S3 holds a job for ${f.bucket} under the same token with another specification (${f.description}): ${f.awsMessage}`,
    () =>
      'wait a minute and run the same command again: a job that was created moments ago is then listed; else begin a new one with `npx keyturn post-apply --new-job`',
  ),
  'job-too-large': entry<{ bucket: string; rows: number; most: number }>(
    EXIT.error,
    (f) => `${f.bucket} holds more object versions than one job takes (${f.rows} and more, at most ${f.most})`,
    () => 'choose `manifest: generated`, or `engine: local`, in the rotation file',
  ),
  'job-copies-unsupported': entry<{ bucket: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `jobs cannot copy the objects of ${f.bucket}: ${f.reason}`,
    () => 'choose `engine: local`, or `method: rewrap`, in the rotation file',
  ),
} as const;
