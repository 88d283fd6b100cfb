import path from 'node:path';
import { git } from './git';

/**
 * The bytes of a file as a revision has it at its path; undefined: there is no such file, revision or repository.
 *
 * @param file - absolute
 */
export async function fileOfRevision(
  file: string,
  revision: string,
  env: NodeJS.ProcessEnv,
): Promise<Buffer | undefined> {
  if (!isRevision(revision)) return undefined;
  const args = ['show', '--no-ext-diff', '--no-textconv', `${revision}:./${path.basename(file)}`];
  return git(path.dirname(file), env, args);
}

/** The commit that a revision names; undefined: none. */
export async function commitOf(folder: string, revision: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (!isRevision(revision)) return undefined;
  const found = await git(folder, env, ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
  return found?.toString('utf8').trim();
}

/** One that begins with a dash would be an option of git; one with a colon names a file. */
const isRevision = (text: string): boolean => text !== '' && !text.startsWith('-') && !text.includes(':');
