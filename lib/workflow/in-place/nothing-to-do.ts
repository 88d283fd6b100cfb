import { reencrypt } from '../reencrypt';
import { retire } from '../retire';
import type { Step, StepState } from '../step';
import { verify } from '../verify';

/** A step that a rotation in place has no work for, and why: it reports that wherever it would run. */
function nothingToDo(why: string, leavesBehind: string) {
  return {
    leavesBehind,
    check: async (): Promise<StepState> => ({ state: 'done', summary: why }),
    run: async () => ({ outcome: 'unchanged', summary: why, facts: { strategy: 'in-place' } }) as const,
    verify: async () => undefined,
  };
}

export const reencryptInPlace: Step<'re-encrypt', unknown, never> = {
  ...reencrypt,
  ...nothingToDo(
    'objects keep their data keys and their key: a rotation in place moves none',
    'nothing: objects keep their data keys',
  ),
};

export const verifyInPlace: Step<'verify', unknown, never> = {
  ...verify,
  ...nothingToDo('every object is under the one key, before and after', 'nothing: there is one key'),
};

export const retireInPlace: Step<'retire', unknown, never> = {
  ...retire,
  ...nothingToDo(
    'nothing can be retired: objects need every material that the key ever had',
    'nothing: earlier material stays in use',
  ),
};
