import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { KeyturnError } from '../errors';

const run = promisify(execFile);

/** Largest answer that is read, bytes. */
const MOST_BYTES = 64 << 20;

/**
 * The answer of a git command that only reads: it runs neither a hook nor a configured program.
 *
 * @param folder - absolute; inside of the repository
 * @returns undefined where the command fails, as for a revision that is not there
 */
export async function git(
  folder: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<Buffer | undefined> {
  return answer(folder, env, args).catch(() => undefined);
}

/**
 * The same for a command whose failure would leave unknown what the repository holds.
 *
 * @throws KeyturnError `repository-unreadable`
 */
export async function gitOrRefuse(folder: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Buffer> {
  return answer(folder, env, args).catch((error: NodeJS.ErrnoException & { stderr?: Buffer }) => {
    const reported = error.stderr?.toString('utf8').trim().split('\n')[0];
    const reason = error.code === 'ENOENT' ? 'git is not installed' : reported || error.message;
    throw new KeyturnError('repository-unreadable', { folder, reason }, error);
  });
}

async function answer(folder: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Buffer> {
  const options = { cwd: folder, env, encoding: 'buffer', timeout: 30_000, maxBuffer: MOST_BYTES } as const;
  return (await run('git', ['--no-pager', ...args], options)).stdout;
}

/** Whether a folder is in a repository, whatever git says: it also refuses repositories of another owner. */
export function isInRepository(folder: string): boolean {
  if (existsSync(path.join(folder, '.git'))) return true;
  const above = path.dirname(folder);
  return above !== folder && isInRepository(above);
}

/** The parts of an answer that ends each with NUL. */
export const parts = (bytes: Buffer): readonly string[] =>
  bytes
    .toString('utf8')
    .split('\0')
    .filter((one) => one !== '');
