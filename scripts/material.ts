import { KeyturnError } from '../lib/errors';
import type { CommandContext, CommandDefinition, CommandOutcome, OptionValues } from './cli/command';
import { ceremonyOptions, PHASES, type Phase, refuseForeignOptions } from './cli/material-options';
import { adoptFile } from './material-adopt';
import { importAnswer } from './material-import';
import { prepareRequest } from './material-prepare';
import { wrapMaterial } from './material-wrap';

const PARTS: Readonly<Record<Phase, (context: CommandContext, options: OptionValues) => Promise<CommandOutcome>>> = {
  prepare: prepareRequest,
  wrap: wrapMaterial,
  import: importAnswer,
  adopt: adoptFile,
};

export const material: CommandDefinition = {
  description:
    'prepare, with AWS access: writes a request with the public key and token of KMS. wrap, offline and without a ' +
    'rotation file: saves the material in custody and wraps it for that request. import, with AWS access: imports ' +
    'and proves the material. adopt, with AWS access: puts material that a key has already, and that lies in a file, into ' +
    'custody, once KMS confirmed that it is the same. ' +
    'The exchanged files are not secret; a request is valid for 24 hours.',
  arguments: [{ name: '<part>', description: PHASES.join(', ') }],
  options: ceremonyOptions,
  mutates: true,
  examples: [
    'npx keyturn material prepare --version v2',
    'npx keyturn material wrap --request rotation-test-v2.request.json --recipient age1...',
    'npx keyturn material import --request rotation-test-v2.request.json --answer rotation-test-v2.wrapped.json',
    'npx keyturn material adopt --version v1 --material-file material.bin',
  ],
  async run(context, options, [part]) {
    const phase = PHASES.find((one) => one === part);
    if (!phase) {
      throw new KeyturnError('usage', {
        problem: `material has no part ${JSON.stringify(part)}`,
        hint: `use one of ${PHASES.join(', ')}`,
      });
    }
    refuseForeignOptions(phase, options);
    return PARTS[phase](context, options);
  },
};
