import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of objects and buckets. */
export const objectErrors = {
  'target-key-unusable': entry<{ keyArn: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `objects cannot be moved under ${f.keyArn}: ${f.awsCode}: ${f.awsMessage}`,
    () =>
      'run `npx keyturn status` to see the state of the active key; it must be Enabled, and its policy must allow S3 to use it',
  ),
  'rewrap-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) => `the endpoint does not support ${f.operation}, which rewrap needs, for ${f.bucket} (${f.answer})`,
    () => 'nothing was changed; set `reencrypt: { method: rewrite }` in the rotation file',
  ),
  'rewrite-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) =>
      `${f.bucket} refuses a conditional ${f.operation}, and rewrite makes only conditional requests (${f.answer})`,
    () =>
      'set `reencrypt: { method: rewrap }` in the rotation file, or relax the bucket policy that enforces conditional writes',
  ),
  're-encryption-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the re-encryption of ${f.bucket} is incomplete: ${f.detail}`,
    () => 'fix the cause and run the same command again: it resumes where it stopped',
  ),
  'worker-died': entry<{ bucket: string; worker: string; behind: string | undefined; deaths: number }>(
    EXIT.partlyDone,
    (f) =>
      `the re-encryption of ${f.bucket} is incomplete: ${f.deaths} processes died ${f.behind === undefined ? 'at the beginning' : `over the keys behind ${JSON.stringify(f.behind)}`}, the last one was ${f.worker}`,
    () =>
      'give the machine more memory, or run the same command again with `--processes 1`: it resumes where it stopped',
  ),
  'worker-answer-invalid': entry<{ found: string }>(
    EXIT.partlyDone,
    (f) => `a process that moves objects cannot be relied on: ${f.found}`,
    () => 'nothing of that answer counts; run the same command again with `--processes 1`, and report this as a bug',
  ),
  'verification-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the verification of ${f.bucket} is incomplete: ${f.detail}`,
    () => 'run the same command again; Keyturn retires no key without a complete verification',
  ),
  'generated-manifest-invalid': entry<{ bucket: string; jobId: string; keyArn: string; found: string }>(
    EXIT.partlyDone,
    (f) =>
      `the generated manifest of job ${f.jobId} (objects of ${f.bucket} under ${f.keyArn}) cannot be used: the job ${f.found}`,
    () =>
      'Keyturn used nothing from it; run the same command again, or set `verify: heads` under reencrypt.batch in the rotation file, which checks every object version',
  ),

  'bucket-missing': entry<{ bucket: string; account: string; region: string }>(
    EXIT.error,
    (f) => `bucket ${f.bucket} does not exist in account ${f.account}, ${f.region}`,
    () => 'correct its name in the rotation file, or create it first: only `manage: bucket` creates a bucket',
  ),
  'bucket-of-another-account': entry<{ bucket: string; account: string }>(
    EXIT.permission,
    (f) =>
      `account ${f.account} may not use bucket ${f.bucket}: it belongs to another account, or s3:ListBucket is denied`,
    () => 'remove it from the rotation file, or use credentials of the account that owns it',
  ),
  'bucket-in-another-region': entry<{ bucket: string }>(
    EXIT.rotationFile,
    (f) => `bucket ${f.bucket} is in another Region than the rotation file declares`,
    () => 'write one rotation file per Region: S3 uses KMS keys of the Region of the bucket only',
  ),
} as const;
