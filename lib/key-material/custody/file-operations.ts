import { link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file-system operations of custody. A crash may happen at each of them, so tests replace them. */
export interface FileOperations {
  /** Creates the directory and its parents, mode 0700, durably; does not change an existing one. */
  makeDirectory(path: string): Promise<void>;
  /** Creates a new file, mode 0600, and returns once its bytes are on the disk. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  /** Creates a hard link; fails with EEXIST if the name exists. */
  link(from: string, to: string): Promise<void>;
  /** Renames a file and replaces an existing one. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Returns once the names in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Undefined if there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
}

/** Permissions of all custody files: owner only, although nothing in them is in clear. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export const nodeFiles: FileOperations = {
  async makeDirectory(path) {
    const first = await makeDirectories(path);
    if (first !== undefined) await syncDirectory(dirname(first));
  },
  async writeNew(path, bytes) {
    const handle = await open(path, 'wx', FILE_MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  link,
  rename,
  unlink,
  syncDirectory,
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
};

/**
 * Creates missing directories from the top, and returns the first one. Node's own `recursive` asks for ever where a
 * parent exists and the child cannot be created (`ENOENT`, as in /proc).
 */
async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE });
    return path;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return undefined;
    const parent = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || parent === path) throw error;
    const first = await makeDirectories(parent);
    // Another process may have been faster.
    await mkdir(path, { mode: DIRECTORY_MODE }).catch(async (again: unknown) => {
      if (errnoOf(again) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw again;
    });
    return first ?? path;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open directories, and makes names durable by itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `EEXIST`, `ENOSPC`, …; undefined for an error of another kind. */
export function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
