import { isCode, KeyturnError } from '../errors';
import { abandonImport, completeImport } from '../key-material/complete-import';
import type { Custodian } from '../key-material/custody/custodian';
import type { CustodyRecord } from '../key-material/custody/record';
import { type PreparedImport, prepareImport, unsettledImport } from '../key-material/prepare-import';
import type { KeyDescription } from '../kms/describe-key';
import { type ImportResult, importMaterial } from '../kms/import-material';
import { importParameters } from '../kms/import-parameters';
import { proveImport } from '../kms/prove-import';
import { waitForKey } from '../kms/wait-for-key';
import type { KeyVersion } from '../rotation/rotation';
import type { ObservedVersion } from './observe';
import type { RotationRun } from './rotation-run';

/** How long KMS may take to show a new key or a finished import everywhere; its docs say seconds, at times minutes. */
const SETTLE_MS = 5 * 60_000;

const ORIGINS: Readonly<Record<PreparedImport['from'], string>> = {
  generated: 'material generated and wrapped',
  file: 'material read from the file and wrapped',
  custody: 'material taken from custody and wrapped again',
  pending: 'the import that an earlier run prepared goes on',
};

/**
 * Brings material into one version that waits for it: custody first, then KMS, then the proof, then the record.
 *
 * @returns the custody record
 */
export async function importVersion(
  run: RotationRun,
  version: KeyVersion,
  key: KeyDescription,
): Promise<CustodyRecord> {
  const { reporter, signal, rotation } = run;
  const { kms } = run.clients;
  const custodian = await run.custodian();
  const prepared = await prepareImport(custodian, {
    version: version.name,
    keyArn: key.arn,
    parameters: () => importParameters(kms, key.arn, { signal }),
    source: run.material.source,
    identityFile: run.material.identityFile,
  });
  reporter.note(`${version.name}: ${ORIGINS[prepared.from]}; custody: ${custodian.locate(version.name)}`);
  await run.evidence.record('intent', 'import-material', {
    version: version.name,
    keyArn: key.arn,
    from: prepared.from,
  });
  const imported = await sendToKms(run, custodian, version, key, prepared);
  await waitForKey(kms, key.arn, (now) => now.state === 'Enabled', {
    timeoutMs: SETTLE_MS,
    signal,
    awaited: 'Enabled',
  });
  const proof = await proveImport(kms, key.arn, rotation.name, { signal });
  if (proof.keyMaterialId !== imported.keyMaterialId) {
    const found = `KMS encrypts with material ${proof.keyMaterialId}, not with the imported ${imported.keyMaterialId}`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  }
  const record = await completeImport(custodian, prepared, imported);
  reporter.note(
    `${version.name}: Enabled; a data key was encrypted and decrypted under material ${imported.keyMaterialId.slice(0, 12)}…`,
  );
  return record;
}

/** A refusal of token or blob makes the prepared import worthless: it is forgotten, the copy in custody stays. */
async function sendToKms(
  run: RotationRun,
  custodian: Custodian,
  version: KeyVersion,
  key: KeyDescription,
  prepared: PreparedImport,
): Promise<ImportResult> {
  try {
    return await importMaterial(run.clients.kms, {
      keyArn: key.arn,
      importToken: prepared.importToken,
      wrapped: prepared.wrapped,
      importType: key.currentKeyMaterialId ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL',
      validTo: version.materialValidTo,
    });
  } catch (error) {
    if (isCode(error, 'kms-import-refused')) await abandonImport(custodian, prepared);
    throw error;
  }
}

/** The custody record is all that is missing where an earlier run was killed between KMS's answer and its own note of it. */
export async function settleImports(run: RotationRun, versions: readonly ObservedVersion[]): Promise<void> {
  if (run.dryRun || !run.rotation.custody.age?.recipients.length) return;
  const custodian = await run.custodian();
  for (const { version, key } of versions) {
    if (version.keyArn || key?.state !== 'Enabled') continue;
    const unsettled = await unsettledImport(custodian, { version: version.name, keyArn: key.arn });
    if (unsettled) await settleImport(run, custodian, key, unsettled);
  }
}

/**
 * Sends the same wrapped bytes once more: KMS takes them only if they are the material that the key has. Where it no
 * longer takes the token, the copy in custody is opened with the identity and wrapped anew; without one the import stays
 * unsettled, and every run says so.
 */
async function settleImport(
  run: RotationRun,
  custodian: Custodian,
  key: KeyDescription,
  unsettled: PreparedImport,
): Promise<void> {
  const { version } = unsettled;
  try {
    await confirmImport(run, custodian, key, unsettled);
  } catch (error) {
    if (!isCode(error, 'kms-import-refused') || error.facts.awsCode === 'IncorrectKeyMaterialException') throw error;
    const { identityFile } = run.material;
    if (identityFile === undefined) {
      run.reporter.warn(
        `${version}: an earlier run imported material; to confirm that custody holds the same, run pre-apply with --identity`,
      );
      return;
    }
    await abandonImport(custodian, unsettled);
    const { kms } = run.clients;
    const parameters = () => importParameters(kms, key.arn, { signal: run.signal });
    const source = { kind: 'generate' } as const;
    const rewrapped = await prepareImport(custodian, { version, keyArn: key.arn, parameters, source, identityFile });
    await confirmImport(run, custodian, key, rewrapped);
  }
}

async function confirmImport(
  run: RotationRun,
  custodian: Custodian,
  { arn: keyArn, validTo }: KeyDescription,
  prepared: PreparedImport,
): Promise<void> {
  const { importToken, wrapped, version } = prepared;
  const request = { keyArn, importToken, wrapped, importType: 'EXISTING_KEY_MATERIAL', validTo } as const;
  await completeImport(custodian, prepared, await importMaterial(run.clients.kms, request));
  run.reporter.note(`${version}: the import of an earlier run is confirmed, its custody record written`);
}
