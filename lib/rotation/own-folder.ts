import { basename, dirname, join, parse } from 'node:path';
import { ROTATIONS } from './rotation-files';

/**
 * Where Keyturn keeps what it writes for a rotation: `.keyturn` beside the file. The files of `rotations/` have a folder of their
 * own in it, so that no run reads the evidence, the journals or the marks of another rotation.
 *
 * @param file - absolute path of the rotation file
 */
export function ownFolder(file: string): string {
  const folder = dirname(file);
  const own = join(folder, '.keyturn');
  return basename(folder) === ROTATIONS ? join(own, parse(file).name) : own;
}

/** Where the evidence of a rotation's runs is. */
export const evidenceFolder = (file: string): string => join(ownFolder(file), 'evidence');
