import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of objects and buckets. */
export const objectErrors = {
  'target-key-unusable': entry<{ keyArn: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `objects cannot be moved under ${f.keyArn}: ${f.awsCode}: ${f.awsMessage}`,
    () =>
      'see `npx keyturn status` for the state of the active key; it must be Enabled, and its policy must allow S3 to use it',
  ),
  'rewrap-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) => `the endpoint does not know ${f.operation}, which rewrap needs, for ${f.bucket} (${f.answer})`,
    () => 'choose the other method with `reencrypt: { method: rewrite }` in the rotation file; nothing was changed',
  ),
  'rewrite-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) => `${f.bucket} does not take a conditional ${f.operation}, and rewrite makes no other (${f.answer})`,
    () => 'choose `reencrypt: { method: rewrap }`, or relax the bucket policy that enforces conditional writes',
  ),
  're-encryption-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the re-encryption of ${f.bucket} did not end: ${f.detail}`,
    () => 'put right what it says and run the same command again: it goes on from where it stopped',
  ),
  'verification-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the verification of ${f.bucket} did not end: ${f.detail}`,
    () => 'run the same command again; nothing is retired on half a verification',
  ),
  'generated-manifest-invalid': entry<{ bucket: string; jobId: string; keyArn: string; found: string }>(
    EXIT.partlyDone,
    (f) => `job ${f.jobId}, by which S3 lists what of ${f.bucket} is under ${f.keyArn}, ${f.found}`,
    () =>
      'the manifest was not used; run the same command again, or set `verify: heads` under reencrypt.batch in the rotation file, which inspects every object version',
  ),

  'bucket-missing': entry<{ bucket: string; account: string; region: string }>(
    EXIT.error,
    (f) => `bucket ${f.bucket} does not exist in account ${f.account}, ${f.region}`,
    () => 'correct its name in the rotation file, or create it first: only `manage: bucket` creates a bucket',
  ),
  'bucket-of-another-account': entry<{ bucket: string; account: string }>(
    EXIT.permission,
    (f) =>
      `bucket ${f.bucket} may not be used as account ${f.account}: it belongs to another account, or s3:ListBucket is denied`,
    () => 'take it out of the rotation file, or use the credentials of the account that owns it',
  ),
  'bucket-in-another-region': entry<{ bucket: string }>(
    EXIT.rotationFile,
    (f) => `bucket ${f.bucket} stands in another Region than the rotation file names`,
    () => 'a KMS key serves buckets of its own Region only: give each Region its own rotation file',
  ),
} as const;
