import { type ChildProcess, spawn } from 'node:child_process';

import { openZeroablePipe, type ZeroablePipe } from './zeroable-pipe';

/** Options of a run of a custodian command. */
export interface ChildOptions {
  /** Program and arguments, without a shell. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Timeout in milliseconds; then the command is killed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Maximum bytes on stdout; more kill the command. */
  readonly longestOutput: number;
}

export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly reason: string }
  | { readonly kind: 'aborted' };

export interface ChildAnswer {
  readonly end: ChildEnd;
  /** The only buffer that stdout was read into; a caller that expects secrets must zero it. */
  readonly stdout: Buffer;
  /** The end of its stderr, at most 500 characters. */
  readonly stderr: string;
}

const LONGEST_STDERR = 500;

/**
 * Runs the command with `input` on its stdin; resolves for every outcome. It neither stores nor copies the input
 * buffers.
 */
export async function runChild(options: ChildOptions, input: readonly Buffer[]): Promise<ChildAnswer> {
  const pipe = await openZeroablePipe(options.longestOutput);
  const { child, stderrEnd } = start(options, pipe, input);
  const end = await endOf(child, pipe, options);
  // Children of the command may still hold the other ends.
  child.stdin?.destroy();
  child.stderr?.destroy();
  return { end, stdout: pipe.take(), stderr: stderrEnd().trim() };
}

function start({ command, env }: ChildOptions, pipe: ZeroablePipe, input: readonly Buffer[]) {
  const [program, ...args] = command;
  const child = spawn(program, args, { env: { ...env }, stdio: ['pipe', pipe.writer, 'pipe'] });
  pipe.release();
  let stderrEnd = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderrEnd = (stderrEnd + chunk.toString('utf8')).slice(-LONGEST_STDERR);
  });
  // A command that exits without reading closes the pipe; its exit status shows the reason.
  child.stdin?.on('error', () => undefined);
  for (const part of input) child.stdin?.write(part);
  child.stdin?.end();
  return { child, stderrEnd: () => stderrEnd };
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

/** Kills a command that hangs, or whose children hold its output open; returns a function that cancels the timer. */
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
