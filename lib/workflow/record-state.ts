import { observe } from '../observation/observe';
import { stateFacts } from '../observation/state-facts';
import type { RunTarget } from './rotation-run';
import type { Step, StepResult, StepState } from './step';

/** Step 7: the state that the run leaves in AWS is written into the evidence, which every step has been adding to. */
export const record: Step<'record', RunTarget, never> = {
  id: 'record',
  title: 'record',
  doneBy: 'every step',
  leavesBehind: 'an evidence file, hash-chained, checkable offline',

  async check(): Promise<StepState> {
    return { state: 'ready', summary: 'every run writes its own evidence' };
  },

  async run(run): Promise<StepResult<'record'>> {
    const facts = stateFacts(await observe(run));
    return { outcome: 'unchanged', summary: 'the state after the run is written down', facts };
  },

  async verify() {
    // The chain of the whole file is checked once it is closed, by the command that opened it.
  },
};
