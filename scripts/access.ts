import { type AccessRow, accessRows, isOpen, stoppingUses } from '../lib/access/access-rows';
import { type AccessComparison, compareAccess } from '../lib/access/compare-access';
import { EXIT } from '../lib/errors';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { withReading } from './cli/session';
import { table } from './cli/table';

export const access: CommandDefinition = {
  description:
    'Compares the key policies, looks for grants on the old key and bucket policies that name it, and asks CloudTrail who used ' +
    'it. Changes nothing. Exit code 4: somebody who used the old key cannot use the new one. 2: something is to decide, or ' +
    'could not be read. It says what it did not look at.',
  options: [
    rotationFileOption,
    { flags: '--to <name>', description: 'the version that becomes active; default: the last one whose key exists' },
  ],
  mutates: false,
  examples: ['npx keyturn access', 'npx keyturn access --to v2 --json'],
  async run(context, options) {
    const { rotation, account, result } = await withReading(context, options, (run) =>
      compareAccess(run, text(options, 'to')),
    );
    if (!flag(options, 'json')) context.terminal.show(format(result));
    return {
      exitCode: exitCodeOf(result),
      data: { rotation: rotation.name, account, region: rotation.region, comparisons: result },
    };
  },
};

function exitCodeOf(all: readonly AccessComparison[]) {
  if (all.some((one) => stoppingUses(one).length > 0)) return EXIT.refusedByGate;
  return all.some(isOpen) ? EXIT.changesPending : EXIT.done;
}

function format(all: readonly AccessComparison[]): string {
  if (all.length === 0) return 'no other version has a key that objects can be under: nobody can lose access';
  return all.map(one).join('\n\n');
}

function one(comparison: AccessComparison): string {
  const { from, to, asked, unread, notRead } = comparison;
  const rows = accessRows(comparison);
  const nobody =
    unread.length === 0 ? 'nobody loses access, by what was looked at' : 'nothing was found, but not all was read';
  return [
    `from ${from.version} (${from.keyArn})`,
    `to   ${to.version} (${to.keyArn})`,
    '',
    ...(rows.length === 0 ? [nobody] : [found(rows), '', ...rows.map(({ who, fix }) => `next (${who}): ${fix}`)]),
    '',
    `looked at: ${asked.join('; ')}`,
    ...unread.map((what) => `could not be read: ${what}`),
    ...notRead.map((what) => `not looked at: ${what}`),
  ].join('\n');
}

const found = (rows: readonly AccessRow[]): string =>
  table(
    ['who', 'may, under the old key', 'under the new key'],
    rows.map(({ who, may, after, stops }) => [who, may, stops ? `${after}: stops the switch` : after]),
  );
