import { KeyturnError } from '../errors';
import type { Custodian } from '../key-material/custody/custodian';
import { readRecord } from '../key-material/custody/record';
import type { PreparedImport } from '../key-material/prepared-import';
import { wrapFromCustody } from '../key-material/wrap-held';
import type { KeyDescription } from '../kms/describe-key';
import { type ImportResult, importMaterial } from '../kms/import-material';
import { importParameters } from '../kms/import-parameters';
import { proveImport } from '../kms/prove-import';
import { waitForKey } from '../kms/wait-for-key';
import type { KeyVersion } from '../rotation/rotation';
import { observeVersions } from './observe';
import type { RotationRun } from './rotation-run';

/** How long KMS may take to show an import everywhere. */
const SETTLE_MS = 5 * 60_000;

/** A declared version with the key that its material is in. */
export interface HeldVersion {
  readonly version: KeyVersion;
  readonly key: KeyDescription;
}

/**
 * The version of this name and its key, where Keyturn once imported material into it.
 *
 * @throws KeyturnError `usage` for a name that is not declared; `material-not-ours` for an adopted key, for one that Keyturn
 * did not fill, and where there is no key yet
 */
export async function heldVersion(run: RotationRun, name: string): Promise<HeldVersion> {
  const declared = run.rotation.keyVersions.map((version) => version.name);
  if (!declared.includes(name)) {
    throw new KeyturnError('usage', {
      problem: `the rotation file declares no key version ${name}`,
      hint: `give one of ${declared.join(', ')} with --version`,
    });
  }
  const found = (await observeVersions(run)).find((one) => one.version.name === name);
  if (!found?.key) throw new KeyturnError('material-not-ours', { version: name, reason: 'it has no key yet' });
  const { version, key } = found;
  if (version.keyArn !== undefined) {
    throw new KeyturnError('material-not-ours', { version: name, reason: 'its key is adopted' });
  }
  if (key.origin !== 'EXTERNAL') {
    throw new KeyturnError('material-not-ours', { version: name, reason: `the origin of its key is ${key.origin}` });
  }
  return { version, key };
}

/** When the material of a version expires. A key that is rotated in place names the first date of all its materials only. */
export function expiryOfVersion(run: Pick<RotationRun, 'rotation'>, { version, key }: HeldVersion): Date | undefined {
  return run.rotation.strategy === 'in-place' ? version.materialValidTo : key.validTo;
}

/**
 * Takes the material of a version out of custody and wraps it under a fresh public key of KMS. Nothing is sent or stored.
 *
 * @throws KeyturnError `custody-absent`, `custody-other-key`, and those of custody and wrapping
 */
export async function wrapAgain(
  run: RotationRun,
  { version, key }: HeldVersion,
): Promise<{ readonly custodian: Custodian; readonly prepared: PreparedImport }> {
  const custodian = await run.custodian();
  const { signal } = run;
  const prepared = await wrapFromCustody(custodian, {
    version: version.name,
    keyArn: key.arn,
    parameters: (algorithm) => importParameters(run.clients.kms, key.arn, { algorithm, signal }),
    identityFile: run.material.identityFile,
  });
  return { custodian, prepared };
}

/**
 * Imports wrapped material as `EXISTING_KEY_MATERIAL`: KMS takes it only where it is the material that the key has or had.
 * Then proves that the key works with it.
 *
 * @param validTo - when it expires from now on; undefined: never
 * @throws KeyturnError `kms-import-refused`, `kms-import-expiry`, `kms-proof-failed`
 */
export async function sendAgain(
  run: RotationRun,
  held: HeldVersion,
  custodian: Custodian,
  prepared: PreparedImport,
  validTo: Date | undefined,
): Promise<ImportResult> {
  const { kms } = run.clients;
  const { arn: keyArn } = held.key;
  const { importToken, wrapped } = prepared;
  const keyMaterialId = await materialIdOf(run, held, custodian);
  const request = {
    keyArn,
    importToken,
    wrapped,
    importType: 'EXISTING_KEY_MATERIAL',
    validTo,
    keyMaterialId,
  } as const;
  const imported = await importMaterial(kms, request);
  // In place, the other materials of the key may still be missing, and the current one is not always this one.
  if (run.rotation.strategy === 'in-place') return imported;
  const { signal } = run;
  await waitForKey(kms, keyArn, (now) => now.state === 'Enabled', { timeoutMs: SETTLE_MS, signal, awaited: 'Enabled' });
  const proof = await proveImport(kms, keyArn, run.rotation.name, { signal });
  if (proof.keyMaterialId === imported.keyMaterialId) return imported;
  const found = `KMS encrypts with material ${proof.keyMaterialId}, not with ${imported.keyMaterialId}`;
  throw new KeyturnError('step-not-verified', { step: 'import-material', found });
}

/** Names the material where it is known, so that KMS compares with that very one. */
async function materialIdOf(run: RotationRun, held: HeldVersion, custodian: Custodian): Promise<string | undefined> {
  const { ledger, rotation } = custodian;
  const record = ledger && (await readRecord(ledger, rotation, held.version.name));
  if (record) return record.keyMaterialId;
  return run.rotation.strategy === 'in-place' ? undefined : held.key.currentKeyMaterialId;
}
