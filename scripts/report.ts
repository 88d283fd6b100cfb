import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { evidenceReport } from '../lib/evidence/html-report';
import { type CommandDefinition, flag, text } from './cli/command';
import { publicKeyOption, publicKeysOf } from './cli/public-keys';
import { writeOutput } from './cli/write-output';

export const report: CommandDefinition = {
  description:
    'Checks the evidence offline and reports at the top of the page whether it is sound. The page is one file ' +
    'without scripts or external content. Exit code 1: the evidence is not sound.',
  arguments: [{ name: '<path>', description: 'an evidence file, or a directory of evidence files' }],
  options: [{ flags: '--out <file>', description: 'output file; default: stdout' }, publicKeyOption],
  mutates: false,
  examples: [
    'npx keyturn report .keyturn/evidence --out report.html',
    'npx keyturn report .keyturn/evidence > report.html',
  ],
  async run({ terminal, cwd }, options, args) {
    const { html, check } = await evidenceReport(
      path.resolve(cwd, args[0] ?? ''),
      await publicKeysOf({ cwd }, options),
    );
    const given = text(options, 'out');
    const out = given === undefined ? undefined : path.resolve(cwd, given);
    if (out === undefined && flag(options, 'json'))
      throw new KeyturnError('usage', {
        problem: '--json and the page cannot both be written to stdout',
        hint: 'name an output file for the page with --out',
      });
    if (out === undefined) terminal.data(html);
    else await writeOutput(out, html);
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
