import { KeyturnError } from '../errors';
import { observeVersions } from '../observation/observe';
import { versionAlias } from '../rotation/rotation';
import type { TerraformRun } from './rotation-run';
import type { Step, StepState } from './step';
import { planAndApply } from './terraform-step';

/** Step 1: every declared version has its external-origin key and its version alias; nothing else moves. */
export const declareKeys: Step<'declare-keys', TerraformRun, never> = {
  id: 'declare-keys',
  title: 'declare keys',
  doneBy: 'Terraform, keys stack',
  leavesBehind: 'a new version is PendingImport behind its version alias',

  async check(run): Promise<StepState> {
    const missing = (await observeVersions(run)).filter((one) => !one.key).map((one) => one.version.name);
    if (missing.length === 0) return { state: 'done', summary: 'every declared version has its key' };
    return { state: 'ready', summary: `no key yet for ${missing.join(', ')}` };
  },

  run: (run) => planAndApply(run, 'keys'),

  async verify(run) {
    for (const { version, key } of await observeVersions(run)) {
      const name = version.keyArn ?? versionAlias(run.rotation, version);
      if (!key) throw new KeyturnError('step-not-verified', { step: 'declare-keys', found: `${name} names no key` });
      if (!version.keyArn && key.origin !== 'EXTERNAL') {
        const found = `${name} has origin ${key.origin}, not EXTERNAL`;
        throw new KeyturnError('step-not-verified', { step: 'declare-keys', found });
      }
    }
  },
};
