import { isCode, KeyturnError } from '../../errors';
import type { Custodian } from '../../key-material/custody/custodian';
import { readRecord } from '../../key-material/custody/custody-record';
import type { PreparedImport } from '../../key-material/prepared-import';
import { wrapFromCustody } from '../../key-material/wrap-from-custody';
import type { KeyDescription } from '../../kms/describe-key';
import { type ImportResult, importMaterial } from '../../kms/import-key-material';
import { importParameters } from '../../kms/import-parameters';
import { observeVersions } from '../../observation/observe';
import { materialDescription, observeMaterials } from '../../observation/observed-materials';
import type { KeyVersion } from '../../rotation/rotation';
import type { MaterialRun } from '../rotation-run';
import { importIntents } from './import-intents';
import { proveCurrent } from './import-version';
import { custodianOf } from './open-custodian';
import { warnExposed } from './warn-exposed';

/** A declared version with the key that its material is in. */
export interface VersionInCustody {
  readonly version: KeyVersion;
  readonly key: KeyDescription;
  readonly material: {
    /** 64 hex digits; absent where KMS names none. */
    readonly id: string | undefined;
    /** Absent: it does not expire, or KMS does not have it. */
    readonly validTo: Date | undefined;
    /** False where KMS never had it, or has deleted it. */
    readonly imported: boolean;
  };
}

/**
 * The version of this name and its key, where Keyturn once imported material into it.
 *
 * @throws KeyturnError `usage` for a name that is not declared; `material-not-ours` for an adopted key, for one that Keyturn
 * did not fill, and where there is no key yet
 */
export async function versionInCustody(run: MaterialRun, name: string): Promise<VersionInCustody> {
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
  return { version, key, material: await materialIn(run, version, key) };
}

/** A key that is rotated in place tells of itself only the first date of all its materials. */
async function materialIn(
  run: MaterialRun,
  version: KeyVersion,
  key: KeyDescription,
): Promise<VersionInCustody['material']> {
  if (run.rotation.strategy === 'new-key') {
    return { id: key.currentKeyMaterialId, validTo: key.validTo, imported: key.state !== 'PendingImport' };
  }
  const { versions } = await observeMaterials(run);
  const found = versions.find((one) => one.version.name === version.name)?.material;
  return { id: found?.id, validTo: found?.validTo, imported: found?.imported ?? false };
}

/**
 * Takes the material of a version out of custody and wraps it under a fresh public key of KMS. Nothing is sent or stored.
 *
 * @throws KeyturnError `custody-absent`, `custody-other-key`, and those of custody and wrapping
 */
export async function wrapAgain(
  run: MaterialRun,
  { version, key }: VersionInCustody,
): Promise<{ readonly custodian: Custodian; readonly prepared: PreparedImport }> {
  await warnExposed(run);
  const custodian = await custodianOf(run, version.name);
  const { signal } = run;
  const prepared = await wrapFromCustody(custodian, {
    version: version.name,
    keyArn: key.arn,
    parameters: (algorithm) => importParameters(run.clients.kms, key.arn, { algorithm, signal }),
    identityFile: run.material.identityFile,
    intents: importIntents(run),
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
  run: MaterialRun,
  held: VersionInCustody,
  custodian: Custodian,
  prepared: PreparedImport,
  validTo: Date | undefined,
): Promise<ImportResult> {
  const { importToken, wrapped } = prepared;
  const keyMaterialId = held.material.id ?? (await recordedId(custodian, held.version.name));
  const imported = await importMaterial(run.clients.kms, {
    keyArn: held.key.arn,
    importToken,
    wrapped,
    importType: 'EXISTING_KEY_MATERIAL',
    validTo,
    // Named, so that KMS compares with that very one.
    keyMaterialId,
    description: descriptionOf(run, held.version),
  }).catch(async (error: unknown) => {
    const isOther = isCode(error, 'kms-import-refused') && error.facts.awsCode === 'IncorrectKeyMaterialException';
    const about = { version: held.version.name, keyArn: held.key.arn, keyMaterialId };
    if (isOther) await run.evidence.record('refused', 'custody', about);
    throw error;
  });
  run.reporter.note(`${held.version.name}: ${await proveVersionInCustody(run, held, imported)}`);
  return imported;
}

/** In place, a material is known by its description, and an import that does not say it could take it away. */
export function descriptionOf({ rotation }: Pick<MaterialRun, 'rotation'>, version: KeyVersion): string | undefined {
  return rotation.strategy === 'in-place' ? materialDescription(rotation, version) : undefined;
}

/** Proves that the key works, as a line for people. In place it does only once none of its materials is missing. */
export async function proveVersionInCustody(
  run: MaterialRun,
  { key }: VersionInCustody,
  { keyMaterialId }: Pick<ImportResult, 'keyMaterialId'>,
): Promise<string> {
  if (run.rotation.strategy === 'new-key') return proveCurrent(run, key, { keyMaterialId });
  const { versions } = await observeMaterials(run);
  const current = versions.find(({ material }) => material?.state === 'CURRENT')?.material;
  const missing = versions.some(({ material }) => material?.imported === false);
  if (current && !missing) return proveCurrent(run, key, { keyMaterialId: current.id });
  return `material ${keyMaterialId.slice(0, 12)}… is in the key, which works once all its materials are`;
}

async function recordedId({ ledger, rotation }: Custodian, version: string): Promise<string | undefined> {
  return ledger && (await readRecord(ledger, rotation, version))?.keyMaterialId;
}
