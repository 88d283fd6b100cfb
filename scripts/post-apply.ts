import { stepsOf } from '../lib/workflow';
import { runFlow } from '../lib/workflow/run-flow';
import { type CommandDefinition, rotationFileOption } from './cli/command';
import { reencryptOptions } from './cli/flow-options';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const postApply: CommandDefinition = {
  name: 'post-apply',
  summary: 're-encrypt the objects, verify them, and retire superseded versions behind the gate',
  description:
    'Run after the storage stack is applied. Moves every object version of every declared bucket to the active version, ' +
    'looks at all of them afresh, and disables each superseded version only if the gate finds nothing left under it and ' +
    'nothing unknown. It never deletes a key. Running it again is safe. With strategy: in-place it rotates the key to the ' +
    'material of the active version instead, and says what that leaves undone.',
  options: [rotationFileOption, ...reencryptOptions],
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
