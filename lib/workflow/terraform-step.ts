import type { StackRole } from '../terraform/workspace';
import type { TerraformFacts } from './flow-facts';
import { refuseExisting, refuseUnmanaged } from './refuse-existing';
import type { TerraformRun } from './rotation-run';
import type { StepResult } from './step';

/**
 * Plans one stack to a file, shows it, asks, and applies exactly that file. An empty plan is a finished step.
 * A dry run shows the plan and stops there.
 *
 * @throws resource-exists where the plan creates what AWS holds already, and the errors of Terraform
 */
export async function planAndApply(
  run: TerraformRun,
  stack: StackRole,
): Promise<StepResult<'declare-keys' | 'switch'>> {
  const plan = await run.workspace.plan(stack);
  const facts: TerraformFacts = {
    stack,
    changes: plan.changes,
    summary: plan.summary,
    tools: plan.tools,
    effects: effectsOf(plan.text),
  };
  if (!plan.changes) return { outcome: 'unchanged', summary: `the ${stack} stack has nothing to change`, facts };
  await refuseExisting(run, plan);
  // The storage stack is planned only once the keys are applied: what it would collide with must be found before.
  if (stack === 'keys') await refuseUnmanaged(run, 'storage', run.workspace);
  run.reporter.block(plan.text);
  if (run.dryRun) {
    const summary = `would apply the plan of the ${stack} stack`;
    return { outcome: 'unchanged', summary, facts, pending: summary };
  }
  await run.approve(`apply this plan of the ${stack} stack?`);
  await run.evidence.record('intent', stack === 'keys' ? 'declare-keys' : 'switch', { ...facts });
  await run.workspace.apply(plan);
  return { outcome: 'changed', summary: `the ${stack} stack is applied`, facts };
}

/** The plan in words, as it was shown, without its indents. */
const effectsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
