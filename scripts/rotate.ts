import { flow, flowFor } from '../lib/workflow';
import { preflightCustody } from '../lib/workflow/preflight';
import { runFlow } from '../lib/workflow/run-flow';
import { type CommandDefinition, rotationFileOptions } from './cli/command';
import { materialOptions, pendingOption, reencryptOptions } from './cli/flow-options';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const rotate: CommandDefinition = {
  description:
    `Runs ${flow.map((step) => step.title).join(' → ')}. Each Terraform step shows its plan, asks, and ` +
    'applies exactly that plan. It skips finished steps, so run it again after any interruption.',
  options: [...rotationFileOptions, ...materialOptions, ...reencryptOptions, pendingOption],
  mutates: true,
  examples: ['npx keyturn rotate', 'npx keyturn rotate --dry-run', 'npx keyturn rotate --yes --json > rotation.json'],
  async run(context, options) {
    const end = await withRun(
      'rotate',
      context,
      options,
      async (run) => {
        await preflightCustody(run);
        return runFlow(flowFor(run.rotation), run);
      },
      { onStacks: 'rotate' },
    );
    return flowOutcome(context, options, end);
  },
};
