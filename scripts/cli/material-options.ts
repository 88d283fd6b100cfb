import { KeyturnError } from '../../lib/errors';
import { type CommandOption, type OptionValues, text } from './command';
import { identityOption } from './flow-options';

/** The three parts of a ceremony, run in this order by two people on two machines; and what puts a file into custody. */
export const PHASES = ['prepare', 'wrap', 'import', 'adopt'] as const;
export type Phase = (typeof PHASES)[number];

interface PhaseOption extends CommandOption {
  /** The name of the parsed option. */
  readonly name: string;
  readonly phases: readonly Phase[];
}

const options: readonly PhaseOption[] = [
  {
    name: 'rotationFile',
    flags: '--rotation-file <path>',
    description:
      'prepare, import, adopt: the rotation file (default: rotation.yaml); wrap: optional, to use its custody',
    phases: ['prepare', 'wrap', 'import', 'adopt'],
  },
  {
    name: 'version',
    flags: '--version <name>',
    description: 'prepare: the key version; default: the one that is PendingImport; adopt: the key version',
    phases: ['prepare', 'adopt'],
  },
  {
    name: 'wrappingAlgorithm',
    flags: '--wrapping-algorithm <name>',
    description: 'prepare: RSAES_OAEP_SHA_1 for a module that supports no other; default: RSAES_OAEP_SHA_256',
    phases: ['prepare'],
  },
  {
    name: 'request',
    flags: '--request <path>',
    description: 'wrap, import: the request that prepare wrote',
    phases: ['wrap', 'import'],
  },
  {
    name: 'answer',
    flags: '--answer <path>',
    description: 'import: the wrapped material that wrap wrote',
    phases: ['import'],
  },
  {
    name: 'out',
    flags: '--out <path>',
    description: 'prepare, wrap: the output file; default: named after rotation and version, in the working directory',
    phases: ['prepare', 'wrap'],
  },
  {
    name: 'recipient',
    flags: '--recipient <age1...>',
    description: 'wrap: age recipient of the custody copy; accepts several',
    phases: ['wrap'],
  },
  {
    name: 'directory',
    flags: '--directory <path>',
    description: 'wrap: directory of the custody files (default: custody)',
    phases: ['wrap'],
  },
  {
    name: 'fingerprint',
    flags: '--fingerprint <hex>',
    description:
      'the fingerprint that the other person read out, instead of a prompt; wrap: of the request; import: of the answer',
    phases: ['wrap', 'import'],
  },
  {
    name: 'validTo',
    flags: '--valid-to <time>',
    description:
      'import: when the material expires from now on, UTC; the rotation file gets this date; default: its own, never earlier than that of KMS',
    phases: ['import'],
  },
  {
    name: 'validDays',
    flags: '--valid-days <n>',
    description: 'import: the same, in days from now',
    phases: ['import'],
  },
  {
    name: 'materialFile',
    flags: '--material-file <path>',
    description:
      'wrap: read the 32 raw bytes from this file instead of generating them; adopt: the file that goes into custody',
    phases: ['wrap', 'adopt'],
  },
  {
    ...identityOption,
    name: 'identity',
    description: 'wrap: age identity file; needed if custody already holds the material',
    phases: ['wrap'],
  },
];

/** Every option of the command, as its help lists them. */
export const ceremonyOptions: readonly CommandOption[] = options;

/** Refuses an option that the phase does not accept, instead of silently ignoring it. @throws usage */
export function refuseForeignOptions(phase: Phase, given: OptionValues): void {
  const foreign = options.find(({ name, phases }) => given[name] !== undefined && !phases.includes(phase));
  if (!foreign) return;
  const [flagName = ''] = foreign.flags.split(' ');
  throw new KeyturnError('usage', {
    problem: `${flagName} belongs to material ${foreign.phases.join(' and ')}, not to ${phase}`,
    hint: 'omit it; `npx keyturn material --help` lists the options of each part',
  });
}

/** Where the value of a required option comes from. */
const SOURCES = {
  request: 'name the file that material prepare wrote',
  answer: 'name the file that material wrap wrote',
  version: 'name a key version of the rotation file',
  materialFile: 'name the file that holds the 32 raw bytes',
} as const;

/** A required option of the phase. @throws usage */
export function needed(phase: Phase, given: OptionValues, name: keyof typeof SOURCES): string {
  const value = text(given, name);
  if (value !== undefined) return value;
  const [flagName = ''] = (options.find((one) => one.name === name)?.flags ?? '').split(' ');
  throw new KeyturnError('usage', { problem: `material ${phase} needs ${flagName}`, hint: SOURCES[name] });
}
