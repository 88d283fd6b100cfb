import { open, readFile } from 'node:fs/promises';
import type { z } from 'zod';

import { KeyturnError } from '../../errors';

/**
 * Writes a file that a person carries between the machines; never overwrites an existing file. @throws KeyturnError
 * `ceremony-file`
 */
export async function writeCeremonyFile(path: string, content: object): Promise<void> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(content, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Reads such a file and validates it. @throws KeyturnError `ceremony-file` */
export async function readCeremonyFile<T>(path: string, schema: z.ZodType<T>, what: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(path, error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new KeyturnError('ceremony-file', { path, reason: `it is not a ${what}` }, error);
  }
}

function fileError(path: string, error: unknown): KeyturnError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new KeyturnError('ceremony-file', { path, reason: code === 'EEXIST' ? 'it exists already' : message }, error);
}
