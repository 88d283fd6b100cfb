import { reencrypt } from '../reencrypt';
import { retire } from '../retire';
import type { Step, StepResult } from '../step';
import { verify } from '../verify';

/** A step that a rotation in place has no work for, and why: it says so wherever it would have been run. */
function nothingToDo(step: Step, why: string, leavesBehind: string): Step {
  return {
    ...step,
    leavesBehind,
    check: async () => ({ state: 'done', summary: why }),
    run: async (): Promise<StepResult> => ({ outcome: 'unchanged', summary: why, facts: { strategy: 'in-place' } }),
    verify: async () => undefined,
  };
}

export const reencryptInPlace = nothingToDo(
  reencrypt,
  'objects keep their data keys and their key: a rotation in place moves none',
  'nothing: objects keep their data keys',
);

export const verifyInPlace = nothingToDo(
  verify,
  'every object is under the one key, before and after',
  'nothing: there is one key',
);

export const retireInPlace = nothingToDo(
  retire,
  'nothing can be retired: objects need every material that the key ever had',
  'nothing: earlier material stays in use',
);
