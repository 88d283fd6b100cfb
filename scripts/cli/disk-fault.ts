import { KeyturnError } from '../../lib/errors';

const CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM']);

/** A disk that is full or may not be written, as an error with advice; every other error unchanged. */
export function asDiskFault(error: unknown): unknown {
  if (error instanceof KeyturnError || !(error instanceof Error)) return error;
  const { code = '', path: file, message } = error as NodeJS.ErrnoException;
  if (file === undefined || !CODES.has(code)) return error;
  return new KeyturnError('disk-unwritable', { file, code, reason: message }, error);
}
