import { Writable } from 'node:stream';
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

class Collector extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
