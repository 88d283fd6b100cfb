import { KeyturnError } from '../errors';
import { type Observation, type Observing, observe, observedActive } from '../observation/observe';
import type { TerraformRun } from './rotation-run';
import type { Step, StepState } from './step';
import { planAndApply } from './terraform-step';

/** Step 3: the alias and the buckets' default encryption point at the active version. The guard is in the plan itself. */
export const switchActive: Step<'switch', TerraformRun, never> = {
  id: 'switch',
  title: 'switch',
  doneBy: 'Terraform, storage stack',
  leavesBehind: 'the alias and every bucket default point at the active version',

  check: switchState,

  run: (run) => planAndApply(run, 'storage'),

  async verify(run) {
    const seen = await observe(run);
    const { key } = observedActive(run.rotation, seen.versions);
    const off = key ? notSwitched(seen, key.arn) : ['the active version has no key'];
    if (off.length > 0) throw new KeyturnError('step-not-verified', { step: 'switch', found: off.join(', ') });
  },
};

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
