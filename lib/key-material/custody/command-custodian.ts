import { randomBytes } from 'node:crypto';
import { z } from 'zod';

import { KeyturnError } from '../../errors';
import { emptyMaterial, KEY_MATERIAL_BYTES, KeyMaterial } from '../secret';
import { type ChildAnswer, runChild } from './child-process';
import type { MaterialCustodian } from './custodian';
import { type FileOperations, nodeFiles } from './file-operations';

/** Name and version of the contract, in every request and every answer. */
export const COMMAND_CONTRACT = 'keyturn-custodian/1';
/** Exit status of a `store` that found an existing copy and did not change it. */
export const STATUS_HELD = 3;
/** Maximum bytes on stdout: a response is one line, and the material after it. */
const LONGEST_ANSWER = 4096;

export interface CommandCustodyOptions {
  /** Name of the rotation. */
  readonly rotation: string;
  /** Program and arguments; run without a shell. */
  readonly command: readonly [string, ...string[]];
  /** Absolute path for pending imports and records, which are not secret. */
  readonly directory: string;
  /** Environment of the command. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds; default 60,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly files?: FileOperations | undefined;
}

type Action = 'held' | 'store' | 'open';

const heldAnswer = z.union([
  z.object({ contract: z.literal(COMMAND_CONTRACT), held: z.literal(false) }),
  z.object({ contract: z.literal(COMMAND_CONTRACT), held: z.literal(true), binding: z.string().min(1).max(256) }),
]);
const plainAnswer = z.object({ contract: z.literal(COMMAND_CONTRACT) });

/**
 * A program of the team stores the copies. It runs once per action: a JSON line on stdin, for `store` followed
 * by the 32 raw bytes; a JSON line on stdout, for `open` followed by the 32 raw bytes. Material never appears in
 * arguments, environment or JSON, where it could not be zeroed.
 *
 * @see docs/custodian-command.md
 */
export function createCommandCustodian(options: CommandCustodyOptions): MaterialCustodian {
  const { rotation, directory, command, files = nodeFiles } = options;
  const [program] = command;
  const ask = (action: Action, version: string, binding?: string) => ({
    contract: COMMAND_CONTRACT,
    action,
    rotation,
    version,
    ...(binding === undefined ? {} : { binding }),
  });
  return {
    kind: 'command',
    rotation,
    recipients: [],
    ledger: { directory, files },
    locate: (version) => `${program} (${rotation}, ${version})`,
    async copyBinding(version) {
      const answer = await run(options, 'held', [line(ask('held', version))]);
      const response = read(answer, (json, rest) => {
        if (rest.length > 0) throw failure(options, 'held', 'it printed more than one line', answer);
        return parse(options, 'held', heldAnswer, json, answer);
      });
      return response.held ? response.binding : undefined;
    },
    async seal(version, material) {
      const binding = randomBytes(16).toString('hex');
      return { binding, store: () => store(options, line(ask('store', version, binding)), material) };
    },
    open: (version) => open(options, line(ask('open', version))),
  };
}

async function store(options: CommandCustodyOptions, request: Buffer, material: KeyMaterial): Promise<void> {
  const answer = await material.withBytes('custody', (bytes) => run(options, 'store', [request, bytes]));
  read(answer, (json, rest) => {
    if (rest.length > 0) throw failure(options, 'store', 'it printed more than one line', answer);
    parse(options, 'store', plainAnswer, json, answer);
  });
}

async function open(options: CommandCustodyOptions, request: Buffer): Promise<KeyMaterial> {
  const answer = await run(options, 'open', [request]);
  return read(answer, (json, rest) => {
    parse(options, 'open', plainAnswer, json, answer);
    if (rest.length !== KEY_MATERIAL_BYTES) {
      const reason = `it printed ${rest.length} bytes of material, not ${KEY_MATERIAL_BYTES}`;
      throw failure(options, 'open', reason, answer);
    }
    const bytes = emptyMaterial();
    rest.copy(bytes);
    return KeyMaterial.take(bytes, options.command[0]);
  });
}

async function run(options: CommandCustodyOptions, action: Action, input: readonly Buffer[]): Promise<ChildAnswer> {
  const { command, env, signal, timeoutMs = 60_000 } = options;
  const child = { command, env, signal, timeoutMs, longestOutput: LONGEST_ANSWER };
  const answer = await runChild(child, input).catch((error: Error) => {
    throw new KeyturnError(
      'custodian-failed',
      { command: command[0], action, reason: error.message, output: '' },
      error,
    );
  });
  const { end } = answer;
  if (end.kind === 'exited' && end.status === 0) return answer;
  answer.stdout.fill(0);
  if (end.kind === 'aborted') throw new KeyturnError('interrupted', { during: `the custodian command (${action})` });
  if (end.kind === 'killed') throw failure(options, action, end.reason, answer);
  if (action === 'store' && end.status === STATUS_HELD) throw new KeyturnError('custody-exists', { file: command[0] });
  throw failure(options, action, `exit status ${end.status}`, answer);
}

/** Passes the JSON line and the bytes after it without copying; then zeroes all output. */
function read<T>({ stdout }: ChildAnswer, take: (json: string, rest: Buffer) => T): T {
  const end = stdout.indexOf(0x0a);
  try {
    return take(end < 0 ? '' : stdout.toString('utf8', 0, end), stdout.subarray(end + 1));
  } finally {
    stdout.fill(0);
  }
}

function parse<T>(
  options: CommandCustodyOptions,
  action: Action,
  schema: z.ZodType<T>,
  json: string,
  answer: ChildAnswer,
): T {
  try {
    return schema.parse(JSON.parse(json));
  } catch {
    throw failure(options, action, `its first line is not a response of contract ${COMMAND_CONTRACT}`, answer);
  }
}

/** Its stdout is never shown, because it may contain material. */
function failure(options: CommandCustodyOptions, action: Action, reason: string, answer: ChildAnswer): KeyturnError {
  return new KeyturnError('custodian-failed', { command: options.command[0], action, reason, output: answer.stderr });
}

function line(request: object): Buffer {
  return Buffer.from(`${JSON.stringify(request)}\n`);
}
