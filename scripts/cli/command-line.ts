import { Command, CommanderError, Option } from 'commander';
import { EXIT, type ExitCode, KeyturnError } from '../../lib/errors';
import { findRotationFiles } from '../../lib/rotation/rotation-files';
import { commands } from '../commands';
import type { CommandContext, ListedCommand, OptionValues } from './command';
import { asDiskFault } from './disk-fault';
import { gravest, withRotationFile } from './each-rotation-file';
import { renamedOption } from './renamed-options';
import { Terminal, type TerminalStreams } from './terminal';
import { ownVersion } from './version';

/** Version of the document that `--json` prints; raised when a field changes its meaning or is removed. */
export const JSON_SCHEMA_VERSION = 1;

export interface CommandLineStreams extends TerminalStreams {
  readonly cwd: string;
  readonly signal: AbortSignal;
}

const EXIT_CODES = `
Exit codes:
  0 done · 1 error · 2 changes pending (with --detailed-exitcode) · 3 partly done, run again · 4 refused by a gate
  64 usage · 77 permission · 78 rotation file · 130 interrupted`;

/** Parses the arguments, runs one command, prints its data or its error, and returns the exit code. Never throws. */
export async function runCommandLine(argv: readonly string[], streams: CommandLineStreams): Promise<ExitCode> {
  const terminal = new Terminal(streams);
  let exitCode: ExitCode = EXIT.done;
  const program = new Command('keyturn')
    .description('Rotates bring-your-own KMS keys under S3 buckets and proves that nothing was lost.')
    .version(ownVersion(), '--version', 'print the version of Keyturn')
    // `material` has a --version of its own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (out) => terminal.data(out),
      writeErr: (help) => terminal.plain(help.trimEnd()),
      outputError: () => {},
    })
    .addHelpText('after', EXIT_CODES);
  for (const listed of commands) {
    const command = new Command(listed.name).copyInheritedSettings(program).summary(listed.summary);
    program.addCommand(command);
    if (!argv.includes(listed.name)) continue;
    declare(command, listed, async (options, args) => {
      exitCode = await runOne(listed, terminal, streams, options, args);
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportUsage(error, terminal, argv);
  }
}

function declare(
  command: Command,
  { summary, load }: ListedCommand,
  action: (options: OptionValues, args: readonly string[]) => Promise<void>,
): void {
  const definition = load();
  command.description(`${sentence(summary)}\n\n${definition.description}`).showSuggestionAfterError(true);
  for (const argument of definition.arguments ?? []) command.argument(argument.name, argument.description);
  for (const one of definition.options) {
    const option = new Option(one.flags, one.description);
    if (one.default !== undefined) option.default(one.default);
    if (one.choices) option.choices([...one.choices]);
    if (one.repeats) option.argParser((value: string, all: readonly string[] = []) => [...all, value]);
    command.addOption(option);
  }
  if (definition.mutates) {
    command.option('--dry-run', 'preview only: plan and count, but change nothing');
    command.option('--yes', 'confirm everything in advance; required without a terminal');
  }
  command.option('--json', 'print one JSON document on stdout');
  command.option('--debug', 'print stack traces');
  const examples = definition.examples.map((example) => `  ${example}`).join('\n');
  command.addHelpText('after', `\nExamples:\n${examples}`);
  command.action((...all: unknown[]) => {
    const self = all.at(-1) as Command;
    return action(self.opts() as OptionValues, self.args);
  });
}

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

async function runOne(
  listed: ListedCommand,
  terminal: Terminal,
  streams: CommandLineStreams,
  options: OptionValues,
  args: readonly string[],
): Promise<ExitCode> {
  const run = (chosen: OptionValues): Promise<Ended> => runOnce(listed, terminal, streams, chosen, args);
  const ended = options.all === true ? await runForAll(terminal, streams, options, run) : await run(options);
  if (options.json === true)
    terminal.data(document({ command: listed.name, exitCode: ended.exitCode, ...ended.facts }));
  return ended.exitCode;
}

/** Every rotation file gets its turn, whatever became of the one before; only an interruption ends them all. */
async function runForAll(
  terminal: Terminal,
  { cwd }: CommandLineStreams,
  options: OptionValues,
  run: (options: OptionValues) => Promise<Ended>,
): Promise<Ended> {
  const files = await findRotationFiles(cwd);
  if (files.length === 0) {
    const error = new KeyturnError('rotation-file-missing', { file: 'rotation.yaml' });
    return { exitCode: reportError(error, terminal, false), facts: { error: errorFacts(error) } };
  }
  const rotations: Record<string, unknown>[] = [];
  const exitCodes: ExitCode[] = [];
  for (const rotationFile of files) {
    terminal.heading(rotationFile);
    const { exitCode, facts } = await run({ ...options, rotationFile });
    exitCodes.push(exitCode);
    rotations.push({ rotationFile, exitCode, ...facts });
    if (exitCode === EXIT.interrupted) break;
  }
  return { exitCode: gravest(exitCodes), facts: { rotations } };
}

/** How a run ended, and what its JSON document says of it. */
interface Ended {
  readonly exitCode: ExitCode;
  readonly facts: Readonly<Record<string, unknown>>;
}

async function runOnce(
  { load }: ListedCommand,
  terminal: Terminal,
  streams: CommandLineStreams,
  options: OptionValues,
  args: readonly string[],
): Promise<Ended> {
  const { env, cwd, signal } = streams;
  const sideResults: Record<string, unknown> = {};
  const faults: KeyturnError[] = [];
  const sideResult: CommandContext['sideResult'] = (what, facts, fault) => {
    sideResults[what] = fault === undefined ? facts : { ...facts, fault: errorFacts(fault) };
    if (fault !== undefined) faults.push(fault);
  };
  const file = typeof options.rotationFile === 'string' ? options.rotationFile : undefined;
  terminal.complete = (text) => withRotationFile(text, file);
  try {
    const outcome = await load().run({ terminal, env, cwd, signal, sideResult }, options, args);
    const exitCode = outcome.exitCode === EXIT.done && faults.length > 0 ? EXIT.partlyDone : outcome.exitCode;
    for (const fault of faults) reportSideFault(terminal, fault);
    return { exitCode, facts: completed({ ...outcome.data, ...sideResults }, terminal) };
  } catch (thrown) {
    const error = asDiskFault(thrown);
    for (const fault of faults) reportSideFault(terminal, fault);
    const exitCode = reportError(error, terminal, options.debug === true);
    return { exitCode, facts: completed({ error: errorFacts(error), ...sideResults }, terminal) };
  } finally {
    terminal.complete = (text) => text;
    // The last line is the result, never what was left of the progress.
    terminal.clearProgress();
  }
}

/** What a document says to type next names the rotation file, too. */
function completed(facts: Record<string, unknown>, { complete }: Terminal): Record<string, unknown> {
  const text = JSON.stringify(facts, (_key, value: unknown) => (typeof value === 'string' ? complete(value) : value));
  return JSON.parse(text) as Record<string, unknown>;
}

function reportSideFault(terminal: Terminal, fault: KeyturnError): void {
  terminal.warn(`${fault.code}: ${fault.message}`);
  terminal.hint(fault.hint);
}

function document(fields: Record<string, unknown>): string {
  const text = JSON.stringify({ schemaVersion: JSON_SCHEMA_VERSION, ...fields }, null, 2);
  return text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Characters that JSON does not escape but a terminal or a log viewer would obey: C1 controls and bidirectional
 * marks.
 */
const UNPRINTABLE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function errorFacts(error: unknown): Record<string, unknown> {
  if (error instanceof KeyturnError) {
    return { code: error.code, message: error.message, facts: error.facts, hint: error.hint };
  }
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) };
}

