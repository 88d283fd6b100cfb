import { awsNow } from '../../aws/aws-clock';
import { KeyturnError } from '../../errors';
import type { KeyDescription } from '../../kms/describe-key';
import { pauseFor } from '../../kms/wait-for-key';
import { extendCommand, keeperOf } from '../../observation/key-remedy';
import {
  materialDescription,
  materialFacts,
  type ObservedMaterials,
  observeMaterials,
  type VersionMaterial,
} from '../../observation/observed-materials';
import type { Rotation } from '../../rotation/rotation';
import { importMaterial as perKey, refuseIgnoredFile, thenBound } from '../import-material';
import { completePendingImports, type ImportTerms, importVersion, proveCurrent } from '../material/import-version';
import { type LostMaterial, lostText } from '../material/lost-material';
import { requireCopy } from '../material/require-copy';
import type { MaterialRun } from '../rotation-run';
import type { Step, StepResult, StepState } from '../step';

/** KMS shows a finished import everywhere in seconds, at times in minutes. */
const CONSISTENCY_MS = 5 * 60_000;
const PAUSE_MS = 500;

/** Step 2, in place: the one key holds the material of every version that KMS would take now. */
export const importMaterialInPlace: Step<'import-material', MaterialRun, never> = {
  ...perKey,
  leavesBehind: 'the one key holds the version’s material, in custody with a custody record',

  async check(run): Promise<StepState> {
    const observed = await observeMaterials(run);
    if (!observed.key) return { state: 'blocked', summary: 'no key yet', hint: 'apply the keys stack first' };
    const now = awsNow(run.clients.kms);
    const refusal = relatedRefusal(observed, now);
    if (refusal) return { state: 'blocked', summary: refusal.message, hint: refusal.hint };
    const next = nextImport(observed, now);
    if (next) return { state: 'ready', summary: `${next.version.name} waits for key material` };
    const lost = lapsedVersions(run.rotation, observed, now);
    if (lost[0]) return { state: 'blocked', summary: lostText(lost), hint: `run \`${lost[0].fix}\`` };
    return { state: 'done', summary: waitingText(observed, now) ?? 'every declared version has its material' };
  },

  run: (run) => thenBound(run, importNext),

  async verify(run) {
    const next = nextImport(await observeMaterials(run), awsNow(run.clients.kms));
    if (!next) return;
    const found = `the key holds no material of ${next.version.name}`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  },
};

