import { isCode, KeyturnError } from '../errors';
import { abandonImport, completeImport } from '../key-material/complete-import';
import type { Custodian } from '../key-material/custody/custodian';
import { type PreparedImport, prepareImport } from '../key-material/prepare-import';
import type { KeyDescription } from '../kms/describe-key';
import { type ImportResult, importMaterial as importIntoKms } from '../kms/import-material';
import { importParameters } from '../kms/import-parameters';
import { proveImport } from '../kms/prove-import';
import { waitForKey } from '../kms/wait-for-key';
import type { KeyVersion } from '../rotation/rotation';
import { type ObservedVersion, observeVersions } from './observe';
import type { RotationRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';

/** How long KMS may take to show a new key or a finished import everywhere; its docs say seconds, at times minutes. */
const SETTLE_MS = 5 * 60_000;

const ORIGINS: Readonly<Record<PreparedImport['from'], string>> = {
  generated: 'material generated and wrapped',
  file: 'material read from the file and wrapped',
  custody: 'material taken from custody and wrapped again',
  pending: 'the import that an earlier run prepared goes on',
};

const pending = (one: ObservedVersion): one is ObservedVersion & { key: KeyDescription } =>
  one.key?.state === 'PendingImport' && one.version.keyArn === undefined && !one.version.disabled;

/** Step 2: every declared version that waits for key material has it, in custody first, and proves that it works. */
export const importMaterial: Step = {
  id: 'import-material',
  title: 'import material',
  doneBy: 'pre-apply',
  leavesBehind: 'the version is Enabled; its material is in custody with a custody record',

  async check(run): Promise<StepState> {
    const versions = await observeVersions(run);
    const absent = versions.filter((one) => !one.key);
    if (absent.length > 0) {
      const names = absent.map((one) => one.version.name).join(', ');
      return { state: 'blocked', summary: `no key yet for ${names}`, hint: 'apply the keys stack first' };
    }
    const waiting = versions.filter(pending).map((one) => one.version.name);
    if (waiting.length > 0) return { state: 'ready', summary: `${waiting.join(', ')} waits for key material` };
    return { state: 'done', summary: 'no version waits for key material' };
  },

  async run(run): Promise<StepResult> {
    const waiting = (await observeVersions(run)).filter(pending);
    if (waiting.length === 0) return { outcome: 'unchanged', summary: 'no version waits for key material', facts: {} };
    const names = waiting.map((one) => one.version.name).join(', ');
    if (run.dryRun)
      return { outcome: 'unchanged', summary: `would import material into ${names}`, facts: { versions: names } };
    await run.approve(`generate, wrap and import key material for ${names}?`);
    const imported = [];
    for (const { version, key } of waiting) imported.push(await importVersion(run, version, key));
    return { outcome: 'changed', summary: `${names} now holds key material`, facts: { imported } };
  },

  async verify(run) {
    for (const { version, key } of await observeVersions(run)) {
      if (version.keyArn || version.disabled || key?.state !== 'PendingImport') continue;
      const found = `${version.name} is still PendingImport`;
      throw new KeyturnError('step-not-verified', { step: 'import-material', found });
    }
  },
};

async function importVersion(run: RotationRun, version: KeyVersion, key: KeyDescription) {
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
    return await importIntoKms(run.clients.kms, {
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
