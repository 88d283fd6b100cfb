import { KeyturnError } from '../errors';
import { type Observation, type Observing, observe, observedActive } from '../observation/observe';
import { activeInUse, requireCustody } from './material/require-custody';
import { requireAccess } from './require-access';
import type { CustodyRun, TerraformRun } from './rotation-run';
import type { Step, StepState } from './step';
import { planAndApply } from './terraform-step';

/** Step 3: the alias and the buckets' default encryption point at the active version. The guard is in the plan itself. */
export const switchActive: Step<'switch', TerraformRun, never> = {
  id: 'switch',
  title: 'switch',
  doneBy: 'Terraform, storage stack',
  leavesBehind: 'the alias and every bucket default point at the active version',

  check: switchState,

  async run(run) {
    await requireSwitchable(run);
    return planAndApply(run, 'storage');
  },

  async verify(run) {
    const seen = await observe(run);
    const { key } = observedActive(run.rotation, seen.versions);
    const off = key ? notSwitched(seen, key.arn) : ['the active version has no key'];
    if (off.length > 0) throw new KeyturnError('step-not-verified', { step: 'switch', found: off.join(', ') });
  },
};

/**
 * Before alias or a bucket default moves to a version, custody must hold its material, and nobody who used the old key may lose
 * access. Back to an earlier version is a rollback: objects are under that key already, and it stays possible whatever custody
 * holds and policies say.
 *
 * @throws custody-not-proven, access-lost
 */
export async function requireSwitchable(run: CustodyRun): Promise<void> {
  const { rotation } = run;
  const seen = await observe(run);
  const { key } = observedActive(rotation, seen.versions);
  if (!key || notSwitched(seen, key.arn).length === 0) return;
  const names = rotation.keyVersions.map(({ name }) => name);
  const now = seen.versions.findIndex((one) => one.key !== undefined && one.key.arn === seen.aliasTarget);
  if (now > names.indexOf(rotation.activeVersion)) return;
  const material = await activeInUse(run);
  if (material) await requireCustody(run, 'switch', material);
  await requireAccess(run);
}

/** Whether alias and bucket defaults point at the active version. Reads only. */
export async function switchState(run: Observing): Promise<StepState> {
  const seen = await observe(run);
  const { version, key } = observedActive(run.rotation, seen.versions);
  if (key?.state !== 'Enabled') {
    const summary = `the active version ${version.name} is ${key?.state ?? 'not declared to AWS yet'}, not Enabled`;
    return { state: 'blocked', summary, hint: 'apply the keys stack, then run `npx keyturn pre-apply`' };
  }
  const off = notSwitched(seen, key.arn);
  if (off.length === 0) return { state: 'done', summary: `alias and bucket defaults point at ${version.name}` };
  return { state: 'ready', summary: `not at ${version.name} yet: ${off.join(', ')}` };
}

/** What still points elsewhere: the main alias, and the buckets by name. */
export function notSwitched(seen: Observation, activeKeyArn: string): readonly string[] {
  const buckets = seen.buckets.filter((bucket) => bucket.default?.keyArn !== activeKeyArn);
  return [...(seen.aliasTarget === activeKeyArn ? [] : ['the main alias']), ...buckets.map((bucket) => bucket.name)];
}
