import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ChildInput {
  readonly file: string;
  readonly args: readonly string[];
  /** Absent: the working directory of this process. */
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
  /** On abort: `stop` (default) sends one SIGINT, `finish` waits for the end of the child. */
  readonly onAbort?: 'stop' | 'finish';
}

export interface ChildOutcome {
  /** `null` for a child killed by a signal. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True if the abort signal fired while the child ran. The function still waits for the child. */
  readonly interrupted: boolean;
}

/**
 * Runs a program to its end.
 *
 * The child has its own process group, so that a Ctrl-C at the terminal reaches Keyturn alone, which passes on one
 * SIGINT or none. Its output goes to files instead of pipes, so that it finishes, without a broken pipe, even if
 * Keyturn itself is killed. It does not inherit the PIN of a hardware module.
 *
 * @throws the spawn error (`ENOENT`, `EACCES`) if the program cannot be started
 */
export async function runChild(input: ChildInput): Promise<ChildOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'keyturn-'));
  try {
    const [out, err] = [join(directory, 'stdout'), join(directory, 'stderr')];
    const { exit, interrupted } = await runInto(out, err, input);
    return { exit, interrupted, stdout: await readFile(out, 'utf8'), stderr: await readFile(err, 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runInto(
  out: string,
  err: string,
  { file, args, cwd, env: given, signal, onAbort = 'stop' }: ChildInput,
): Promise<Pick<ChildOutcome, 'exit' | 'interrupted'>> {
  const { KEYTURN_PKCS11_PIN: _pin, ...env } = given;
  await using stdout = await open(out, 'w', 0o600);
  await using stderr = await open(err, 'w', 0o600);
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', stdout.fd, stderr.fd] });
  const stop = (): void => {
    if (onAbort === 'stop') child.kill('SIGINT');
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const exit = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { exit, interrupted: signal?.aborted === true };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
