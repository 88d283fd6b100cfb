import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { checkEvidence } from '../lib/evidence/check';
import { type CommandDefinition, flag, text } from './cli/command';

export const verifyEvidence: CommandDefinition = {
  name: 'verify-evidence',
  summary: 'check evidence offline: every hash, every link, every end',
  description:
    'Reads the evidence of one run (a file) or of all runs (a directory). Needs no AWS and no network. In a directory each ' +
    'run must stand beside the one it follows. With --heads nothing else may be there, and nothing missing.',
  arguments: [{ name: '<path>', description: 'an evidence file, or the directory that holds them' }],
  options: [
    {
      flags: '--heads <file>',
      description: 'heads that were kept elsewhere, as this command prints them: each line starts with one',
    },
  ],
  mutates: false,
  examples: [
    'npx keyturn verify-evidence .keyturn/evidence',
    'npx keyturn verify-evidence .keyturn/evidence --heads heads.txt',
  ],
  async run({ terminal, cwd }, options, args) {
    const kept = text(options, 'heads');
    const heads = kept === undefined ? undefined : await readHeads(path.resolve(cwd, kept));
    const found = await checkEvidence(path.resolve(cwd, args[0] ?? ''), heads);
    for (const fault of found.faults) terminal.warn(`${fault.file}:${fault.line}: ${fault.problem}`);
    for (const file of found.files) {
      if (!flag(options, 'json')) terminal.show(`${file.head}  ${file.file}  ${file.records} records`);
    }
    const sound = found.faults.length === 0;
    if (found.beginnings > 1)
      terminal.note(`${found.beginnings} runs name none before them: gathered from several machines, or put here`);
    terminal.note(sound ? 'sound: every record is whole and in its place' : `${found.faults.length} fault(s) found`);
    return { exitCode: sound ? EXIT.done : EXIT.error, data: { ...found } };
  },
};

/** @throws usage where the file cannot be read, or a line does not start with a head */
async function readHeads(file: string): Promise<readonly string[]> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const problem = `--heads: cannot read ${file}: ${error.code ?? error.message}`;
    throw new KeyturnError(
      'usage',
      { problem, hint: 'name a file with the lines that verify-evidence printed' },
      error,
    );
  });
  const lines = content.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const head = /^([0-9a-f]{64})(?:\s|$)/.exec(line)?.[1];
    if (head !== undefined) return head;
    const problem = `--heads: line ${index + 1} of ${file} does not start with 64 hex digits`;
    throw new KeyturnError('usage', { problem, hint: 'name a file with the lines that verify-evidence printed' });
  });
}
