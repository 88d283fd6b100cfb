import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of evidence. */
export const evidenceErrors = {
  'evidence-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write evidence to ${f.file}: ${f.reason}`,
    () => 'the evidence records everything that was done; make the directory writable and run the same command again',
  ),
  'evidence-missing': entry<{ path: string; reason: string }>(
    EXIT.error,
    (f) => `there is no evidence at ${f.path}: ${f.reason}`,
    () => 'name an evidence file (*.ndjson), or a directory with such files',
  ),
  'evidence-signer-unusable': entry<{ signer: string; reason: string }>(
    EXIT.error,
    (f) => `the signer of the evidence cannot be used (${f.signer}): ${f.reason}`,
    () => 'nothing was changed; fix the cause and run the same command again, or change evidence.signer in review',
  ),
  'evidence-not-signed': entry<{ file: string; signer: string; reason: string }>(
    EXIT.partlyDone,
    (f) => `the head of ${f.file} was not signed by ${f.signer}: ${f.reason}`,
    () =>
      'save the head that verify-evidence prints where nobody can change it: no later run signs this one, and verify-evidence names it',
  ),
  'evidence-bucket-missing': entry<{ bucket: string }>(
    EXIT.partlyDone,
    (f) => `evidence was not archived: bucket ${f.bucket} does not exist yet`,
    () =>
      'apply the storage stack, which declares the bucket; the next run archives the evidence of all earlier runs too',
  ),
  'evidence-bucket-undeclared': entry<{ file: string }>(
    EXIT.usage,
    (f) => `${f.file} declares no evidence bucket`,
    () => 'omit --bucket, or declare evidence.bucket and apply the storage stack',
  ),
  'evidence-not-archived': entry<{ bucket: string; files: number; put: number; reason: string }>(
    EXIT.partlyDone,
    (f) => `the evidence in ${f.bucket} is incomplete (${f.files} local file(s), ${f.put} uploaded now): ${f.reason}`,
    () => 'fix the cause and run the same command again: it uploads what is missing and replaces nothing',
  ),
} as const;
