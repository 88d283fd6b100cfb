import { KeyturnError } from '../errors';
import { observeVersions } from '../observation/observe';
import { bindVersions } from './material/bind-versions';
import { completePendingImports, importVersion } from './material/import-version';
import { type LostMaterial, lostText, lostVersions, waitingVersions } from './material/lost-material';
import { requireCopy } from './material/require-copy';
import type { MaterialRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';

/** Step 2: every declared version that waits for key material has it, in custody first, and proves that it works. */
export const importMaterial: Step<'import-material', MaterialRun, never> = {
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
    const waiting = waitingVersions(run, versions).map((one) => one.version.name);
    if (waiting.length > 0) return { state: 'ready', summary: `${waiting.join(', ')} waits for key material` };
    const lost = await lostVersions(run, versions);
    if (lost[0]) return { state: 'blocked', summary: lostText(lost), hint: `run \`${lost[0].fix}\`` };
    return { state: 'done', summary: 'no version waits for key material' };
  },

  run: (run) => thenBound(run, importAll),

  async verify(run) {
    const waiting = waitingVersions(run, await observeVersions(run)).map((one) => one.version.name);
    if (waiting.length === 0) return;
    const found = `${waiting.join(', ')} is still PendingImport`;
    throw new KeyturnError('step-not-verified', { step: 'import-material', found });
  },
};

/** Nothing to import, and yet not done: the flow goes on only where the version that lost its material is not the active one. */
function restoreFirst(
  { rotation }: Pick<MaterialRun, 'rotation'>,
  lost: readonly LostMaterial[],
): StepResult<'import-material'> {
  const hint = `bring it back first: ${lost.map(({ fix }) => `\`${fix}\``).join(', ')}`;
  const isActive = lost.some(({ name }) => name === rotation.activeVersion);
  return { outcome: 'partly', summary: lostText(lost), facts: {}, hint, ...(isActive ? { endsWith: hint } : {}) };
}

async function importAll(run: MaterialRun): Promise<StepResult<'import-material'>> {
  const versions = await observeVersions(run);
  const confirmed = await completePendingImports(run, versions);
  const waiting = waitingVersions(run, versions);
  const lost = await lostVersions(run, versions);
  if (waiting.length === 0 && lost.length > 0) return restoreFirst(run, lost);
  if (waiting.length === 0) {
    if (confirmed === 0) refuseIgnoredFile(run);
    return { outcome: 'unchanged', summary: 'no version waits for key material', facts: {} };
  }
  const wouldImport = waiting.map((one) => one.version.name);
  const names = wouldImport.join(', ');
  if (run.dryRun) {
    for (const { version, key } of waiting) await requireCopy(run, version, key.currentKeyMaterialId !== undefined);
    const summary = `would import material into ${names}`;
    return { outcome: 'unchanged', summary, facts: { wouldImport }, pending: summary };
  }
  if (run.material.source.kind === 'file' && waiting.length > 1)
    throw new KeyturnError('usage', {
      problem: `--material-file holds the material of one version, and ${names} wait for it`,
      hint: 'declare one version after the other, or import each with `npx keyturn material`',
    });
  await run.approve(`generate, wrap and import key material for ${names}?`);
  const imported = [];
  for (const { version, key } of waiting) imported.push(await importVersion(run, version, key));
  return { outcome: 'changed', summary: `${names} now holds key material`, facts: { imported } };
}

/**
 * A file that nobody reads would seem to be in custody.
 *
 * @throws KeyturnError `usage`
 */
export function refuseIgnoredFile({ material: { source } }: Pick<MaterialRun, 'material'>): void {
  if (source.kind !== 'file') return;
  throw new KeyturnError('usage', {
    problem: `no version waits for key material, so ${source.path} was not used`,
    hint: 'omit --material-file; to put material that a key has already into custody: `npx keyturn material adopt --version <version> --material-file <file>`',
  });
}

/** Whatever the imports were, the binding says what each version is from then on. */
export async function thenBound(
  run: MaterialRun,
  importing: (run: MaterialRun) => Promise<StepResult<'import-material'>>,
): Promise<StepResult<'import-material'>> {
  const result = await importing(run);
  if (run.dryRun) return result;
  const bound = await bindVersions(run);
  return Object.keys(bound).length === 0 ? result : { ...result, facts: { ...result.facts, bound } };
}
