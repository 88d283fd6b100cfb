import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ConfirmedFile } from '../lib/confirm/confirmed-file';
import { probes } from '../lib/confirm/probes';
import { probesTable } from '../lib/confirm/probes-table';
import { RUN_CLOSED, RUN_OPENED } from '../lib/evidence/evidence-record';
import { BEYOND_REHEARSAL, POLICY_NAMES } from '../lib/permissions/command-permissions';
import { RETIRE_WAIVERS } from '../lib/rotation/settings';
import { standingOf, supportTableText } from '../lib/terraform/support-table';
import { flow, flowInPlace } from '../lib/workflow';

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

it('tells what is known of each version as the code does', () => {
  expect(between(read('support.md'), 'programs')).toBe(`${supportTableText()}\n`);
});

/** `KEYTURN_WRITE_DOCS=1 npx jest __tests__/docs` writes the table again, with the answers of `docs/confirmed.json` if there are any. */
it('tells what AWS leaves open as the probes do', () => {
  const answers = path.join(DOCS, 'confirmed.json');
  const confirmed = existsSync(answers) ? (JSON.parse(readFileSync(answers, 'utf8')) as ConfirmedFile) : undefined;
  const [before = '', rest = ''] = read('confirm.md').split('<!-- probes:begin -->');
  const after = rest.split('<!-- probes:end -->')[1] ?? '';
  const expected = `${before}<!-- probes:begin -->\n${probesTable(probes, confirmed)}\n<!-- probes:end -->${after}`;
  if (process.env.KEYTURN_WRITE_DOCS) writeFileSync(path.join(DOCS, 'confirm.md'), expected);
  expect(read('confirm.md')).toBe(expected);
});

it('says the standing of a version, what nobody tried is unknown, and what is near its end', () => {
  expect([
    standingOf('AWS provider', '5.100.0'),
    standingOf('AWS provider', '6.30.0'),
    standingOf('Terraform', '1.14.0'),
    standingOf('OpenTofu', 'what-is-this'),
  ]).toEqual(['tested', 'known bad', 'unknown', 'unknown']);
  expect(standingOf('Node', '20.20.2')).toBe(
    'tested; its end of life was in April 2026, and the AWS SDK requires Node 22 from January 2027 on',
  );
});

it('tells every action that no rehearsal can call, and why it is listed', () => {
  const rows = Object.entries(BEYOND_REHEARSAL).map(([action, why]) => `| \`${action}\` | ${why} |\n`);
  expect(between(read('permissions.md'), 'beyond')).toBe(`| action | why it is listed |\n|---|---|\n${rows.join('')}`);
});

describe('the records that controls.md names', () => {
  const sources = ['lib', 'scripts'].flatMap((room) =>
    readdirSync(path.resolve(__dirname, '..', room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(path.resolve(__dirname, '..', room, file), 'utf8')),
  );
  const code = sources.join('\n');
  const steps = new Set<string>([...flow, ...flowInPlace].map(({ id }) => id));
  const written = [...code.matchAll(/evidence\.record\(\s*'([a-z-]+)',\s*(?:'([a-z-]+)'|[a-z.]+)/g)];
  const fixed = new Set(written.map(([, type, step]) => `${type} ${step}`));
  const ofAnyStep = new Set(written.filter(([, , step]) => step === undefined).map(([, type]) => type));
  const isWritten = (type: string, step: string): boolean =>
    fixed.has(`${type} ${step}`) ||
    (ofAnyStep.has(type) && steps.has(step)) ||
    (step === 'run' && [RUN_OPENED, RUN_CLOSED].includes(type));
  const rows = (between(read('controls.md'), 'controls') ?? '').split('\n').slice(2);
  const named = rows.flatMap((row) => [...(row.split('|')[3] ?? '').matchAll(/`([a-z-]+) ([a-z-]+)`/g)]);

  it.each(named.map(([, type = '', step = '']) => [type, step]))('%s %s is written by the code', (type, step) => {
    expect(isWritten(type, step)).toBe(true);
  });

  it('refuses a record that no code writes', () => {
    expect([isWritten('outcome', 'approve'), isWritten('approval', 'switch')]).toEqual([false, false]);
    expect(named.length).toBeGreaterThan(20);
  });
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

it.each(['strategies.md', 'permissions.md', 'gate.md', 'controls.md', 'evidence.md', 'pipelines.md'])(
  'links only to files that exist (%s)',
  (file) => {
    const targets = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(path.join(DOCS, target)))).toEqual([]);
  },
);
