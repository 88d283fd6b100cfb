import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import { KeyturnError } from '../../errors';
import { errnoOf, type FileOperations } from './file-operations';

/**
 * Writes a new file completely and durably, or not at all. It uses `link`, because `rename` would replace a file that
 * another run created in the meantime.
 *
 * @throws KeyturnError `custody-exists`, `custody-write-failed`
 */
export async function createFile(files: FileOperations, path: string, bytes: Uint8Array): Promise<void> {
  await place(files, path, bytes, async (temporary) => {
    await files.link(temporary, path);
    await files.unlink(temporary);
  });
}

/**
 * Writes or replaces a file: readers see the old or the new content, never a part.
 *
 * @throws KeyturnError `custody-write-failed`
 */
export async function replaceFile(files: FileOperations, path: string, bytes: Uint8Array): Promise<void> {
  await place(files, path, bytes, (temporary) => files.rename(temporary, path));
}

/** Removes a file durably; a missing one is fine. @throws KeyturnError `custody-write-failed` */
export async function removeFile(files: FileOperations, path: string): Promise<void> {
  try {
    await files.unlink(path);
    await files.syncDirectory(dirname(path));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw failure(path, error);
  }
}

/** The bytes of a file; undefined if it does not exist. @throws KeyturnError `custody-read-failed` */
export async function readFile(files: FileOperations, path: string): Promise<Buffer | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    throw new KeyturnError('custody-read-failed', { file: path, reason: reasonOf(error) }, error);
  }
}

async function place(
  files: FileOperations,
  path: string,
  bytes: Uint8Array,
  name: (temporary: string) => Promise<void>,
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await files.makeDirectory(directory);
    await files.writeNew(temporary, bytes);
    await name(temporary);
    await files.syncDirectory(directory);
  } catch (error) {
    await files.unlink(temporary).catch(() => undefined);
    if (errnoOf(error) === 'EEXIST') throw new KeyturnError('custody-exists', { file: path }, error);
    throw failure(path, error);
  }
}

function failure(file: string, error: unknown): KeyturnError {
  return new KeyturnError('custody-write-failed', { file, reason: reasonOf(error) }, error);
}

function reasonOf(error: unknown): string {
  return (error as Error | undefined)?.message ?? String(error);
}
