import { record } from '../lib/steps/record';
import { reencrypt } from '../lib/steps/reencrypt';
import { retire } from '../lib/steps/retire';
import { runFlow } from '../lib/steps/run-flow';
import { verify } from '../lib/steps/verify';
import { type CommandDefinition, rotationFileOption } from './command';
import { reencryptOptions } from './flow-options';
import { flowOutcome } from './flow-outcome';
import { withRun } from './session';

export const postApply: CommandDefinition = {
  name: 'post-apply',
  summary: 're-encrypt the objects, verify them, and retire superseded versions behind the gate',
  description:
    'Run after the storage stack is applied. Moves every object version of every declared bucket to the active version, ' +
    'looks at all of them afresh, and disables each superseded version only if the gate finds nothing left under it and ' +
    'nothing unknown. It never deletes a key. Running it again is safe.',
  options: [rotationFileOption, ...reencryptOptions],
  mutates: true,
  examples: [
    'npx keyturn post-apply',
    'npx keyturn post-apply --dry-run',
    'npx keyturn post-apply --yes --max-rps 500',
  ],
  async run(context, options) {
    const end = await withRun('post-apply', context, options, (run) =>
      runFlow([reencrypt, verify, retire, record], run),
    );
    return flowOutcome(context, options, end);
  },
};
