import { type AccessComparison, compareAccess } from '../lib/access/compare-access';
import { EXIT } from '../lib/errors';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { withReading } from './cli/session';
import { table } from './cli/table';

export const access: CommandDefinition = {
  name: 'access',
  summary: 'list who may use the old key and not the new one, before the switch',
  description:
    'Compares the key policies, and looks for grants on the old key and bucket policies that name it. Changes nothing. It ' +
    'says what it did not look at: IAM policies and CloudTrail among others.',
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
      exitCode: result.some(isOpen) ? EXIT.changesPending : EXIT.done,
      data: { rotation: rotation.name, account, region: rotation.region, comparisons: result },
    };
  },
};

/** Something to decide, or something that was meant to be read and could not be. */
const isOpen = ({ lost, grants, pinned, unread }: AccessComparison): boolean =>
  lost.length + grants.length + pinned.length + unread.length > 0;

function format(all: readonly AccessComparison[]): string {
  if (all.length === 0) return 'no earlier version has a key of its own: nobody can lose access';
  return all.map(one).join('\n\n');
}

const VERDICTS = {
  lost: 'loses it',
  'left-to-iam': 'keeps it only if IAM policies of its account allow it',
  unknown: 'unknown: a condition is not evaluated here',
} as const;

function one({ from, to, lost, grants, pinned, asked, unread, notRead }: AccessComparison): string {
  const rows: readonly Row[] = [
    ...lost.map(({ who, uses, way, verdict, fix }) => ({
      cells: [who, `${uses.join(', ')} ${way}`, VERDICTS[verdict]],
      fix,
    })),
    ...grants.map(({ grantee, operations, fix }) => ({
      cells: [grantee, `grant: ${operations.join(', ')}`, 'loses it'],
      fix,
    })),
    ...pinned.map(({ bucket, statement, deniesOthers }) => ({
      cells: [
        `policy of bucket ${bucket}, ${statement}`,
        `names the key of ${from.version}`,
        deniesOthers ? 'denies what names another key' : 'may not hold for the new key',
      ],
      fix: `name ${to.keyArn} there, too`,
    })),
  ];
  const nobody =
    unread.length === 0 ? 'nobody loses access, by what was looked at' : 'nothing was found, but not all was read';
  return [
    `from ${from.version} (${from.keyArn})`,
    `to   ${to.version} (${to.keyArn})`,
    '',
    ...(rows.length === 0
      ? [nobody]
      : [found(rows), '', ...rows.map(({ cells, fix }) => `next (${cells[0]}): ${fix}`)]),
    '',
    `looked at: ${asked.join('; ')}`,
    ...unread.map((what) => `could not be read: ${what}`),
    ...notRead.map((what) => `not looked at: ${what}`),
  ].join('\n');
}

interface Row {
  readonly cells: readonly string[];
  readonly fix: string;
}

const found = (rows: readonly Row[]): string =>
  table(
    ['who', 'may, under the old key', 'under the new key'],
    rows.map(({ cells }) => cells),
  );
