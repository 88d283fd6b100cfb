import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { gitOrRefuse, isInRepository } from './git';
import { fileOfRevision } from './revision';

/**
 * Where a file comes from: `here`: git does not track it, so no commit brought it. `base`: the base has these very bytes.
 * `commit`: a commit brought it, which may be the one that is reviewed.
 */
export type FileOrigin = 'here' | 'base' | 'commit';

/**
 * @param file - absolute
 * @param base - revision whose files are trusted; undefined: none
 * @throws KeyturnError `repository-unreadable`
 */
export async function originOf(
  file: string,
  bytes: Buffer,
  base: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<FileOrigin> {
  if (!(await isTracked(file, env))) return 'here';
  const ofBase = base === undefined ? undefined : await fileOfRevision(file, base, env);
  return ofBase?.equals(bytes) === true ? 'base' : 'commit';
}

/** Whether git tracks the file, or a link that leads to it. */
async function isTracked(file: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  for (const place of new Set([file, await realpath(file), ...(await linksAbove(file))])) {
    const folder = await realpath(path.dirname(place));
    if (!isInRepository(folder)) continue;
    const pathspec = `:(icase,literal)${path.basename(place)}`;
    if ((await gitOrRefuse(folder, env, ['ls-files', '-z', '--', pathspec])).length > 0) return true;
  }
  return false;
}

async function linksAbove(file: string): Promise<readonly string[]> {
  const folder = path.dirname(file);
  if (folder === file) return [];
  const isLink = (await lstat(folder)).isSymbolicLink();
  return [...(isLink ? [folder] : []), ...(await linksAbove(folder))];
}
