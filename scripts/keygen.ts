import path from 'node:path';
import { EXIT } from '../lib/errors';
import { generateIdentity } from '../lib/key-material/age-identity';
import { type CommandDefinition, flag, text } from './cli/command';

export const keygen: CommandDefinition = {
  name: 'keygen',
  summary: 'make an age identity for custody',
  description:
    'Writes a new age identity (0600, never overwriting) and prints its recipient. The recipient goes into the rotation ' +
    'file; the identity opens custody and belongs off this machine.',
  options: [
    { flags: '--out <path>', description: 'file of the identity', default: 'keyturn-identity.txt' },
    {
      flags: '--post-quantum',
      description: 'an identity that a quantum computer does not break either; 2 kB recipients',
    },
  ],
  mutates: false,
  examples: ['npx keyturn keygen', 'npx keyturn keygen --post-quantum --out /media/safe/identity.txt'],
  async run({ terminal, cwd }, options) {
    const file = path.resolve(cwd, text(options, 'out') ?? 'keyturn-identity.txt');
    const { recipient } = await generateIdentity(file, { postQuantum: flag(options, 'postQuantum') });
    if (!flag(options, 'json')) terminal.data(recipient);
    terminal.note(`identity written to ${file}: move it to where only its keepers can read it`);
    terminal.hint('put the recipient under custody.age.recipients in the rotation file');
    return { exitCode: EXIT.done, data: { identityFile: file, recipient } };
  },
};