async function importNext(run: MaterialRun): Promise<StepResult<'import-material'>> {
  let observed = await observeMaterials(run);
  const now = awsNow(run.clients.kms);
  const refusal = relatedRefusal(observed, now);
  if (refusal) throw refusal;
  const confirmed = await completePendingImports(run, withOwnDates(observed));
  const names: string[] = [];
  const imported = [];
  for (let next = nextImport(observed, now); next && observed.key; next = nextImport(observed, now)) {
    if (names.includes(next.version.name)) {
      const found = `KMS took the material of ${next.version.name}, and lists none for it`;
      throw new KeyturnError('step-not-verified', { step: 'import-material', found });
    }
    names.push(next.version.name);
    if (run.dryRun) await requireCopy(run, next.version, next.material !== undefined);
    if (run.dryRun) break;
    await run.approve(`generate, wrap and import key material for ${next.version.name}?`);
    imported.push(await importVersion(run, next.version, observed.key, termsOf(run, observed.key, next)));
    observed = await observeMaterials(run);
  }
  const left = waitingText(observed, now);
  if (left && !run.dryRun) run.reporter.note(left);
  const lost = lapsedVersions(run.rotation, observed, now);
  if (lost.length > 0 && !run.dryRun) {
    const hint = `bring it back first: ${lost.map(({ fix }) => `\`${fix}\``).join(', ')}`;
    return { outcome: 'partly', summary: lostText(lost), facts: materialFacts(observed), endsWith: hint };
  }
  if (names.length === 0) {
    if (confirmed === 0) refuseIgnoredFile(run);
    return { outcome: 'unchanged', summary: 'no version waits for key material', facts: materialFacts(observed) };
  }
  if (run.dryRun) {
    const summary = `would import material for ${names.join(', ')}`;
    return { outcome: 'unchanged', summary, facts: { wouldImport: names }, pending: summary };
  }
  const facts = { imported, ...materialFacts(observed) };
  return { outcome: 'changed', summary: `the key now holds the material of ${names.join(', ')}`, facts };
}

/** New material of a multi-Region key goes into its primary first, and into every replica before it can be rotated to. */
function relatedRefusal(observed: ObservedMaterials, now: Date): KeyturnError | undefined {
  const { key } = observed;
  const next = nextImport(observed, now);
  if (!key?.relatedKeys?.length || next === undefined || next.material !== undefined) return undefined;
  return new KeyturnError('related-keys-in-place', { keyArn: key.arn, related: key.relatedKeys });
}

/**
 * The version whose material KMS would take now: one that was lost comes first, as the key is unusable without it. New
 * material is taken one at a time, in order, once the one before it was rotated into use.
 *
 * @param now - by AWS's clock
 */
export function nextImport({ versions }: Pick<ObservedMaterials, 'versions'>, now: Date): VersionMaterial | undefined {
  const lost = versions.find(
    ({ version, material }) => material?.imported === false && !hasLapsed(version.materialValidTo, now),
  );
  if (lost) return lost;
  if (versions.some(({ material }) => material?.state === 'PENDING_ROTATION')) return undefined;
  return versions.find((one) => isToFill(one, now));
}

/** A version whose date passed before it had any material is skipped: KMS takes no such date. */
const isToFill = ({ version, material }: VersionMaterial, now: Date): boolean =>
  material === undefined && !hasLapsed(version.materialValidTo, now);

/** Material that was lost, with a date in the file that KMS would refuse: only a later date brings it back. */
function lapsedVersions(
  rotation: Pick<Rotation, 'custody'>,
  { versions }: Pick<ObservedMaterials, 'versions'>,
  now: Date,
): readonly LostMaterial[] {
  return versions.flatMap(({ version, material }) =>
    material?.imported === false && hasLapsed(version.materialValidTo, now)
      ? [{ name: version.name, fix: extendCommand(version.name, keeperOf(rotation)) }]
      : [],
  );
}

/** By AWS's clock, which decides whether KMS takes a date. */
const hasLapsed = (validTo: Date | undefined, now: Date): boolean => validTo !== undefined && validTo <= now;

function waitingText({ versions }: ObservedMaterials, now: Date): string | undefined {
  const left = versions.filter((one) => isToFill(one, now)).map(({ version }) => version.name);
  const pending = versions.find(({ material }) => material?.state === 'PENDING_ROTATION')?.version.name;
  if (left.length === 0 || pending === undefined) return undefined;
  return `${left.join(', ')} can have material once ${pending} is in use: KMS holds one waiting material at a time`;
}

/** A version each, with its own material and that one's date: of a key KMS names only the current one and the nearest date. */
function withOwnDates({ key, versions }: ObservedMaterials) {
  return versions.map(({ version, material }) => ({
    version,
    key:
      key && material?.imported ? { ...key, validTo: material.validTo, currentKeyMaterialId: material.id } : undefined,
  }));
}

function termsOf(run: MaterialRun, key: KeyDescription, { version, material }: VersionMaterial): ImportTerms {
  const description = materialDescription(run.rotation, version);
  const proveImported: ImportTerms['proveImported'] = async ({ keyMaterialId }) => {
    const { versions } = await untilListed(run, version.name, keyMaterialId);
    const named = `material ${keyMaterialId.slice(0, 12)}…`;
    if (stateOf(versions, keyMaterialId) === 'PENDING_ROTATION')
      return `${named} is in the key and waits to be rotated into use; it is proved then`;
    const lost = versions.filter((one) => one.material?.imported === false).map((one) => one.version.name);
    if (lost.length > 0)
      return `${named} is in the key; KMS keeps the key out of use until that of ${lost.join(', ')} is too`;
    // One that was lost is not the current one by need; the key that works again proves it all the same.
    const current = versions.find(({ material: one }) => one?.state === 'CURRENT')?.material;
    return proveCurrent(run, key, { keyMaterialId: current?.id ?? keyMaterialId });
  };
  const expectedId = async () => {
    const { versions } = await observeMaterials(run);
    return versions.find((one) => one.version.name === version.name)?.material?.id;
  };
  if (material) return { importType: 'EXISTING_KEY_MATERIAL', keyMaterialId: material.id, expectedId, proveImported };
  return { importType: 'NEW_KEY_MATERIAL', description, expectedId, proveImported };
}

const stateOf = (versions: readonly VersionMaterial[], id: string): string | undefined =>
  versions.find(({ material }) => material?.id === id)?.material?.state;

async function untilListed(run: MaterialRun, version: string, keyMaterialId: string): Promise<ObservedMaterials> {
  const deadline = Date.now() + CONSISTENCY_MS;
  for (;;) {
    const observed = await observeMaterials(run);
    const found = observed.versions.find((one) => one.version.name === version)?.material;
    if (found?.id === keyMaterialId && found.imported) return observed;
    if (Date.now() > deadline) {
      const text = `KMS does not list the imported material ${keyMaterialId} as that of ${version}`;
      throw new KeyturnError('step-not-verified', { step: 'import-material', found: text });
    }
    await pauseFor(PAUSE_MS, run.signal, `waiting for the material of ${version}`);
  }
}
