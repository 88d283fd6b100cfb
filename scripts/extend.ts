import { EXIT, KeyturnError } from '../lib/errors';
import { extendVersion } from '../lib/workflow/material/extend-version';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { identityOption } from './cli/flow-options';
import { withRun } from './cli/session';
import { givenValidTo } from './material-expiry';

const EXAMPLE = 'npx keyturn extend --version v2 --valid-days 300 --identity identity.txt';

export const extend: CommandDefinition = {
  description:
    'Imports the same material from custody again with a later date, proves that the key works, and writes the ' +
    'date into the rotation file. It also restores a key whose material KMS deleted at its expiry. It changes no ' +
    'object, alias or bucket, and needs no Terraform run.',
  options: [
    rotationFileOption,
    { flags: '--version <name>', description: 'the key version' },
    { flags: '--valid-to <time>', description: 'the new date, UTC, at most 365 days ahead: 2027-11-01T00:00:00Z' },
    { flags: '--valid-days <n>', description: 'the new date, in days from now' },
    identityOption,
  ],
  mutates: true,
  examples: [EXAMPLE, 'npx keyturn extend --version v2 --valid-to 2027-11-01T00:00:00Z --dry-run'],
  async run(context, options) {
    const version = text(options, 'version');
    if (version === undefined) throw missing('--version is missing');
    const validTo = givenValidTo(options, new Date(), EXAMPLE);
    if (validTo === undefined) throw missing('neither --valid-to nor --valid-days is given');
    const end = await withRun('extend', context, options, (run) => extendVersion(run, version, validTo), {
      expired: 'accept',
    });
    const { from, to, outcome, recovered } = end.result;
    const { terminal } = context;
    if (outcome === 'unchanged') terminal.note(`${version} is already valid to ${to}`);
    else {
      const what = recovered ? 'has its material again, valid to' : `moves from ${from} to`;
      terminal.heading(`${flag(options, 'dryRun') ? 'dry run, nothing was changed: ' : ''}${version} ${what} ${to}`);
    }
    if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
    if (outcome === 'changed' && !flag(options, 'dryRun')) terminal.hint('commit the rotation file with its new date');
    return {
      exitCode: EXIT.done,
      data: {
        rotation: end.rotation.name,
        account: end.account,
        region: end.rotation.region,
        dryRun: flag(options, 'dryRun'),
        ...end.result,
        evidence: end.evidenceFile ?? null,
      },
    };
  },
};

const missing = (problem: string): KeyturnError =>
  new KeyturnError('usage', { problem, hint: `such as \`${EXAMPLE}\`` });
