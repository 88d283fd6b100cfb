import { KeyturnError } from '../lib/errors';
import type { CommandContext, CommandDefinition, CommandOutcome, OptionValues } from './cli/command';
import { ceremonyOptions, PHASES, type Phase, refuseForeignOptions } from './cli/material-options';
import { importAnswer } from './material-import';
import { prepareRequest } from './material-prepare';
import { wrapMaterial } from './material-wrap';

const PARTS: Readonly<Record<Phase, (context: CommandContext, options: OptionValues) => Promise<CommandOutcome>>> = {
  prepare: prepareRequest,
  wrap: wrapMaterial,
  import: importAnswer,
};

export const material: CommandDefinition = {
  name: 'material',
  summary: 'bring material into a key from a machine without AWS access, in three parts',
  description:
    'prepare, with AWS access, writes the public key and the token of KMS into a request that a person can check. wrap, on ' +
    'a machine without any network and without a rotation file, takes the material into custody and wraps it for that ' +
    'request. import, with AWS access again, hands the wrapped material to KMS and proves it. Nothing that is carried ' +
    'between the machines is secret; a request is good for 24 hours.',
  arguments: [{ name: '<part>', description: PHASES.join(', ') }],
  options: ceremonyOptions,
  mutates: true,
  examples: [
    'npx keyturn material prepare --version v2',
    'npx keyturn material wrap --request rotation-test-v2.request.json --recipient age1...',
    'npx keyturn material import --request rotation-test-v2.request.json --answer rotation-test-v2.wrapped.json',
  ],
  async run(context, options, [part]) {
    const phase = PHASES.find((one) => one === part);
    if (!phase) {
      throw new KeyturnError('usage', {
        problem: `a ceremony has no part ${JSON.stringify(part)}`,
        hint: `say one of ${PHASES.join(', ')}`,
      });
    }
    refuseForeignOptions(phase, options);
    return PARTS[phase](context, options);
  },
};
