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
} as const;
