import { type ChildProcess, spawn } from 'node:child_process';

import { openZeroablePipe, type ZeroablePipe } from './zeroable-pipe';

/** How a custodian command is run. */
export interface ChildOptions {
  /** Program and arguments, without a shell. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until a silent command is killed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Bytes that the command may print on stdout; one more kills it. */
  readonly longestOutput: number;
}

export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly reason: string }
  | { readonly kind: 'aborted' };

export interface ChildAnswer {
  readonly end: ChildEnd;
  /** The very buffer that was read into, and the only one: whoever takes secrets out of it zeroes it. */
  readonly stdout: Buffer;
  /** The end of what it printed for people, at most 500 characters. */
  readonly stderr: string;
}

const LONGEST_STDERR = 500;

/** Runs the command with `input` on its stdin, and resolves however it ends. The input buffers are not kept or copied. */
export async function runChild(options: ChildOptions, input: readonly Buffer[]): Promise<ChildAnswer> {
  const pipe = await openZeroablePipe(options.longestOutput);
  const { child, said } = start(options, pipe, input);
  const end = await endOf(child, pipe, options);
  // Its own children may still hold the other ends.
  child.stdin?.destroy();
  child.stderr?.destroy();
  return { end, stdout: pipe.take(), stderr: said().trim() };
}

function start({ command, env }: ChildOptions, pipe: ZeroablePipe, input: readonly Buffer[]) {
  const [program, ...args] = command;
  const child = spawn(program, args, { env: { ...env }, stdio: ['pipe', pipe.writer, 'pipe'] });
  pipe.release();
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-LONGEST_STDERR);
  });
  // A command that exits without reading closes the pipe; its exit status tells what happened.
  child.stdin?.on('error', () => undefined);
  for (const part of input) child.stdin?.write(part);
  child.stdin?.end();
  return { child, said: () => said };
}

async function endOf(child: ChildProcess, pipe: ZeroablePipe, options: ChildOptions): Promise<ChildEnd> {
  let release: () => void = () => undefined;
  const end = await new Promise<ChildEnd>((resolve) => {
    const stop = (how: ChildEnd) => {
      child.kill('SIGKILL');
      resolve(how);
    };
    release = stopInTime(options, stop);
    pipe.overflowed.then(() => stop({ kind: 'killed', reason: 'it printed too much on stdout' }));
    child.on('error', (error) => stop({ kind: 'killed', reason: error.message }));
    child.on('close', async (status, by) => {
      await pipe.ended;
      resolve(status === null ? { kind: 'killed', reason: `it was killed by ${by}` } : { kind: 'exited', status });
    });
  });
  release();
  return end;
}

/** Stops a command that hangs, or whose own children keep its output open; returns what ends the watch. */
function stopInTime({ timeoutMs, signal }: ChildOptions, stop: (end: ChildEnd) => void): () => void {
  const seconds = Math.round(timeoutMs / 1000);
  const timer = setTimeout(() => stop({ kind: 'killed', reason: `it did not finish in ${seconds} s` }), timeoutMs);
  const abort = () => stop({ kind: 'aborted' });
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
}