function reportError(error: unknown, terminal: Terminal, debug: boolean): ExitCode {
  terminal.clearProgress();
  if (!(error instanceof KeyturnError)) {
    terminal.error(`unexpected: ${error instanceof Error ? (debug ? error.stack : error.message) : String(error)}`);
    terminal.hint(
      debug
        ? 'this is a bug in Keyturn; please report it with the lines above'
        : 'this is a bug in Keyturn; run again with --debug and report the output',
    );
    return EXIT.error;
  }
  terminal.error(`${error.code}: ${error.message}`);
  if (debug && error.stack) terminal.plain(error.stack);
  if (debug && error.cause instanceof Error && error.cause.stack) terminal.plain(`caused by ${error.cause.stack}`);
  terminal.hint(error.hint);
  return error.exitCode;
}

/** Commander's own exits: help and version are data, everything else is a usage fault. */
function reportUsage(error: unknown, terminal: Terminal, argv: readonly string[]): ExitCode {
  if (!(error instanceof CommanderError)) return reportError(error, terminal, argv.includes('--debug'));
  if (error.exitCode === 0) return EXIT.done;
  if (error.code === 'commander.help') return EXIT.usage;
  const problem = error.message.replace(/^error: /, '');
  const renamed = error.code === 'commander.unknownOption' ? renamedIn(error.message, argv[0]) : undefined;
  const help = `\`npx keyturn ${argv[0] && !argv[0].startsWith('-') ? `${argv[0]} ` : ''}--help\` lists the options`;
  const hint = renamed === undefined ? help : `did you mean \`${renamed}\`? ${help}`;
  return reportError(new KeyturnError('usage', { problem, hint }), terminal, false);
}

function renamedIn(message: string, commandName: string | undefined): string | undefined {
  const given = /'(--[^']+)'/.exec(message)?.[1];
  const listed = commands.find(({ name }) => name === commandName);
  return given && listed
    ? renamedOption(
        given,
        listed.load().options.map(({ flags }) => flags),
      )
    : undefined;
}
