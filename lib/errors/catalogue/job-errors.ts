import { entry } from '../entry';
import { EXIT } from '../exit-codes';

export interface OfJob {
  readonly bucket: string;
  readonly jobId: string;
}

const AGAIN = 'run the same command again: it creates a new job with the next attempt number';

/** Errors of the jobs of S3 Batch Operations. */
export const jobErrors = {
  'job-role-missing': entry<{ role: string; bucket: string; awsMessage: string }>(
    EXIT.error,
    (f) => `S3 Batch Operations cannot assume the role ${f.role} for ${f.bucket}: ${f.awsMessage}`,
    () =>
      'apply the storage stack, which declares the role, then run the same command again; a new role takes seconds to become visible everywhere',
  ),
  'job-denied': entry<OfJob & { role: string; action: string; resource: string; failed: number; awsMessage: string }>(
    EXIT.permission,
    (f) =>
      `the role ${f.role} of job ${f.jobId} is denied ${f.action} on ${f.resource}: ${f.failed} task(s) of ${f.bucket} failed because of it (${f.awsMessage})`,
    (f) =>
      `allow ${f.action} for the role, in its policy (the storage stack declares it) and in the key or bucket policy, then run \`npx keyturn post-apply --new-job\`; Keyturn creates no other job before that. Or move the objects without jobs: \`npx keyturn post-apply --engine local\``,
  ),
  'job-failed': entry<OfJob & { reasons: string; succeeded: number; failed: number; errors: string }>(
    EXIT.error,
    (f) =>
      `job ${f.jobId} for ${f.bucket} failed: ${f.reasons} (${f.succeeded} task(s) succeeded, ${f.failed} failed${f.errors === '' ? '' : `: ${f.errors}`})`,
    () =>
      `fix the cause, then ${AGAIN}; succeeded tasks keep their effect; if most objects of a bucket cannot move, use \`--engine local\``,
  ),
  'job-cancelled': entry<OfJob & { reason: string; succeeded: number; total: number }>(
    EXIT.partlyDone,
    (f) =>
      `job ${f.jobId} for ${f.bucket} was cancelled after ${f.succeeded} of ${f.total} task(s)${f.reason === '' ? '' : ` (${f.reason})`}`,
    () => `if your team did not cancel it, find out who did; then ${AGAIN}`,
  ),
  'job-paused': entry<OfJob>(
    EXIT.partlyDone,
    (f) => `the re-encryption of ${f.bucket} by jobs is paused (job ${f.jobId})`,
    () => 'run `npx keyturn job resume`, then run the same command again',
  ),
  'job-gone': entry<OfJob>(
    EXIT.partlyDone,
    (f) =>
      `job ${f.jobId} for ${f.bucket} no longer exists: S3 deletes jobs 90 days after they end, and Keyturn never read the result of this one`,
    () => AGAIN,
  ),
  'job-unknown': entry<{ jobId: string; rotation: string }>(
    EXIT.usage,
    (f) => `job ${f.jobId} does not belong to rotation ${f.rotation}, or no longer exists in S3`,
    () => 'run `npx keyturn job status` to list the jobs of this rotation',
  ),
  'job-state-invalid': entry<{ jobId: string; asked: string; awsMessage: string }>(
    EXIT.error,
    (f) => `job ${f.jobId} cannot be ${f.asked} in its current state: ${f.awsMessage}`,
    () => 'run `npx keyturn job status`: the state of the job changed in the meantime',
  ),
  'job-report-invalid': entry<OfJob & { file: string; found: string }>(
    EXIT.error,
    (f) => `the report of job ${f.jobId} for ${f.bucket} is invalid: ${f.file}: ${f.found}`,
    () =>
      'Keyturn used nothing from it; restore the file if it was changed, or create a new job with `npx keyturn post-apply --new-job`',
  ),
  'job-bucket-wrong-region': entry<{ bucket: string; region: string; found: string }>(
    EXIT.rotationFile,
    (f) => `${f.bucket}, the bucket for manifests and reports, is in ${f.found}; the rotation is in ${f.region}`,
    (f) => `name a bucket in ${f.region} under reencrypt.batch.bucket in the rotation file`,
  ),
  'job-bucket-missing': entry<{ bucket: string; region: string }>(
    EXIT.error,
    (f) => `${f.bucket}, the bucket for manifests and reports, does not exist`,
    () => 'apply the storage stack, or correct reencrypt.batch.bucket in the rotation file',
  ),
  'job-refused': entry<{ bucket: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `S3 rejected the job for ${f.bucket}: ${f.awsCode}: ${f.awsMessage}`,
    () => 'nothing was changed; check the job specification in the evidence',
  ),
  'job-of-another-run': entry<{ bucket: string; description: string; awsMessage: string }>(
    EXIT.error,
    (f) =>
      `S3 already has a job for ${f.bucket} with the same client token and another specification (${f.description}): ${f.awsMessage}`,
    () =>
      'wait a minute and run the same command again: S3 then lists a job created moments ago; otherwise create a new one with `npx keyturn post-apply --new-job`',
  ),
  'job-too-large': entry<{ bucket: string; rows: number; most: number }>(
    EXIT.error,
    (f) => `${f.bucket} holds more object versions than one job accepts (at least ${f.rows}, the limit is ${f.most})`,
    () => 'set `manifest: generated` or `engine: local` in the rotation file',
  ),
  'job-copies-unsupported': entry<{ bucket: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `jobs cannot copy the objects of ${f.bucket}: ${f.reason}`,
    () => 'set `engine: local` or `method: rewrap` in the rotation file',
  ),
} as const;
