import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { evidenceReport } from '../lib/evidence/html-report';
import { type CommandDefinition, flag, text } from './cli/command';

export const report: CommandDefinition = {
  name: 'report',
  summary: 'make one HTML page from evidence, for those who run nothing',
  description:
    'Checks the evidence first, offline, and says at the top of the page whether it is sound. The page stands alone: no ' +
    'script, nothing loaded, readable printed. Evidence that is not sound gets a page that says so, and exit code 1.',
  arguments: [{ name: '<path>', description: 'an evidence file, or the directory that holds them' }],
  options: [{ flags: '--out <file>', description: 'where to write the page; default: stdout' }],
  mutates: false,
  examples: [
    'npx keyturn report .keyturn/evidence --out report.html',
    'npx keyturn report .keyturn/evidence > report.html',
  ],
  async run({ terminal, cwd }, options, args) {
    const { html, check } = await evidenceReport(path.resolve(cwd, args[0] ?? ''));
    const given = text(options, 'out');
    const out = given === undefined ? undefined : path.resolve(cwd, given);
    if (out === undefined && flag(options, 'json'))
      throw new KeyturnError('usage', {
        problem: '--json and the page cannot both go to stdout',
        hint: 'name a file for the page with --out',
      });
    if (out === undefined) terminal.data(html);
    else await write(out, html);
    for (const fault of check.faults) terminal.warn(`${fault.file}:${fault.line}: ${fault.problem}`);
    const sound = check.faults.length === 0;
    terminal.note(sound ? 'the evidence is sound' : `the evidence is NOT sound: ${check.faults.length} fault(s)`);
    if (out !== undefined) terminal.note(`report: ${out}`);
    return {
      exitCode: sound ? EXIT.done : EXIT.error,
      data: { report: out ?? null, sound, records: check.records, faults: check.faults },
    };
  },
};

async function write(file: string, html: string): Promise<void> {
  await writeFile(file, html).catch((error: NodeJS.ErrnoException) => {
    throw new KeyturnError('output-unwritable', { file, reason: error.code ?? error.message }, error);
  });
}
