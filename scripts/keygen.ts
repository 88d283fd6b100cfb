import path from 'node:path';
import { EXIT } from '../lib/errors';
import { generateIdentity } from '../lib/key-material/age-identity';
import { type CommandDefinition, flag, text } from './cli/command';

export const keygen: CommandDefinition = {
  description:
    'Writes a new age identity (mode 0600, never overwrites) and prints its recipient. Add the recipient to the ' +
    'rotation file, and move the identity, which decrypts custody, off this machine.',
  options: [
    { flags: '--out <path>', description: 'output file of the identity', default: 'keyturn-identity.txt' },
    {
      flags: '--post-quantum',
      description: 'create a post-quantum identity; its recipients are 2 kB long',
    },
  ],
  mutates: false,
  examples: ['npx keyturn keygen', 'npx keyturn keygen --post-quantum --out /media/safe/identity.txt'],
  async run({ terminal, cwd }, options) {
    const file = path.resolve(cwd, text(options, 'out') ?? 'keyturn-identity.txt');
    const { recipient } = await generateIdentity(file, { postQuantum: flag(options, 'postQuantum') });
    if (!flag(options, 'json')) terminal.data(recipient);
    terminal.note(`identity written to ${file}: move it to a place that only its custodians can read`);
    terminal.hint('add the recipient to custody.age.recipients in the rotation file');
    return { exitCode: EXIT.done, data: { identityFile: file, recipient } };
  },
};
