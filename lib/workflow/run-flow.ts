import { throwIfInterrupted } from '../errors';
import { observe } from '../observation/observe';
import { stateFacts } from '../observation/state-facts';
import type { StepId } from './flow-facts';
import type { RotationRun } from './rotation-run';
import type { Earlier, Step, StepResult } from './step';

export interface StepReport extends StepResult {
  readonly id: Step['id'];
  readonly milliseconds: number;
}

/**
 * Runs steps in order: run, verify, record. Hands each step what the earlier ones found. Stops at the first that
 * throws. Behind a step that is only partly done the reading steps go on, unless it says that they cannot begin; the
 * gate stays closed by what they find.
 */
export async function runFlow(
  steps: readonly Step[],
  run: RotationRun,
  afterStep: (report: StepReport) => void = () => {},
): Promise<readonly StepReport[]> {
  const reports: StepReport[] = [];
  let earlier: Earlier<StepId> = {};
  for (const step of steps) {
    throwIfInterrupted(run.signal, step.title);
    run.reporter.heading(step.title);
    const started = performance.now();
    const result = await runStep(step, run, earlier);
    earlier = { ...earlier, [step.id]: result.facts };
    const report = { id: step.id, ...result, milliseconds: Math.round(performance.now() - started) };
    run.reporter.note(result.summary);
    reports.push(report);
    afterStep(report);
    if (result.endsWith !== undefined) break;
  }
  return reports;
}

async function runStep(step: Step, run: RotationRun, earlier: Earlier<StepId>): Promise<StepResult> {
  if (run.dryRun) {
    const before = await step.check(run);
    if (before.state === 'blocked') {
      const summary = `cannot be tried yet: ${before.summary}`;
      return { outcome: 'unchanged', summary, facts: {}, pending: summary };
    }
  }
  const result = await step.run(run, earlier);
  if (!run.dryRun) await step.verify(run, result);
  await run.evidence.record('outcome', step.id, { outcome: result.outcome, summary: result.summary, ...result.facts });
  if (result.outcome !== 'unchanged')
    await run.evidence.record('state', step.id, { ...stateFacts(await observe(run)) });
  return result;
}
