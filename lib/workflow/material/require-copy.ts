import { KeyturnError } from '../../errors';
import { readRecord } from '../../key-material/custody/custody-record';
import { nodeFiles } from '../../key-material/custody/file-operations';
import { copyState } from '../../observation/observed-custody';
import { custodyDirectory, type KeyVersion } from '../../rotation/rotation';
import type { MaterialRun } from '../rotation-run';

/**
 * Refuses in a dry run what the run itself would refuse: material that the key had, or that a record says custody has, and of which no
 * copy is there. Opens no copy, so it needs no identity.
 *
 * @param hadMaterial - whether KMS remembers material of the version, and takes no other
 * @throws custody-absent
 */
export async function requireCopy(
  run: MaterialRun,
  { name }: Pick<KeyVersion, 'name'>,
  hadMaterial: boolean,
): Promise<void> {
  const directory = custodyDirectory(run.rotation.custody);
  if (directory === undefined || run.material.source.kind === 'file') return;
  const record = await readRecord({ directory, files: nodeFiles }, run.rotation.name, name);
  if (!hadMaterial && record === undefined) return;
  const { is, text } = await copyState(run, directory, name, record);
  if (is === 'gone') throw new KeyturnError('custody-absent', { version: name, file: text });
}
