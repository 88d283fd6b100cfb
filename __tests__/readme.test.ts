import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { flow } from '../lib/workflow';
import { ProofBook } from '../rehearsal/proofs';
import { commands } from '../scripts/commands';

const ROOT = path.resolve(__dirname, '..');
const DOCUMENTS = [
  'README.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

it('prints the flow table as the code orders it', () => {
  const table = read('README.md').split('<!-- flow:begin -->\n')[1]?.split('<!-- flow:end -->')[0];
  const rows = flow.map((step, index) => `| ${index + 1} | ${step.title} | ${step.doneBy} | ${step.leavesBehind} |\n`);
  expect(table).toBe(`| # | step | done by | leaves behind |\n|---|---|---|---|\n${rows.join('')}`);
});

it.each(DOCUMENTS)('names only commands and options that exist (%s)', (file) => {
  const calls = [...read(file).matchAll(/npx keyturn ([a-z-]+)([^`\n#|>]*)/g)];
  const unknown = calls.flatMap(([call, name, rest = '']) => {
    const command = commands.find((one) => one.name === name)?.load();
    if (!command) return [call];
    const flags = [
      '--json',
      '--debug',
      '--help',
      ...(command.mutates ? ['--dry-run', '--yes'] : []),
      ...command.options.map((one) => one.flags.split(' ')[0]),
    ];
    return [...rest.matchAll(/(--[a-z-]+)/g)].flatMap(([flag]) => (flags.includes(flag) ? [] : [`${name} ${flag}`]));
  });
  expect(unknown).toEqual([]);
});

it('shows the proofs that the rehearsal ends with, in their own words', () => {
  const shown = read('README.md').split('<!-- rehearsal:begin -->')[1]?.split('<!-- rehearsal:end -->')[0] ?? '';
  const proofs = new ProofBook(() => {}).read();
  for (const { number, title } of proofs) expect(shown).toContain(`✓  ${number}. ${title} `);
  expect(shown).toMatch(/11 of 11 proofs hold, in \d+ s/);
});

it.each(DOCUMENTS)('links only to files that exist (%s)', (file) => {
  const targets = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
  expect(targets.filter((target) => !existsSync(path.join(ROOT, path.dirname(file), target)))).toEqual([]);
});

it('names only npm scripts that exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = DOCUMENTS.flatMap((file) =>
    [...read(file).matchAll(/npm run ([a-z0-9:-]+)/g)].map(([, name = '']) => name),
  );
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

it('is what CI runs: the install and the test command stand in both', () => {
  const ci = read('.ci/run');
  for (const command of ['npm ci', 'npm test']) {
    expect(read('README.md')).toContain(command);
    expect(ci).toContain(command);
  }
});
