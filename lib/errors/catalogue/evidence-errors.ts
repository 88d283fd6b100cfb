import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of evidence. */
export const evidenceErrors = {
  'evidence-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `evidence cannot be written to ${f.file}: ${f.reason}`,
    () =>
      'nothing was done that the evidence does not name; make the directory writable and run the same command again',
  ),
  'evidence-missing': entry<{ path: string; reason: string }>(
    EXIT.error,
    (f) => `there is no evidence at ${f.path}: ${f.reason}`,
    () => 'name an evidence file (*.ndjson), or a directory that holds some',
  ),
  'evidence-bucket-missing': entry<{ bucket: string }>(
    EXIT.partlyDone,
    (f) => `evidence is not in its bucket: there is no bucket ${f.bucket} yet`,
    () => 'apply the storage stack, which declares it; the next run puts there what every run before it left',
  ),
  'evidence-bucket-undeclared': entry<{ file: string }>(
    EXIT.usage,
    (f) => `${f.file} names no evidence bucket`,
    () => 'leave out --bucket, or declare one under evidence.bucket and apply the storage stack',
  ),
  'evidence-not-archived': entry<{ bucket: string; files: number; put: number; reason: string }>(
    EXIT.partlyDone,
    (f) => `not all of the evidence is in ${f.bucket} (${f.files} file(s) here, ${f.put} put now): ${f.reason}`,
    () =>
      'put right what it says and run the same command again: what is missing is put there then, nothing is replaced',
  ),
} as const;
