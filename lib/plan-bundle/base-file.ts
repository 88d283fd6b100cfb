import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isCode, KeyturnError } from '../errors';
import { fileOfRevision } from '../repository/revision';
import { bindingPath, readBindingText, withBinding } from '../rotation/binding';
import type { Rotation } from '../rotation/rotation';
import { parseRotation } from '../rotation/rotation-file';

export interface BaseFileInput {
  readonly rotation: Pick<Rotation, 'file'>;
  /** A file, relative to `cwd`, or else a git revision that holds the rotation file at its path. */
  readonly base: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The rotation file as it was before the change that is reviewed, with the binding beside it.
 *
 * @throws KeyturnError `usage` if there is no such file and no such revision, or it is no valid rotation file
 */
export async function loadBase({ rotation, base, cwd, env }: BaseFileInput): Promise<Rotation> {
  const file = path.resolve(cwd, base);
  const fromFile = await fileText(file);
  const revisionText = async (one: string): Promise<string | undefined> =>
    (await fileOfRevision(one, base, env))?.toString('utf8');
  const text = fromFile ?? (await revisionText(rotation.file));
  if (text === undefined) throw unusable(base, 'it is neither a file nor a git revision with the rotation file in it');
  try {
    // At the path of the reviewed file, so that paths in it compare.
    const before = await parseRotation(text, rotation.file, { now: new Date(), expired: 'accept' });
    const bindingFile = bindingPath(rotation.file);
    const binding = fromFile === undefined ? await revisionText(bindingFile) : await readBindingText(file);
    return withBinding(before, binding, bindingFile);
  } catch (error) {
    if (!isCode(error, 'rotation-file-invalid') && !isCode(error, 'binding-invalid')) throw error;
    throw unusable(base, `its rotation file is not valid: ${error.message}`, error);
  }
}

const unusable = (base: string, reason: string, cause?: unknown): KeyturnError =>
  new KeyturnError(
    'usage',
    {
      problem: `--base names ${base}: ${reason}`,
      hint: 'name the rotation file of the base branch, or a revision such as origin/main',
    },
    cause,
  );

async function fileText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return undefined;
    throw error;
  });
}
