import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { KeyturnError } from '../errors';
import { processIdentity } from './process-identity';

/** A dead lock is set aside and tried again; more than a few times means that others are quicker. */
const ATTEMPTS = 5;

const HOLDER = z.object({
  pid: z.number().int().positive(),
  /** ISO 8601. */
  since: z.string(),
  /** Of the process that holds it; absent where none can be told. */
  identity: z.string().optional(),
});
type Holder = z.infer<typeof HOLDER>;

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Keeps two runs on one working directory apart. Terraform locks its state by itself; this also covers custody and the
 * import, where two runs would each generate material. A lock whose process is gone is taken over, also when another process
 * has its id by now, after a reboot or in a container that was started again. Only where a process cannot be told from a later one
 * with its id (see {@link processIdentity}) does that one hold the lock. Runs on two machines, or in two containers, are not seen
 * by it: there KMS decides, and the loser is told.
 *
 * @throws run-locked
 */
export async function lockRotation(directory: string, rotation: string): Promise<RunLock> {
  const lock = path.join(directory, '.keyturn', `${rotation}.lock`);
  await mkdir(path.dirname(lock), { recursive: true });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await create(lock)) return { release: () => rm(lock, { force: true }) };
    const holder = await readHolder(lock);
    if (holder && (await isAlive(holder))) {
      throw new KeyturnError('run-locked', { lock, pid: holder.pid, since: holder.since });
    }
    await setAside(lock);
  }
  throw new KeyturnError('run-locked', { lock, pid: 0, since: 'a moment ago' });
}

async function create(lock: string): Promise<boolean> {
  const own = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const holder: Holder = {
    pid: process.pid,
    since: new Date().toISOString(),
    identity: await processIdentity(process.pid),
  };
  await writeFile(own, JSON.stringify(holder), { mode: 0o600, flag: 'wx' });
  try {
    // A link appears whole or not at all: nobody ever reads a lock that is not written yet.
    await link(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Takes a dead holder's lock away by renaming it, which only one of several runs can do. Should a living run have taken
 * it over since it was read, its lock is put back.
 */
async function setAside(lock: string): Promise<void> {
  const aside = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = await readHolder(aside);
  if (holder && (await isAlive(holder))) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(lock: string): Promise<Holder | undefined> {
  try {
    return HOLDER.parse(JSON.parse(await readFile(lock, 'utf8')));
  } catch {
    // A lock cut short by a crash names nobody: it is taken over like one whose process is gone.
    return undefined;
  }
}

async function isAlive({ pid, identity }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = identity === undefined ? undefined : await processIdentity(pid);
  return now === undefined || now === identity;
}
