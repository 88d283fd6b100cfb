import { isCode, KeyturnError } from '../../errors';
import { abandonImport, completeImport } from '../../key-material/complete-import';
import type { Custodian } from '../../key-material/custody/custodian';
import type { CustodyRecord } from '../../key-material/custody/custody-record';
import { pendingImportOf, prepareImport } from '../../key-material/prepare-import';
import type { PreparedImport } from '../../key-material/prepared-import';
import type { KeyDescription } from '../../kms/describe-key';
import { type ImportResult, type ImportType, importMaterial } from '../../kms/import-key-material';
import { importParameters } from '../../kms/import-parameters';
import { proveImport } from '../../kms/prove-import';
import { waitForKey } from '../../kms/wait-for-key';
import type { ObservedVersion } from '../../observation/observe';
import { custodyDirectory, type KeyVersion } from '../../rotation/rotation';
import type { MaterialRun, RunTarget } from '../rotation-run';

/** How long KMS may take to show a new key or a finished import everywhere; its docs say seconds, at times minutes. */
const CONSISTENCY_MS = 5 * 60_000;

const ORIGINS: Readonly<Record<PreparedImport['from'], string>> = {
  generated: 'material generated and wrapped',
  file: 'material read from the file and wrapped',
  custody: 'material taken from custody and wrapped again',
  pending: 'the import that an earlier run prepared goes on',
};

/** How KMS is to take material, and how it is known to have it. */
export interface ImportTerms {
  readonly importType: ImportType;
  /** Only for material that the key has had before. */
  readonly keyMaterialId?: string | undefined;
  readonly description?: string | undefined;
  /** Waits until KMS shows the import, proves what can be proved by then, and says what that was. */
  proveImported(imported: ImportResult): Promise<string>;
}

/** The terms where a version is a key: it becomes Enabled, and encrypts and decrypts under the imported material. */
function termsOfKey(run: MaterialRun, key: KeyDescription): ImportTerms {
  return {
    importType: key.currentKeyMaterialId ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL',
    proveImported: (imported) => proveCurrent(run, key, imported),
  };
}

/** Proves that the key is Enabled and uses this material. @throws step-not-verified where it uses another */
export async function proveCurrent(
  { clients, signal, rotation }: RunTarget,
  key: KeyDescription,
  { keyMaterialId }: Pick<ImportResult, 'keyMaterialId'>,
): Promise<string> {
  const awaited = { timeoutMs: CONSISTENCY_MS, signal, awaited: 'Enabled' };
  await waitForKey(clients.kms, key.arn, (now) => now.state === 'Enabled', awaited);
  const proof = await proveImport(clients.kms, key.arn, rotation.name, { signal });
  if (proof.keyMaterialId !== keyMaterialId) {
    const found = `KMS encrypts with material ${proof.keyMaterialId}, not with the imported ${keyMaterialId}`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  }
  return `Enabled; a data key was encrypted and decrypted under material ${keyMaterialId.slice(0, 12)}…`;
}

/**
 * Brings material into one version that waits for it: custody first, then KMS, then the proof, then the record.
 *
 * @returns the custody record
 */
export async function importVersion(
  run: MaterialRun,
  version: KeyVersion,
  key: KeyDescription,
  terms: ImportTerms = termsOfKey(run, key),
): Promise<CustodyRecord> {
  const { reporter, signal } = run;
  const { kms } = run.clients;
  const custodian = await run.custodian();
  const prepared = await prepareImport(custodian, {
    version: version.name,
    keyArn: key.arn,
    parameters: (algorithm) => importParameters(kms, key.arn, { algorithm, signal }),
    source: run.material.source,
    identityFile: run.material.identityFile,
  });
  reporter.note(`${version.name}: ${ORIGINS[prepared.from]}; custody: ${custodian.locate(version.name)}`);
  await run.evidence.record('intent', 'import-material', {
    version: version.name,
    keyArn: key.arn,
    from: prepared.from,
  });
  const imported = await sendToKms(run, custodian, version, terms, prepared);
  const seen = await terms.proveImported(imported);
  const record = await completeImport(custodian, prepared, imported);
  reporter.note(`${version.name}: ${seen}`);
  return record;
}

/** A refusal of token or blob makes the prepared import worthless: it is forgotten, the copy in custody stays. */
async function sendToKms(
  run: MaterialRun,
  custodian: Custodian,
  version: KeyVersion,
  { importType, keyMaterialId, description }: ImportTerms,
  prepared: PreparedImport,
): Promise<ImportResult> {
  try {
    return await importMaterial(run.clients.kms, {
      keyArn: prepared.keyArn,
      importToken: prepared.importToken,
      wrapped: prepared.wrapped,
      importType,
      keyMaterialId,
      description,
      validTo: version.materialValidTo,
    });
  } catch (error) {
    if (isCode(error, 'kms-import-refused')) await abandonImport(custodian, prepared);
    throw error;
  }
}

/** The custody record is all that is missing where an earlier run was killed between KMS's answer and its own note of it. */
export async function completePendingImports(run: MaterialRun, versions: readonly ObservedVersion[]): Promise<void> {
  if (run.dryRun || custodyDirectory(run.rotation.custody) === undefined) return;
  if (run.rotation.custody.age?.recipients.length === 0) return;
  const custodian = await run.custodian();
  for (const { version, key } of versions) {
    if (version.keyArn || key?.state !== 'Enabled') continue;
    const pending = await pendingImportOf(custodian, { version: version.name, keyArn: key.arn });
    if (pending) await confirmPending(run, custodian, key, pending);
  }
}

/**
 * Sends the same wrapped bytes once more: KMS takes them only if they are the material that the key has. Where it no
 * longer takes the token, the copy in custody is opened with the identity and wrapped again; without one the import stays
 * unconfirmed, and every run reports it.
 */
async function confirmPending(
  run: MaterialRun,
  custodian: Custodian,
  key: KeyDescription,
  pending: PreparedImport,
): Promise<void> {
  const { version } = pending;
  try {
    await confirmImport(run, custodian, key, pending);
  } catch (error) {
    if (!isCode(error, 'kms-import-refused') || error.facts.awsCode === 'IncorrectKeyMaterialException') throw error;
    const { identityFile } = run.material;
    if (identityFile === undefined && custodian.kind === 'age') {
      run.reporter.warn(
        `${version}: an earlier run imported material; to confirm that custody holds the same, run pre-apply with --identity`,
      );
      return;
    }
    const rewrapped = await prepareImport(custodian, {
      version,
      keyArn: key.arn,
      parameters: (algorithm) => importParameters(run.clients.kms, key.arn, { algorithm, signal: run.signal }),
      source: { kind: 'generate' },
      identityFile,
      // The pending import is replaced and never merely removed: a run that ends in between still finds it.
      afresh: true,
    });
    await confirmImport(run, custodian, key, rewrapped);
  }
}

async function confirmImport(
  run: MaterialRun,
  custodian: Custodian,
  { arn: keyArn, validTo }: KeyDescription,
  prepared: PreparedImport,
): Promise<void> {
  const { importToken, wrapped, version } = prepared;
  const request = { keyArn, importToken, wrapped, importType: 'EXISTING_KEY_MATERIAL', validTo } as const;
  await completeImport(custodian, prepared, await importMaterial(run.clients.kms, request));
  run.reporter.note(`${version}: the import of an earlier run is confirmed, its custody record written`);
}
