import { KeyturnError } from '../errors';
import { completeImport, prepareImport } from '../key-material/prepare-import';
import type { KeyDescription } from '../kms/describe-key';
import { importMaterial as importIntoKms, importParameters } from '../kms/import';
import { proveImport } from '../kms/prove-import';
import { waitForKey } from '../kms/wait-for-key';
import type { KeyVersion } from '../rotation/rotation';
import { type ObservedVersion, observeVersions } from './observe';
import type { RotationRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';

/** How long KMS may take to show a new key or a finished import everywhere; its docs say seconds, at times minutes. */
const SETTLE_MS = 5 * 60_000;

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
  const { clients, custodian, reporter, signal, rotation } = run;
  const { kms } = clients;
  reporter.note(`${version.name}: asking KMS for a public key and an import token`);
  const parameters = await importParameters(kms, key.arn, { signal });
  const prepared = await prepareImport(custodian, {
    rotation: rotation.name,
    version: version.name,
    keyArn: key.arn,
    parameters,
    source: run.material.source,
    identityFile: run.material.identityFile,
  });
  reporter.note(`${version.name}: ${prepared.origin}; custody: ${custodian.describe(version.name)}`);
  await run.evidence.record('intent', 'import-material', {
    version: version.name,
    keyArn: key.arn,
    origin: prepared.origin,
  });
  const importType = key.currentKeyMaterialId ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL';
  const validTo = version.materialValidTo;
  const { keyMaterialId } = await importIntoKms(kms, {
    keyArn: key.arn,
    importToken: prepared.importToken,
    wrapped: prepared.wrapped.ciphertext,
    importType,
    validTo,
  });
  await waitForKey(kms, key.arn, (now) => now.state === 'Enabled', { timeoutMs: SETTLE_MS, signal });
  const proof = await proveImport(kms, key.arn, rotation.name);
  if (proof.keyMaterialId !== keyMaterialId) {
    const found = `KMS encrypts with material ${proof.keyMaterialId}, not with the imported ${keyMaterialId}`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  }
  const record = await completeImport(custodian, prepared, { keyMaterialId, importType, validTo });
  reporter.note(
    `${version.name}: Enabled, proved by a data key encrypted and decrypted under material ${keyMaterialId.slice(0, 12)}…`,
  );
  return record;
}
