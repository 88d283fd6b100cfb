import { isCode, KeyturnError } from '../../errors';
import { abandonImport, completeImport } from '../../key-material/complete-import';
import type { Custodian } from '../../key-material/custody/custodian';
import type { CustodyRecord } from '../../key-material/custody/custody-record';
import { pendingImportOf, prepareImport } from '../../key-material/prepare-import';
import type { PreparedImport } from '../../key-material/prepared-import';
import { describeKey, type KeyDescription } from '../../kms/describe-key';
import { type ImportResult, type ImportType, importMaterial } from '../../kms/import-key-material';
import { importParameters } from '../../kms/import-parameters';
import { proveImport } from '../../kms/prove-import';
import { waitForKey } from '../../kms/wait-for-key';
import type { ObservedVersion } from '../../observation/observe';
import { markCustodyHere } from '../../observation/observed-custody';
import { custodyDirectory, type KeyVersion } from '../../rotation/rotation';
import type { MaterialRun, RunTarget } from '../rotation-run';
import { importIntents } from './import-intents';
import { custodianOf } from './open-custodian';
import { refuseReused } from './refuse-reused';
import { warnExposed } from './warn-exposed';

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
  /** The material that KMS now has for this version; undefined: none. */
  expectedId(): Promise<string | undefined>;
  /** Waits until KMS shows the import, proves what can be proved by then, and says what that was. */
  proveImported(imported: ImportResult): Promise<string>;
}

/** The terms where a version is a key: it becomes Enabled, and encrypts and decrypts under the imported material. */
function termsOfKey(run: MaterialRun, version: KeyVersion, key: KeyDescription): ImportTerms {
  return {
    importType: key.currentKeyMaterialId ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL',
    keyMaterialId: key.currentKeyMaterialId,
    expectedId: async () => (await describeKey(run.clients.kms, key.arn))?.currentKeyMaterialId,
    async proveImported(imported) {
      const awaited = { timeoutMs: CONSISTENCY_MS, signal: run.signal, awaited: 'Enabled' };
      const now = await waitForKey(run.clients.kms, key.arn, ({ state }) => state === 'Enabled', awaited);
      const { currentKeyMaterialId: current } = now;
      if (current !== undefined && current !== imported.keyMaterialId)
        throw ofAnother(await run.custodian(), version.name, key.arn, current);
      return proveCurrent(run, key, imported);
    },
  };
}

