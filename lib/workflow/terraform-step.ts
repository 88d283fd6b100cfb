import type { StackRole } from '../terraform/workspace';
import type { RotationRun } from './rotation-run';
import type { StepResult } from './step';

/**
 * Plans one stack to a file, shows it, asks, and applies exactly that file. An empty plan is a finished step.
 * In a dry run the plan is shown and left at that.
 */
export async function planAndApply(run: RotationRun, stack: StackRole): Promise<StepResult> {
  const plan = await run.workspace.plan(stack);
  const facts = { stack, changes: plan.changes, summary: plan.summary, tools: plan.tools };
  if (!plan.changes) return { outcome: 'unchanged', summary: `the ${stack} stack has nothing to change`, facts };
  run.reporter.block(plan.text);
  if (run.dryRun) return { outcome: 'unchanged', summary: `would apply the plan of the ${stack} stack`, facts };
  await run.approve(`apply this plan of the ${stack} stack?`);
  await run.evidence.record('intent', stack === 'keys' ? 'declare-keys' : 'switch', facts);
  await run.workspace.apply(plan);
  return { outcome: 'changed', summary: `the ${stack} stack is applied`, facts };
}
