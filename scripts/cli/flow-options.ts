import type { CommandOption } from './command';

/** Decrypts custody in age files. */
export const identityOption: CommandOption = {
  flags: '--identity <path>',
  description: 'age identity file that decrypts custody; not needed with a custodian command or a hardware module',
};

/** Options of every command that may import key material. */
export const materialOptions: readonly CommandOption[] = [
  { flags: '--material-file <path>', description: 'read the 32 raw bytes from this file instead of generating them' },
  {
    flags: '--identity <path>',
    description: 'age identity file; needed only if custody has the material and its wrapped copy has expired',
  },
  {
    flags: '--no-custody',
    description: 'save no copy of the material outside KMS; it is lost with the key or at its expiry',
  },
];

/** Options of every command that reads all objects. */
export const paceOptions: readonly CommandOption[] = [
  { flags: '--concurrency <n>', description: 'concurrent requests, 1 to 1024; default: 384 for each process' },
  { flags: '--max-rps <n>', description: 'maximum requests per second, to leave capacity for other clients' },
];

/** Options of every command that may re-encrypt. */
export const reencryptOptions: readonly CommandOption[] = [
  ...paceOptions,
  {
    flags: '--processes <n>',
    description:
      'processes that move the objects of large buckets, 1 to 64; --concurrency and --max-rps are divided among them. ' +
      'A dry run, what jobs leave, and what is verified after the move take one',
    default: '1',
  },
  {
    flags: '--optimistic',
    description:
      'with `reencrypt.from: [any]`, rewrap without a HEAD request first even where a sample of a page is in place ' +
      "already or has another bucket key setting; every object gets the bucket's",
  },
  {
    flags: '--relist-delay <time>',
    description: 'wait this long before listing again after objects were moved, for writers that still use the old key',
    default: '30s',
  },
  {
    flags: '--wait-for-uploads <time>',
    description:
      'wait up to this long, such as 30m, for multipart uploads from before the switch; the gate stays closed while one is open',
  },
  {
    flags: '--abort-uploads-older-than <age>',
    description: 'abort multipart uploads older than this, such as 7d; their uploaded parts are lost',
  },
  {
    flags: '--engine <engine>',
    description: 'override the engine of the rotation file for this run',
    choices: ['local', 'batch', 'auto'],
  },
  {
    flags: '--confirm',
    description: 'start each S3 Batch Operations job once its tasks are counted, without asking',
  },
  {
    flags: '--new-job',
    description: 'create new jobs even if the results of the last ones can still be read',
  },
  { flags: '--read-all', description: 'verify by reading every object version in full instead of a sample' },
];

/** For commands whose dry run can find changes. */
export const pendingOption: CommandOption = {
  flags: '--detailed-exitcode',
  description: 'in a dry run, exit 2 if a real run would change something or leave something behind',
};
