import type { StackRole } from '../terraform/workspace';
import type { TerraformFacts } from './flow-facts';
import type { TerraformRun } from './rotation-run';
import type { StepResult } from './step';

/**
 * Plans one stack to a file, shows it, asks, and applies exactly that file. An empty plan is a finished step.
 * A dry run shows the plan and stops there.
 */
export async function planAndApply(
  run: Omit<TerraformRun, 'clients' | 'rotation'>,
  stack: StackRole,
): Promise<StepResult<'declare-keys' | 'switch'>> {
  const plan = await run.workspace.plan(stack);
  const facts: TerraformFacts = { stack, changes: plan.changes, summary: plan.summary, tools: plan.tools };
  if (!plan.changes) return { outcome: 'unchanged', summary: `the ${stack} stack has nothing to change`, facts };
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
