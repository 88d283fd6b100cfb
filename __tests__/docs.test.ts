import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BEYOND_REHEARSAL, POLICY_NAMES } from '../lib/permissions/command-permissions';
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

it.each(['strategies.md', 'permissions.md'])('links only to files that exist (%s)', (file) => {
  const targets = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
  expect(targets.filter((target) => !existsSync(path.join(DOCS, target)))).toEqual([]);
});
