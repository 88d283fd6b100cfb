import { exposureOf, exposureText } from '../../key-material/custody/exposure';
import { custodyDirectory } from '../../rotation/rotation';
import type { MaterialRun } from '../rotation-run';

/** Warns of a custody directory that others can write or read, and of an identity file that they can read. */
export async function warnExposed({ rotation, material, reporter }: MaterialRun): Promise<void> {
  const directory = custodyDirectory(rotation.custody);
  const found = [
    directory === undefined ? undefined : await exposureOf(directory, true),
    material.identityFile === undefined ? undefined : await exposureOf(material.identityFile, true),
  ];
  for (const one of found) if (one) reporter.warn(`${exposureText(one)}: ${one.fix}`);
}
