import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DriftFinding } from '../../lib/observation/drift-finding';
import { FINDINGS, findingsTable } from '../../lib/observation/findings-table';
import { SLOW } from '../runner/slow';
import {
  type HistoryEvent,
  type PlainKind,
  RotationHistory,
  type Strategy,
  type VersionKind,
} from '../support/rotation-history';

/** Each finding of the runbook in the state that it is for: it is seen, its advice is typed, and it is gone. */
jest.setTimeout(120_000);

type Code = DriftFinding['code'];

interface Row {
  readonly code: Code;
  readonly strategy?: Strategy;
  /** What it is like, where a code has more than one row. */
  readonly when?: string;
  /** The advice, with names, ARNs and times left out. */
  readonly advice: string;
  readonly level?: DriftFinding['level'];
  /** A rotation of its own: run with `SLOW=1`. */
  readonly slow?: boolean;
  build(history: RotationHistory): Promise<void>;
  /** What a person does besides the command: brings a backup. */
  byHand?(history: RotationHistory): Promise<void> | void;
}

const to = (kind: VersionKind, version = 0): HistoryEvent => ({ kind, version });
const days = (kind: 'declare' | 'jump', number?: number): HistoryEvent => ({ kind, days: number });
const plain = (kind: PlainKind): HistoryEvent => ({ kind });
const play =
  (...events: readonly HistoryEvent[]) =>
  async (history: RotationHistory): Promise<void> => {
    for (const event of events) await history.apply(event);
  };
const MOVED = [days('declare'), plain('import'), plain('switch')];
const ROTATED = [...MOVED, plain('post-apply')];
const backup = ({ directory }: RotationHistory) =>
  cpSync(path.join(directory, 'custody'), path.join(directory, 'backup'), { recursive: true });
const restore = ({ directory }: RotationHistory) =>
  cpSync(path.join(directory, 'backup'), path.join(directory, 'custody'), { recursive: true });
const IDENTITY = '--identity <age identity file>';
const EXTEND = `npx keyturn extend --version <version> --valid-days 300 ${IDENTITY}`;
const DRILL = `npx keyturn drill --version <version> ${IDENTITY}`;

