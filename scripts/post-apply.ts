import { stepsOf } from '../lib/workflow';
import { runFlow } from '../lib/workflow/run-flow';
import { type CommandDefinition, rotationFileOptions } from './cli/command';
import { pendingOption, reencryptOptions } from './cli/flow-options';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const postApply: CommandDefinition = {
  description:
    'Run this after applying the storage stack. Moves every object version to the active key version, verifies all ' +
    'of them from a fresh listing, and disables a superseded key only if nothing is left under it. With strategy: ' +
    'in-place it rotates the key to the active material instead. Never deletes a key; safe to run again.',
  options: [...rotationFileOptions, ...reencryptOptions, pendingOption],
  mutates: true,
  examples: [
    'npx keyturn post-apply',
    'npx keyturn post-apply --dry-run',
    'npx keyturn post-apply --yes --max-rps 500',
  ],
  async run(context, options) {
    const end = await withRun('post-apply', context, options, (run) =>
      runFlow(stepsOf(run.rotation, ['rotate-material', 're-encrypt', 'verify', 'retire', 'record']), run),
    );
    return flowOutcome(context, options, end);
  },
};
