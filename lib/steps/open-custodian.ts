import { KeyturnError } from '../errors';
import { createAgeCustodian } from '../key-material/custody/age';
import type { Custodian } from '../key-material/custody/custodian';
import { createNoCustodian } from '../key-material/custody/none';
import type { Rotation } from '../rotation/rotation';

/**
 * The custodian that the rotation file chooses, opened at the first call and kept.
 *
 * @throws custody-recipients-missing where the file names nobody and the command line did not say `--no-custody`
 */
export function openCustodian(
  rotation: Rotation,
  { noCustody }: { readonly noCustody: boolean },
): () => Promise<Custodian> {
  let opened: Promise<Custodian> | undefined;
  return () => {
    opened ??= open(rotation, noCustody);
    return opened;
  };
}

async function open(rotation: Rotation, noCustody: boolean): Promise<Custodian> {
  if (noCustody) return createNoCustodian(rotation.name);
  const { age } = rotation.custody;
  if (!age) throw new KeyturnError('custody-recipients-missing', { rotation: rotation.name });
  return createAgeCustodian({ rotation: rotation.name, directory: age.directory, recipients: age.recipients });
}
