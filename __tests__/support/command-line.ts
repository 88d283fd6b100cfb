import { PassThrough, Writable } from 'node:stream';
import { runCommandLine } from '../../scripts/cli/command-line';

export interface Spoken {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with nobody at the terminal, and returns what it said. */
export async function speak(
  cwd: string,
  args: readonly string[],
  signal = new AbortController().signal,
): Promise<Spoken> {
  const stdout = new Collector();
  const stderr = new Collector();
  const stdin = Object.assign(process.stdin, { isTTY: false });
  const exitCode = await runCommandLine(args, { stdin, stdout, stderr, env: process.env, cwd, signal });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

/** The same with a person at the terminal, who says yes to every question after doing something. */
export async function speakWithPerson(
  cwd: string,
  args: readonly string[],
  before: (question: string) => Promise<void> | void,
): Promise<Spoken> {
  const stdout = new Collector();
  const typed = Object.assign(new PassThrough(), { isTTY: true });
  const stdin = typed as unknown as typeof process.stdin;
  const stderr = Object.assign(new Collector(), { isTTY: true });
  stderr.onText = (text) => {
    if (text.includes('[y/N]')) void Promise.resolve(before(text)).then(() => typed.write('y\n'));
  };
  const { CI: _ci, ...env } = process.env;
  const signal = new AbortController().signal;
  const exitCode = await runCommandLine(args, { stdin, stdout, stderr, env, cwd, signal });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

class Collector extends Writable {
  text = '';
  onText: (text: string) => void = () => undefined;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(chunk.toString());
    done();
  }
}
