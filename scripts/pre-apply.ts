import { KeyturnError } from '../lib/errors';
import { declaredStacks } from '../lib/rotation/declared-stacks';
import { stepsOf } from '../lib/workflow';
import { preflightCustody } from '../lib/workflow/preflight';
import { runFlow } from '../lib/workflow/run-flow';
import { type CommandDefinition, rotationFileOptions } from './cli/command';
import { materialOptions, pendingOption } from './cli/flow-options';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const preApply: CommandDefinition = {
  description:
    'Run this after applying the keys stack and before the storage stack. Generates 32 bytes per key, saves them ' +
    'in custody, wraps and imports them, and proves the import. The plain bytes never leave the memory of this ' +
    'process. Safe to run again: it continues an interrupted run and never replaces material that is in custody.',
  options: [...rotationFileOptions, ...materialOptions, pendingOption],
  mutates: true,
  examples: [
    'npx keyturn pre-apply',
    'npx keyturn pre-apply --dry-run',
    'npx keyturn pre-apply --yes --material-file /media/ceremony/v2.bin',
  ],
  async run(context, options) {
    const end = await withRun('pre-apply', context, options, async (run) => {
      const steps = stepsOf(run.rotation, ['import-material', 'record']);
      const [declared] = stepsOf(run.rotation, ['declare-keys']);
      const before = await declared?.check(run);
      if (before && before.state !== 'done') {
        throw new KeyturnError('keys-not-declared', {
          found: before.summary,
          keysStack: declaredStacks(run.rotation).keys,
        });
      }
      await preflightCustody(run);
      return runFlow(steps, run);
    });
    return flowOutcome(context, options, end);
  },
};