const ofAnother = (custodian: Custodian, version: string, keyArn: string, keyMaterialId: string): KeyturnError =>
  new KeyturnError('material-of-another', { version, keyArn, keyMaterialId, file: custodian.locate(version) });

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
  terms: ImportTerms = termsOfKey(run, version, key),
): Promise<CustodyRecord> {
  const { reporter, signal } = run;
  const { kms } = run.clients;
  await warnExposed(run);
  const custodian = await custodianOf(run, version.name);
  await refuseReused(run, custodian, version, key.arn);
  const prepared = await prepareImport(custodian, {
    version: version.name,
    keyArn: key.arn,
    parameters: (algorithm) => importParameters(kms, key.arn, { algorithm, signal }),
    source: run.material.source,
    identityFile: run.material.identityFile,
    compared: terms.importType === 'EXISTING_KEY_MATERIAL',
    intents: importIntents(run),
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
  await markCustodyHere(run.rotation);
  reporter.note(`${version.name}: ${seen}`);
  if (!prepared.opened && custodian.kind !== 'none')
    reporter.warn(
      `${version.name}: nobody has opened the copy in custody yet; prove it now: \`npx keyturn drill --version ${version.name} --identity <age identity file>\``,
    );
  return record;
}

/** Refusals of token or blob: the prepared import is worthless. */
const WORTHLESS = new Set([
  'InvalidCiphertextException',
  'InvalidImportTokenException',
  'ExpiredImportTokenException',
  'UnsupportedOperationException',
]);

/**
 * A refusal of token or blob makes the prepared import worthless: it is forgotten, the copy in custody stays. A refusal of
 * the bytes leaves it, so that no later run takes the material of somebody else for the one in custody.
 */
async function sendToKms(
  run: MaterialRun,
  custodian: Custodian,
  version: KeyVersion,
  terms: ImportTerms,
  prepared: PreparedImport,
): Promise<ImportResult> {
  const { keyArn, importToken, wrapped } = prepared;
  const { description, expectedId } = terms;
  // Another run may have imported since this one looked: then KMS says whether it was the same material.
  const keyMaterialId = terms.keyMaterialId ?? (await expectedId());
  const importType = keyMaterialId === undefined ? terms.importType : 'EXISTING_KEY_MATERIAL';
  const { materialValidTo: validTo } = version;
  const request = { keyArn, importToken, wrapped, importType, keyMaterialId, description, expectedId, validTo };
  try {
    return await importMaterial(run.clients.kms, request);
  } catch (error) {
    if (!isCode(error, 'kms-import-refused')) throw error;
    const { awsCode } = error.facts;
    if (WORTHLESS.has(awsCode)) await abandonImport(custodian, prepared);
    if (awsCode !== 'IncorrectKeyMaterialException') throw error;
    const there = keyMaterialId ?? (await expectedId());
    if (there !== undefined)
      await run.evidence.record('refused', 'custody', { version: version.name, keyArn, keyMaterialId: there });
    if (there !== undefined) throw ofAnother(custodian, version.name, keyArn, there);
    const found = `the key holds it as the material of another version, or of none`;
    throw new KeyturnError('material-in-key', { version: version.name, keyArn, found }, error);
  }
}

/** The custody record is all that is missing where an earlier run was killed between KMS's answer and its own note of it. */
export async function completePendingImports(run: MaterialRun, versions: readonly ObservedVersion[]): Promise<number> {
  let confirmed = 0;
  if (run.dryRun || custodyDirectory(run.rotation.custody) === undefined) return confirmed;
  if (run.rotation.custody.age?.recipients.length === 0) return confirmed;
  for (const { version, key } of versions) {
    if (version.keyArn || key?.state !== 'Enabled') continue;
    const custodian = await run.custodian();
    const pending = await pendingImportOf(custodian, {
      version: version.name,
      keyArn: key.arn,
      intents: importIntents(run),
    });
    if (!pending) continue;
    await confirmPending(run, custodian, key, pending);
    confirmed += 1;
  }
  return confirmed;
}

/**
 * Sends the same wrapped bytes once more: KMS takes them only if they are the material that the key has. Where it no
 * longer takes the token, the copy in custody is opened with the identity and wrapped again. Without one the import
 * stays unconfirmed, and every run reports it.
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
    if (!isCode(error, 'kms-import-refused')) throw error;
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
      compared: true,
      intents: importIntents(run),
    });
    await confirmImport(run, custodian, key, rewrapped);
  }
}

/** The record is written only for the material that KMS uses for this version: KMS compares with that very one. */
async function confirmImport(
  run: MaterialRun,
  custodian: Custodian,
  { arn: keyArn, validTo, currentKeyMaterialId: keyMaterialId }: KeyDescription,
  prepared: PreparedImport,
): Promise<void> {
  const { importToken, wrapped, version } = prepared;
  if (keyMaterialId === undefined) {
    const found = `KMS names no material of ${version}, so nothing shows that it has the one in custody`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  }
  const request = {
    keyArn,
    importToken,
    wrapped,
    importType: 'EXISTING_KEY_MATERIAL',
    validTo,
    keyMaterialId,
  } as const;
  const imported = await importMaterial(run.clients.kms, request).catch(async (error: unknown) => {
    const isOther = isCode(error, 'kms-import-refused') && error.facts.awsCode === 'IncorrectKeyMaterialException';
    if (isOther) await run.evidence.record('refused', 'custody', { version, keyArn, keyMaterialId });
    throw isOther ? ofAnother(custodian, version, keyArn, keyMaterialId) : error;
  });
  const record = await completeImport(custodian, prepared, imported);
  const summary = `${version}: the import of an earlier run is confirmed, its custody record written`;
  await run.evidence.record('outcome', 'import-material', { outcome: 'changed', summary, imported: [record] });
  run.reporter.note(summary);
}
