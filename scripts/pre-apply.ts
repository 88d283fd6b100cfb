import { KeyturnError } from '../lib/errors';
import { stepsOf } from '../lib/workflow';
import { preflightCustody } from '../lib/workflow/preflight';
import { runFlow } from '../lib/workflow/run-flow';
import { type CommandDefinition, rotationFileOption } from './cli/command';
import { materialOptions } from './cli/flow-options';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const preApply: CommandDefinition = {
  name: 'pre-apply',
  summary: 'generate, wrap and import key material for every version that waits for it',
  description:
    'Run after the keys stack is applied and before the storage stack. For every declared version that is PendingImport: ' +
    'generates 32 bytes, hands them to custody, wraps them under the public key that KMS gives out, imports them, and ' +
    'proves the import with a data key. The plain bytes never leave the memory of this process. Running it again is safe: ' +
    'it finishes what an interrupted run began and never generates a second material for a key that has one in custody.',
  options: [rotationFileOption, ...materialOptions],
  mutates: true,
  examples: [
    'npx keyturn pre-apply',
    'npx keyturn pre-apply --dry-run',
    'npx keyturn pre-apply --yes --material-file /media/ceremony/v2.bin',
  ],
  async run(context, options) {
    const end = await withRun('pre-apply', context, options, async (run) => {
      const steps = stepsOf(run.rotation, ['import-material', 'record']);
      const before = await steps[0]?.check(run);
      if (before?.state === 'blocked') {
        throw new KeyturnError('keys-not-declared', { found: before.summary, keysStack: `${run.rotation.name}-keys` });
      }
      await preflightCustody(run);
      return runFlow(steps, run);
    });
    return flowOutcome(context, options, end);
  },
};
