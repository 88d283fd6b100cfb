import path from 'node:path';
import { EXIT } from '../lib/errors';
import { checkEvidence } from '../lib/evidence/check';
import { type CommandDefinition, flag } from './command';

export const verifyEvidence: CommandDefinition = {
  name: 'verify-evidence',
  summary: 'check evidence offline: every hash, every link, every end',
  description: 'Reads the evidence of one run (a file) or of all runs (a directory). Needs no AWS and no network.',
  arguments: [{ name: '<path>', description: 'an evidence file, or the directory that holds them' }],
  options: [],
  mutates: false,
  examples: ['npx keyturn verify-evidence .keyturn/evidence'],
  async run({ terminal, cwd }, options, args) {
    const found = await checkEvidence(path.resolve(cwd, args[0] ?? ''));
    const shown = (file: string) => path.relative(cwd, file) || file;
    for (const fault of found.faults) terminal.warn(`${shown(fault.file)}:${fault.line}: ${fault.problem}`);
    for (const file of found.files) {
      if (!flag(options, 'json')) terminal.data(`${file.head}  ${shown(file.file)}  ${file.records} records`);
    }
    const sound = found.faults.length === 0;
    terminal.note(sound ? 'sound: every record is whole and in its place' : `${found.faults.length} fault(s) found`);
    return { exitCode: sound ? EXIT.done : EXIT.error, data: { ...found } };
  },
};
