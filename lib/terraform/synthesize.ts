import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { EXIT, KeyturnError, throwIfInterrupted } from '../errors';
import { stackNames } from '../rotation/rotation';
import { runChild } from './child';
import { lastLines } from './diagnostics';

/** A synthesized stack: the directory with its `cdk.tf.json`, in which Terraform runs. */
export interface StackDirectory {
  /** `rotation-test-keys`. */
  readonly name: string;
  readonly directory: string;
}

export interface SynthesizeInput {
  readonly rotationFile: string;
  /** Name of the rotation, which names the stacks. */
  readonly name: string;
  /** Directory of `cdktf.out` and of local state, as after `npx cdktf deploy` in it. */
  readonly workDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Absolute: a program of the team's own with a `cdktf.json`. Default: Keyturn's `main.ts`. */
  readonly trusted?: string | undefined;
}

const PROJECT = resolve(__dirname, '../..');

/**
 * Runs `main.ts` in a separate process like the cdktf CLI, with the same result byte for byte; this process never
 * loads cdktf.
 *
 * @throws KeyturnError `synthesis-refused` (exit 78) with the message of main.ts for a fault of the rotation file,
 * `synthesis-failed`, `usage` for a `trusted` without a program, `interrupted`
 */
export async function synthesize(
  input: SynthesizeInput,
): Promise<{ readonly keys: StackDirectory; readonly storage: StackDirectory }> {
  const out = join(resolve(input.workDirectory), 'cdktf.out');
  await mkdir(out, { recursive: true });
  throwIfInterrupted(input.signal, 'synthesis');
  const { context, ...program } = await programOf(input.trusted);
  const outcome = await runChild({
    ...program,
    env: {
      ...input.env,
      CDKTF_OUTDIR: out,
      CDKTF_CONTEXT_JSON: JSON.stringify({ ...context, rotationFile: resolve(input.rotationFile) }),
    },
    signal: input.signal,
  });
  throwIfInterrupted(input.signal, 'synthesis');
  if (outcome.exit !== 0) throw asFailure(outcome.exit, outcome.stderr);
  const { keys, storage } = stackNames(input);
  const stack = (name: string): StackDirectory => ({ name, directory: join(out, 'stacks', name) });
  return { keys: stack(keys), storage: stack(storage) };
}

const CONFIGURATION = z.looseObject({
  app: z.string().min(1),
  context: z.record(z.string(), z.unknown()).default({}),
});

/** What runs, as the cdktf CLI would run it. */
async function programOf(trusted: string | undefined) {
  if (trusted === undefined) {
    return { file: process.execPath, args: ownProgram(), cwd: PROJECT, context: {} };
  }
  try {
    const { app, context } = CONFIGURATION.parse(JSON.parse(await readFile(join(trusted, 'cdktf.json'), 'utf8')));
    return { file: 'sh', args: ['-c', app], cwd: trusted, context };
  } catch (error) {
    const problem = `--trusted names ${trusted}, which has no cdktf.json with an app`;
    throw new KeyturnError(
      'usage',
      { problem, hint: 'name a checkout of the program that declares the stacks' },
      error,
    );
  }
}

/** Keyturn's `main.ts`: compiled where this file is; in the tests, which transform the sources, by a loader of TypeScript. */
function ownProgram(): readonly string[] {
  const compiled = join(PROJECT, 'main.js');
  return existsSync(compiled) ? [compiled] : ['--require', require.resolve('tsx/cjs'), join(PROJECT, 'main.ts')];
}

function asFailure(exit: number | null, stderr: string): KeyturnError {
  if (exit !== EXIT.rotationFile) {
    const withoutStack = stderr.replaceAll(/^ +at .*\n/gm, '');
    return new KeyturnError('synthesis-failed', { exit, reported: lastLines(withoutStack) });
  }
  const [message = stderr, next = ''] = stderr
    .trim()
    .replace(/^keyturn: /, '')
    .split('\n  next: ');
  return new KeyturnError('synthesis-refused', { message, next });
}
