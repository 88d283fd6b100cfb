import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BEYOND_REHEARSAL, POLICY_NAMES } from '../lib/permissions/command-permissions';
import { RETIRE_WAIVERS } from '../lib/rotation/rotation';
import { flowInPlace } from '../lib/workflow';

const DOCS = path.resolve(__dirname, '../docs');
const read = (file: string) => readFileSync(path.join(DOCS, file), 'utf8');
const between = (text: string, mark: string) =>
  text.split(`<!-- ${mark}:begin -->\n`)[1]?.split(`<!-- ${mark}:end -->`)[0];

it('tells the steps of a rotation in place as the code orders them', () => {
  const rows = flowInPlace.map((step, at) => `| ${at + 1} | ${step.title} | ${step.doneBy} | ${step.leavesBehind} |\n`);
  expect(between(read('strategies.md'), 'flow')).toBe(
    `| # | step | done by | leaves behind |\n|---|---|---|---|\n${rows.join('')}`,
  );
});

it('tells every action that no rehearsal can call, and why it is listed', () => {
  const rows = Object.entries(BEYOND_REHEARSAL).map(([action, why]) => `| \`${action}\` | ${why} |\n`);
  expect(between(read('permissions.md'), 'beyond')).toBe(`| action | why it is listed |\n|---|---|\n${rows.join('')}`);
});

it.each(POLICY_NAMES)('explains the policy for %s', (name) => {
  expect(read('permissions.md')).toContain(`npx keyturn policy ${name}`);
  expect(read('permissions.md')).toContain(`| \`${name}\` |`);
});

it('lists every reason of the retire gate, and no other', () => {
  const source = readFileSync(path.resolve(__dirname, '../lib/workflow/gate-reason.ts'), 'utf8');
  const codes = [...source.matchAll(/^ +\| '([a-z-]+)'/gm)].map(([, code]) => code);
  const [reasons = ''] = read('gate.md').split('## Waivers');
  const rows = reasons
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code]) => code));
  expect(rows.toSorted()).toEqual(codes.toSorted());
});

it('says what each waiver of the retire gate sets aside', () => {
  for (const what of RETIRE_WAIVERS) expect(read('gate.md')).toMatch(new RegExp(`^\\| \`${what}\` \\| `, 'm'));
});

it.each(['strategies.md', 'permissions.md', 'gate.md'])('links only to files that exist (%s)', (file) => {
  const targets = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
  expect(targets.filter((target) => !existsSync(path.join(DOCS, target)))).toEqual([]);
});
