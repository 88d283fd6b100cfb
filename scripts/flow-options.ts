import type { CommandOption } from './command';

/** Options of every command that may import key material. */
export const materialOptions: readonly CommandOption[] = [
  { flags: '--material-file <path>', description: 'take the 32 raw bytes from this file instead of generating them' },
  {
    flags: '--identity <path>',
    description: 'age identity file; needed only when custody has the material and its wrapped copy went stale',
  },
  {
    flags: '--no-custody',
    description: 'keep no copy of the material outside KMS; lost with the key, or at its expiry',
  },
];

/** Options of every command that may re-encrypt. */
export const reencryptOptions: readonly CommandOption[] = [
  { flags: '--concurrency <n>', description: 'requests under way at once' },
  { flags: '--max-rps <n>', description: 'requests a second at the most, to leave room for others' },
];
