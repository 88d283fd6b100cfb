import type { CommandOption } from './command';

/** Opens custody that is kept in age files. */
export const identityOption: CommandOption = {
  flags: '--identity <path>',
  description: 'age identity file that opens custody; a command or a hardware module needs none',
};

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

/** Options of every command that looks at all objects. */
export const paceOptions: readonly CommandOption[] = [
  { flags: '--concurrency <n>', description: 'requests under way at once, 1 to 1024', default: '256' },
  { flags: '--max-rps <n>', description: 'requests a second at the most, to leave room for others' },
];

/** Options of every command that may re-encrypt. */
export const reencryptOptions: readonly CommandOption[] = [
  ...paceOptions,
  {
    flags: '--optimistic',
    description:
      "rewrap without looking first: a third fewer requests; every object takes the bucket's bucket key setting",
  },
  {
    flags: '--relist-delay <time>',
    description: 'wait between a pass that moved something and the next listing, for writers that lag behind',
    default: '30s',
  },
  {
    flags: '--wait-for-uploads <time>',
    description:
      'wait so long for multipart uploads begun before the switch, such as 30m; while one is open the gate stays closed',
  },
  {
    flags: '--abort-uploads-older-than <age>',
    description: 'abort multipart uploads begun longer ago, such as 7d; what was uploaded of them is lost',
  },
  {
    flags: '--engine <engine>',
    description: 'what moves the objects in this run, instead of what the rotation file says',
    choices: ['local', 'batch', 'auto'],
  },
  {
    flags: '--confirm',
    description: 'let a job of S3 Batch Operations run once its tasks are counted; without it a terminal is asked',
  },
  {
    flags: '--new-job',
    description: 'begin new jobs even where the last ones ended and can still be read',
  },
  { flags: '--read-all', description: 'verify by reading every object version in full, not a sample' },
];
