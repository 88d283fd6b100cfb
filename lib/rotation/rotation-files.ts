import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder, at the top of a project, of several rotation files. */
export const ROTATIONS = 'rotations';

/**
 * The rotation files of a project: `rotation.yaml`, then those of `rotations/` by name. Whether they are valid is not checked.
 *
 * @param directory - absolute
 * @returns paths relative to it
 */
export async function findRotationFiles(directory: string): Promise<readonly string[]> {
  const [top, inside] = await Promise.all([namesIn(directory), namesIn(join(directory, ROTATIONS))]);
  const single = top.filter((name) => name === 'rotation.yaml');
  return [
    ...single,
    ...inside
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(ROTATIONS, name)),
  ];
}

/** Names of the files in a directory; none where there is no such directory. */
async function namesIn(directory: string): Promise<readonly string[]> {
  const found = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return found.filter((one) => !one.isDirectory()).map(({ name }) => name);
}
