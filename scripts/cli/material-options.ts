import { KeyturnError } from '../../lib/errors';
import { type CommandOption, type OptionValues, text } from './command';
import { identityOption } from './flow-options';

/** The three parts of a ceremony; two people on two machines play them in this order. */
export const PHASES = ['prepare', 'wrap', 'import'] as const;
export type Phase = (typeof PHASES)[number];

interface PhaseOption extends CommandOption {
  /** As the parsed options name it. */
  readonly name: string;
  readonly phases: readonly Phase[];
}

const options: readonly PhaseOption[] = [
  {
    name: 'rotationFile',
    flags: '--rotation-file <path>',
    description: 'prepare, import: the rotation file (default: rotation.yaml); wrap: where its custody is used',
    phases: ['prepare', 'wrap', 'import'],
  },
  {
    name: 'version',
    flags: '--version <name>',
    description: 'prepare: the key version; default: the one that waits for material',
    phases: ['prepare'],
  },
  {
    name: 'wrappingAlgorithm',
    flags: '--wrapping-algorithm <name>',
    description: 'prepare: RSAES_OAEP_SHA_1 for a module that does no other; default: RSAES_OAEP_SHA_256',
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
    description: 'prepare, wrap: the file to write; default: named after rotation and version, beside the command',
    phases: ['prepare', 'wrap'],
  },
  {
    name: 'recipient',
    flags: '--recipient <age1...>',
    description: 'wrap: who can open the custody copy; several may follow each other',
    phases: ['wrap'],
  },
  {
    name: 'directory',
    flags: '--directory <path>',
    description: 'wrap: folder of the custody files (default: custody)',
    phases: ['wrap'],
  },
  {
    name: 'fingerprint',
    flags: '--fingerprint <hex>',
    description: 'wrap: the fingerprint as the other person read it out; instead of being asked',
    phases: ['wrap'],
  },
  {
    name: 'materialFile',
    flags: '--material-file <path>',
    description: 'wrap: take the 32 raw bytes from this file instead of generating them',
    phases: ['wrap'],
  },
  {
    ...identityOption,
    name: 'identity',
    description: 'wrap: age identity file, where custody holds it already',
    phases: ['wrap'],
  },
];

/** Every option of the command, as its help lists them. */
export const ceremonyOptions: readonly CommandOption[] = options;

/** Refuses an option that the phase does not take: it would be ignored without a word. @throws usage */
export function refuseForeignOptions(phase: Phase, given: OptionValues): void {
  const foreign = options.find(({ name, phases }) => given[name] !== undefined && !phases.includes(phase));
  if (!foreign) return;
  const [flagName = ''] = foreign.flags.split(' ');
  throw new KeyturnError('usage', {
    problem: `${flagName} belongs to material ${foreign.phases.join(' and ')}, not to ${phase}`,
    hint: 'leave it out; `npx keyturn material --help` lists what each part takes',
  });
}

/** An option that the phase cannot do without. @throws usage */
export function needed(phase: Phase, given: OptionValues, name: 'request' | 'answer'): string {
  const value = text(given, name);
  if (value !== undefined) return value;
  throw new KeyturnError('usage', {
    problem: `material ${phase} needs --${name}`,
    hint: `name the file that material ${name === 'request' ? 'prepare' : 'wrap'} wrote`,
  });
}
