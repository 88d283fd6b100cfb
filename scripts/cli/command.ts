import type { ExitCode, KeyturnError } from '../../lib/errors';
import type { Terminal } from './terminal';

/** What a command receives from the process; commands use neither `process` nor each other. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of options are resolved against it. */
  readonly cwd: string;
  /** Fires on the first Ctrl-C or SIGTERM: finish what is under way, then stop. */
  readonly signal: AbortSignal;
  /**
   * Reports the result of a side task, such as archiving evidence. It is always in the JSON document and never hides
   * the result of the command itself; a fault turns `done` into `partly done`.
   */
  sideResult(name: string, facts: Readonly<Record<string, unknown>>, fault?: KeyturnError): void;
}

/** The result of a command: the exit code, and its facts for `--json`. */
export interface CommandOutcome {
  readonly exitCode: ExitCode;
  readonly data: Readonly<Record<string, unknown>>;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface CommandOption {
  /** In commander's notation: `--material-file <path>`. */
  readonly flags: string;
  readonly description: string;
  readonly default?: string;
  readonly choices?: readonly string[];
  /** True: it may be given several times, and its value is the list of all. Default false: the last one counts. */
  readonly repeats?: boolean;
}

/** A command as `--help` lists it, without what it stands on. */
export interface ListedCommand {
  readonly name: string;
  /** What it does, in one line: lower case, without a final period. */
  readonly summary: string;
  load(): CommandDefinition;
}

export interface CommandDefinition {
  /** The text of `--help`: what the command does and what it changes. */
  readonly description: string;
  readonly arguments?: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CommandOption[];
  /** True: takes `--dry-run` and `--yes`. */
  readonly mutates: boolean;
  /** Complete example commands. */
  readonly examples: readonly string[];
  run(context: CommandContext, options: OptionValues, args: readonly string[]): Promise<CommandOutcome>;
}

/** The option every command that reads a rotation file takes. */
export const rotationFileOption: CommandOption = {
  flags: '--rotation-file <path>',
  description: 'the rotation file',
  default: 'rotation.yaml',
};

/** Options of every command that can run for each rotation file of a project in turn. */
export const rotationFileOptions: readonly CommandOption[] = [
  rotationFileOption,
  { flags: '--all', description: 'run it for rotation.yaml and every file of rotations/, one after the other' },
];

/** A string option, or undefined if it was not given. */
export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** Every value of an option that repeats; undefined if it was not given. */
export function texts(options: OptionValues, name: string): readonly string[] | undefined {
  const value = options[name];
  return Array.isArray(value) ? value : undefined;
}

export function flag(options: OptionValues, name: string): boolean {
  return options[name] === true;
}
