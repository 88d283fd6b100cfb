import { resolve } from 'node:path';
import type { App } from 'cdktf';
import { loadRotation } from '../lib/rotation/rotation-file';
import { findRotationFiles } from '../lib/rotation/rotation-files';
import { KeysStack } from './keys-stack';
import { StorageStack } from './storage-stack';

/**
 * Declares both stacks of every rotation of a project: of the file that the context `rotationFile` names, or else of
 * `rotation.yaml` and every file in `rotations/`. The caller synthesizes.
 *
 * @param directory - where those files are; default: the working directory
 * @throws KeyturnError as `loadRotation` does; `rotation-file-missing` where there is no rotation file at all
 */
export async function declareRotations(app: App, directory = '.'): Promise<void> {
  const named: unknown = app.node.tryGetContext('rotationFile');
  const found = typeof named === 'string' ? [named] : await findRotationFiles(resolve(directory));
  for (const file of found.length === 0 ? ['rotation.yaml'] : found) {
    const rotation = await loadRotation(resolve(directory, file));
    // No dependency between the two: otherwise cdktf refuses to deploy the storage stack alone, which is the usual case.
    new KeysStack(app, rotation);
    new StorageStack(app, rotation);
  }
}