const rows: readonly Row[] = [
  {
    code: 'key-over-age',
    advice: 'npx keyturn propose version',
    async build(history) {
      await history.edit((text) => `${text}rotateEveryDays: 30\n`);
      await history.apply(days('jump', 40));
    },
  },
  {
    code: 'material-expiring',
    advice: 'npx keyturn propose version',
    build: play(days('declare', 90), plain('import'), plain('switch'), plain('post-apply'), days('jump', 40)),
  },
  {
    code: 'material-expiring',
    strategy: 'in-place',
    advice: EXTEND,
    build: play(days('declare', 90), plain('import'), days('jump', 40)),
  },
  {
    code: 'material-expiring',
    when: 'of a version that is left already',
    slow: true,
    advice: 'npx keyturn post-apply',
    build: play(days('declare', 90), plain('import'), plain('switch'), ...ROTATED.slice(0, -1), days('jump', 40)),
  },
  {
    code: 'material-expiring',
    when: 'of a version that nothing was switched to yet',
    advice: EXTEND,
    build: play(days('declare', 90), plain('import'), days('jump', 40)),
  },
  {
    code: 'material-expired',
    level: 'outage',
    advice: `npx keyturn pre-apply ${IDENTITY}`,
    build: play(to('delete material')),
  },
  {
    code: 'material-expired',
    when: 'the date is past',
    level: 'outage',
    advice: EXTEND,
    build: play(days('declare', 90), plain('import'), plain('switch'), plain('post-apply'), days('jump', 120)),
  },
  {
    code: 'material-expired',
    when: 'an earlier version lost it in the middle of the move',
    advice: 'npx keyturn post-apply',
    build: play(...MOVED, to('delete material')),
  },
  {
    code: 'material-expired',
    strategy: 'in-place',
    level: 'outage',
    advice: `npx keyturn pre-apply ${IDENTITY}`,
    build: play(...ROTATED, to('delete material')),
  },
  {
    code: 'material-date-differs',
    advice: `npx keyturn extend --version <version> --valid-to <time> ${IDENTITY}`,
    async build(history) {
      await play(days('declare', 300), plain('import'), plain('switch'))(history);
      await history.edit((text) => text.replace(/ {4}materialValidTo: .*\n/, ''));
    },
  },
  {
    code: 'file-date-past',
    advice: 'write a later materialValidTo for <version> into the rotation file, or remove the line',
    build: play(days('declare', 90), days('jump', 120)),
  },
  {
    code: 'file-date-past',
    when: 'custody has the material',
    advice: EXTEND,
    build: play(days('declare', 90), plain('import'), days('jump', 120)),
  },
  {
    code: 'material-foreign',
    strategy: 'in-place',
    advice: 'aws kms delete-imported-key-material --key-id <key> --key-material-id <material>',
    build: (history) => history.leaveForeignMaterial(),
  },
  {
    code: 'material-foreign',
    strategy: 'in-place',
    when: 'the key encrypts with it',
    advice: 'npx keyturn propose version',
    build: play(to('foreign import')),
  },
  {
    code: 'rollback-window-closing',
    level: 'note',
    advice: 'npx keyturn rollback --to <version>   (or nothing, if nobody goes back)',
    build: play(days('declare', 90), plain('import'), plain('switch'), ...ROTATED, days('jump', 40)),
  },
  {
    code: 'active-key-unusable',
    level: 'outage',
    advice: 'aws kms enable-key --key-id <key>',
    build: play(to('disable')),
  },
  {
    code: 'active-key-unusable',
    when: 'its deletion is scheduled',
    level: 'outage',
    advice: 'aws kms cancel-key-deletion --key-id <key>',
    build: play(to('schedule deletion')),
  },
  {
    code: 'key-pending-deletion',
    advice: 'aws kms cancel-key-deletion --key-id <key>',
    build: play(to('schedule deletion')),
  },
  {
    code: 'earlier-key-unusable',
    level: 'outage',
    advice: 'aws kms enable-key --key-id <key>',
    build: play(...MOVED, to('disable'), plain('post-apply')),
  },
  {
    code: 'earlier-key-unusable',
    when: 'its deletion is scheduled',
    slow: true,
    level: 'outage',
    advice: 'aws kms cancel-key-deletion --key-id <key>',
    build: play(...MOVED, to('schedule deletion'), plain('post-apply')),
  },
  { code: 'earlier-key-not-verified', advice: 'npx keyturn post-apply', build: play(...MOVED, to('disable')) },
  {
    code: 'earlier-key-not-verified',
    when: 'alias and buckets still name it',
    advice: 'aws kms enable-key --key-id <key>',
    async build(history) {
      await play(days('declare'), plain('import'), to('disable'))(history);
      await history.edit((text) => text.replace('activeVersion: v1', 'activeVersion: v2'));
    },
  },
  {
    code: 'alias-moved',
    advice: 'npx keyturn plan --out keyturn-plan   (or, if it is meant: npx keyturn propose switch --name <version>)',
    build: play(days('declare'), plain('import'), plain('post-apply'), to('move alias', 1)),
  },
  {
    code: 'bucket-default-moved',
    advice: 'npx keyturn plan --out keyturn-plan   (or, if it is meant: npx keyturn propose switch --name <version>)',
    build: play(days('declare'), plain('import'), plain('post-apply'), to('move default', 1)),
  },
  {
    code: 'bucket-key-moved',
    advice: 'npx keyturn plan --out keyturn-plan',
    async build(history) {
      await history.apply(plain('post-apply'));
      await history.turnBucketKeyOff('v1');
    },
  },
  { code: 'stragglers-not-checked', advice: 'npx keyturn post-apply', build: play(...MOVED) },
  { code: 'custody-record-absent', advice: DRILL, build: play(to('lose record')) },
  {
    code: 'custody-record-absent',
    when: 'the copy is gone too',
    advice: 'npx keyturn propose version',
    build: play(to('lose record'), to('lose custody')),
  },
  {
    code: 'custody-record-absent',
    when: 'the copy of an earlier version is gone too',
    slow: true,
    advice: 'npx keyturn post-apply',
    build: play(...MOVED, to('lose record'), to('lose custody')),
  },
  {
    code: 'custody-lost',
    advice: `restore the copy from a backup, and prove it: \`${DRILL}\`; without a backup: \`npx keyturn propose version\``,
    async build(history) {
      backup(history);
      await history.apply(to('lose custody'));
    },
    byHand: restore,
  },
  {
    code: 'custody-folder-gone',
    advice: 'restore <file> from a backup',
    build: async ({ directory }) => renameSync(path.join(directory, 'custody'), path.join(directory, 'backup')),
    byHand: restore,
  },
  {
    code: 'custody-other-key',
    advice: 'mkdir -p <file> && mv <file> <file>',
    async build(history) {
      await play(...MOVED.slice(0, 2), to('schedule deletion', 1), days('jump', 40))(history);
      await history.type('npx cdktf deploy rotation-test-keys');
    },
  },
  {
    code: 'custody-copy-missing',
    strategy: 'in-place',
    advice: 'restore the copy from a backup; without a backup: `mkdir -p <file> && mv <file> <file>`',
    async build(history) {
      await play(days('declare'), plain('import'), to('delete material', 1), to('lose custody', 1))(history);
    },
  },
  {
    code: 'custody-copy-differs',
    advice: DRILL,
    async build(history) {
      backup(history);
      await history.type('npx keyturn drill --version v1 --identity <age identity file> --reseal');
      const copy = 'rotation-test-v1.age';
      cpSync(path.join(history.directory, 'backup', copy), path.join(history.directory, 'custody', copy));
    },
  },
  {
    code: 'custody-copy-differs',
    when: 'an earlier version of Keyturn wrote the record',
    level: 'note',
    advice: DRILL,
    build: async ({ directory }) => {
      const file = path.join(directory, 'custody', 'rotation-test-v1.record.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/ *"binding": .*\n/, ''));
    },
  },
  {
    code: 'custody-of-other-material',
    advice: 'mkdir -p <file> && mv <file> <file>',
    async build(history) {
      await play(days('declare'), plain('import'), to('lose record', 1))(history);
      const at = (version: string) => path.join(history.directory, 'custody', `rotation-test-${version}.age`);
      cpSync(at('v1'), at('v2'));
      await history.apply(plain('drill'));
    },
  },
  {
    code: 'custody-of-other-material',
    when: 'the record is of other material',
    advice: DRILL,
    build: async ({ directory }) => {
      const file = path.join(directory, 'custody', 'rotation-test-v1.record.json');
      const id = /("keyMaterialId": ")[0-9a-f]{64}/;
      writeFileSync(file, readFileSync(file, 'utf8').replace(id, `$1${'ab'.repeat(32)}`));
    },
  },
  {
    code: 'custody-of-other-material',
    when: 'the copy of the next version was replaced',
    slow: true,
    advice: `restore the right copy from a backup, and prove it: \`${DRILL}\`; without a backup: \`npx keyturn propose version\``,
    async build(history) {
      await play(days('declare'), plain('import'))(history);
      const at = (version: string) => path.join(history.directory, 'custody', `rotation-test-${version}.age`);
      cpSync(at('v1'), at('v2'));
      await history.apply(plain('drill'));
    },
  },
  {
    code: 'custody-copy-unknown',
    advice: 'mkdir -p <file> && mv <file> <file>',
    async build(history) {
      await history.apply(days('declare'));
      const at = (version: string) => path.join(history.directory, 'custody', `rotation-test-${version}.age`);
      cpSync(at('v1'), at('v2'));
    },
  },
  {
    code: 'pointed-key-gone',
    level: 'outage',
    advice:
      'restore the objects from a backup, or delete those under that key, and then `npx cdktf deploy <name>-storage`',
    async build(history) {
      await play(
        days('declare'),
        plain('import'),
        to('move default', 1),
        to('schedule deletion', 1),
        days('jump', 40),
      )(history);
    },
  },
  {
    code: 'custody-recipients-differ',
    advice: `${DRILL} --reseal`,
    async build(history) {
      const said = await history.run('keygen', '--out', 'other.txt', '--json');
      const { recipient } = JSON.parse(said);
      await history.edit((text) => text.replace(/(age1[a-z0-9]+)/, `$1, ${recipient}`));
    },
  },
  {
    code: 'binding-contradicted',
    advice:
      'find out who moved the alias (CloudTrail: UpdateAlias), then: aws kms update-alias --alias-name <alias> --target-key-id <key>',
    async build(history) {
      await play(days('declare'), plain('import'))(history);
      await history.moveVersionAlias('v1', 'v2');
    },
  },
  {
    code: 'binding-contradicted',
    when: 'the alias is gone',
    advice: 'aws kms create-alias --alias-name <alias> --target-key-id <key>',
    async build(history) {
      await play(days('declare'), plain('import'))(history);
      await history.deleteVersionAlias('v1');
    },
  },
  {
    code: 'binding-contradicted',
    when: 'somebody imported other material and rotated to it',
    advice:
      'find out who imported or rotated material (CloudTrail: ImportKeyMaterial, RotateKeyOnDemand); to go on without the old material, remove <version> from rotation.lock.json in a reviewed change, then rotate to another version: npx keyturn propose version',
    build: (history) => history.rotateToForeignMaterial(),
  },
  {
    code: 'binding-outdated',
    advice: 'npx keyturn pre-apply   (and commit rotation.lock.json)',
    async build({ directory }) {
      const file = path.join(directory, 'rotation.lock.json');
      const hash = /("custodyRecordSha256": ")[0-9a-f]{64}/;
      writeFileSync(file, readFileSync(file, 'utf8').replace(hash, `$1${'ab'.repeat(32)}`));
    },
  },
  {
    code: 'binding-incomplete',
    advice: 'npx keyturn pre-apply   (and commit rotation.lock.json)',
    async build(history) {
      await play(...MOVED)(history);
      const file = path.join(history.directory, 'rotation.lock.json');
      const lock = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, JSON.stringify({ ...lock, versions: lock.versions.slice(0, 1) }));
    },
  },
  { code: 'drill-due', advice: DRILL, build: play(days('jump', 366)) },
  { code: 'drill-due', when: 'nobody has opened the copy', level: 'note', advice: DRILL, build: async () => undefined },
  {
    code: 'retirement-not-recorded',
    level: 'note',
    advice: 'npx keyturn propose retire --name <version>',
    build: play(...ROTATED),
  },
];

/** Nothing that can be typed and run here: what to do is a rotation of its own, or another machine's. */
const BY_HAND: readonly Code[] = ['rotations-nearly-used', 'custody-not-asked', 'key-in-other-regions'];

/** A file of somebody's own: `whose-material.test.ts` adopts one. */
const UNTYPED: readonly (readonly [Code, string])[] = [
  ['custody-record-absent', 'npx keyturn material adopt --version <version> --material-file <file>'],
];

const withoutNames = (fix: string, directory: string): string =>
  fix
    .replaceAll(new RegExp(`${directory}[^ \`]*`, 'g'), '<file>')
    .replaceAll(/arn:[^ `)]+/g, '<key>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<material>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\balias\/[^ ]+/g, '<alias>')
    .replaceAll('rotation-test-storage', '<name>-storage')
    .replaceAll(/\bv\d\b/g, '<version>');

async function found(history: RotationHistory, { code, level = 'act' }: Row): Promise<DriftFinding | undefined> {
  const { drift } = await history.status();
  return drift.find((one) => one.code === code && one.level === level);
}

/** Types an advice, or the command in a sentence, and then whatever `next` says: a proposal is only the start of a rotation. */
async function follow(history: RotationHistory, fix: string, hasBackup: boolean): Promise<void> {
  const otherwise = hasBackup ? undefined : /; without a backup: `([^`]+)`$/.exec(fix)?.[1];
  const quoted = otherwise ?? /`([^`]+)`/.exec(fix)?.[1];
  await history.type(quoted ?? fix);
  for (let count = 0; count < 8; count += 1) {
    const { next } = await history.status();
    if (!next || !(await history.type(next.command))) return;
  }
}

const isRun = ({ slow = false }: Row): boolean => SLOW || !slow;

const titled = rows.filter(isRun).map((row) => {
  const { code, level = 'act', strategy = 'new-key', when } = row;
  return [`${level} ${code}, ${[strategy, when].filter(Boolean).join(', ')}`, row] as const;
});

it.each(titled)('%s: is seen, and gone once its advice was typed', async (_, row) => {
  const history = await RotationHistory.open(row.strategy ?? 'new-key');
  try {
    await row.build(history);
    const first = await found(history, row);
    expect(first && withoutNames(first.fix, history.directory)).toBe(row.advice);
    const inTable = FINDINGS[row.code].commands.some((one) => row.advice.includes(one));
    expect([row.code, inTable]).toEqual([row.code, true]);
    await row.byHand?.(history);
    // A version that is declared is then only to be switched to: the advice changes on the way.
    let again = await found(history, row);
    for (let times = 0; again && times < 3; times += 1) {
      await follow(history, again.fix, row.byHand !== undefined);
      again = await found(history, row);
    }
    expect(again).toBeUndefined();
  } finally {
    await history.close();
  }
});

it('has the table of the runbook, a row a finding', () => {
  const page = readFileSync(path.resolve(__dirname, '../../docs/runbook.md'), 'utf8');
  expect(page.split('<!-- findings:begin -->\n')[1]?.split('<!-- findings:end -->')[0]).toBe(findingsTable());
});

it('types every command of the runbook in the state that it is for', () => {
  const isTyped = (code: string, command: string) =>
    rows.some((row) => row.code === code && row.advice.includes(command));
  const left = Object.entries(FINDINGS).flatMap(([code, { commands }]) =>
    commands.filter((command) => !isTyped(code, command)).map((command) => [code, command]),
  );
  expect(left).toEqual(UNTYPED);
});

it('covers every finding of the runbook', () => {
  const covered = new Set<string>([...rows.map(({ code }) => code), ...BY_HAND]);
  expect(Object.keys(FINDINGS).filter((code) => !covered.has(code))).toEqual([]);
});
