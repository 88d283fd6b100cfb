import { mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Keeps two runs on one working directory apart. Terraform locks its state by itself; this also covers custody and the
 * import, where two runs would each generate material. A lock whose process is gone is taken over. Runs on two machines
 * are not seen by it: there KMS decides, and the loser is told.
 *
 * @throws run-locked
 */
export async function lockRotation(directory: string, rotation: string): Promise<RunLock> {
  const lock = path.join(directory, '.keyturn', `${rotation}.lock`);
  await mkdir(path.dirname(lock), { recursive: true });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = await open(lock, 'wx', 0o600);
      await file.writeFile(JSON.stringify({ pid: process.pid, since: new Date().toISOString() }));
      await file.close();
      return { release: () => rm(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readHolder(lock);
      if (holder && isAlive(holder.pid)) throw new KeyturnError('run-locked', { lock, ...holder }, error);
      await rm(lock, { force: true });
    }
  }
  throw new KeyturnError('run-locked', { lock, pid: 0, since: 'a moment ago' });
}

async function readHolder(lock: string): Promise<{ pid: number; since: string } | undefined> {
  try {
    const { pid, since } = JSON.parse(await readFile(lock, 'utf8')) as { pid?: unknown; since?: unknown };
    return typeof pid === 'number' && typeof since === 'string' ? { pid, since } : undefined;
  } catch {
    // A lock cut short by a crash names nobody: it is taken over like one whose process is gone.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
