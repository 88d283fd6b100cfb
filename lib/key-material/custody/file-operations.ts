import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file-system steps custody is made of. Each is a point where a crash may fall, so tests put their own in its place. */
export interface FileOperations {
  /** Creates the directory and its parents, mode 0700, durably; an existing one is left as it is. */
  makeDirectory(path: string): Promise<void>;
  /** Creates a new file, mode 0600, and returns once its bytes are on the disk. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  /** Gives a file a second name; fails with EEXIST where the name is taken. */
  link(from: string, to: string): Promise<void>;
  /** Gives a file another name, in place of a file that has it. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Returns once the names in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Undefined where there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
}

/** Permissions of everything that custody writes: for the owner alone, although nothing in it is in clear. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export const nodeFiles: FileOperations = {
  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
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

async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directory, and keeps names durable by itself.
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
