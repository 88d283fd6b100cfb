import { isCode, KeyturnError } from '../../errors';
import type { Custodian } from '../../key-material/custody/custodian';
import { wrapMaterialFile } from '../../key-material/material-file';
import { importMaterial } from '../../kms/import-key-material';
import { importParameters } from '../../kms/import-parameters';
import { observeVersions } from '../../observation/observe';
import type { KeyVersion } from '../../rotation/rotation';
import type { MaterialRun } from '../rotation-run';

/**
 * Refuses material that another version of the rotation has: a copy that was saved under two names, or a file that is
 * given for a second key. KMS itself compares with what the same key had. Of the other keys it is asked here, by an
 * import of the given bytes as the material and with the date that the key has: KMS refuses any other bytes, and the
 * same ones change nothing.
 *
 * @throws material-in-key, and what reading the file may throw
 */
export async function refuseReused(
  run: MaterialRun,
  custodian: Custodian,
  version: KeyVersion,
  keyArn: string,
): Promise<void> {
  await refuseSharedCopy(run, custodian, version, keyArn);
  const { source } = run.material;
  if (source.kind !== 'file' || run.rotation.strategy === 'in-place') return;
  for (const { version: other, key } of await observeVersions(run)) {
    const isAsked = other.name !== version.name && other.keyArn === undefined && key?.origin === 'EXTERNAL';
    if (!isAsked || key.currentKeyMaterialId === undefined) continue;
    if (key.state !== 'Enabled') {
      run.reporter.warn(`${version.name}: the file was not compared with the material of ${other.name} (${key.state})`);
      continue;
    }
    if (await isMaterialOf(run, source.path, key)) {
      throw new KeyturnError('material-in-key', {
        version: version.name,
        keyArn: key.arn,
        found: `the file holds the material of ${other.name}`,
      });
    }
  }
}

async function refuseSharedCopy(
  { rotation }: MaterialRun,
  custodian: Custodian,
  version: KeyVersion,
  keyArn: string,
): Promise<void> {
  const binding = await custodian.copyBinding(version.name);
  if (binding === undefined) return;
  for (const { name } of rotation.keyVersions) {
    if (name === version.name || (await custodian.copyBinding(name)) !== binding) continue;
    const found = `custody holds one copy under two names, ${custodian.locate(name)} and ${custodian.locate(version.name)}`;
    throw new KeyturnError('material-in-key', { version: version.name, keyArn, found });
  }
}

async function isMaterialOf(
  { clients, signal }: MaterialRun,
  path: string,
  key: { readonly arn: string; readonly currentKeyMaterialId: string | undefined; readonly validTo: Date | undefined },
): Promise<boolean> {
  const parameters = await importParameters(clients.kms, key.arn, { signal });
  const { ciphertext } = await wrapMaterialFile(path, parameters);
  try {
    await importMaterial(clients.kms, {
      keyArn: key.arn,
      importToken: parameters.importToken,
      wrapped: ciphertext,
      importType: 'EXISTING_KEY_MATERIAL',
      keyMaterialId: key.currentKeyMaterialId,
      validTo: key.validTo,
    });
    return true;
  } catch (error) {
    if (isCode(error, 'kms-import-refused') && error.facts.awsCode === 'IncorrectKeyMaterialException') return false;
    throw error;
  }
}
