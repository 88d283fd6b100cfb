import { createInterface } from 'node:readline/promises';
import { stripVTControlCharacters } from 'node:util';
import { KeyturnError } from '../../lib/errors';
import type { Reporter } from '../../lib/workflow/reporter';

/** The streams and variables of the process, as handed in by the entry point or by a test. */
export interface TerminalStreams {
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Without a terminal: minimum time between progress lines, in milliseconds. */
const PROGRESS_INTERVAL_MS = 5_000;

const STYLE = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
} as const;

/** Text from outside (object keys, Terraform, KMS) must not control a terminal: control characters are escaped. */
function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The output of the command line: stdout carries only data; stderr is for people. Lines are short, lower case,
 * without a final period. Color and moving progress only on a terminal, never with `NO_COLOR` or `CI`.
 */
export class Terminal implements Reporter {
  readonly #streams: TerminalStreams;
  readonly #moving: boolean;
  readonly #colored: boolean;
  /** Completes the commands that a message names. */
  complete: (text: string) => string = (text) => text;
  #progressShown = false;
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(streams: TerminalStreams) {
    this.#streams = streams;
    const { env, stderr } = streams;
    this.#moving = stderr.isTTY === true && !env.CI && env.TERM !== 'dumb';
    this.#colored = this.#moving && !env.NO_COLOR;
  }

  /** True when a person can be asked. */
  get interactive(): boolean {
    return this.#streams.stdin.isTTY === true && this.#streams.stderr.isTTY === true && !this.#streams.env.CI;
  }

  /** True where progress moves on a terminal. */
  get watched(): boolean {
    return this.#moving;
  }

  heading(text: string): void {
    this.#line(`\n${this.style('bold', `▸ ${harmless(text)}`)}`);
  }

  note(text: string): void {
    this.#line(`  ${harmless(this.complete(text))}`);
  }

  warn(text: string): void {
    this.#line(this.style('yellow', `  ! ${harmless(this.complete(text))}`));
  }

  block(text: string): void {
    const lines = harmless(text).trimEnd().split('\n');
    this.#line(lines.map((line) => `  ${this.style('dim', '│')} ${line}`).join('\n'));
  }

  progress(text: string): void {
    const clean = harmless(text).replaceAll('\n', ' ');
    if (this.#moving) {
      this.#streams.stderr.write(`\r\u001b[2K  ${clean}`);
      this.#progressShown = true;
      return;
    }
    const now = performance.now();
    if (now - this.#progressAt < PROGRESS_INTERVAL_MS) return;
    this.#progressAt = now;
    this.#line(`  ${clean}`);
  }

  /** A plain line for people, such as a table row. */
  plain(text: string): void {
    this.#line(harmless(text));
  }

  error(text: string): void {
    this.#line(`${this.style('red', 'error')} ${harmless(this.complete(text))}`);
  }

  hint(text: string): void {
    this.#line(`${this.style('cyan', 'next')}  ${harmless(this.complete(text))}`);
  }

  /** Requested data for people: stdout, with control characters escaped. */
  show(text: string): void {
    this.data(harmless(this.complete(text)));
  }

  /** Requested data for machines: stdout, byte for byte. */
  data(text: string): void {
    this.clearProgress();
    this.#streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  style(name: keyof typeof STYLE, text: string): string {
    if (!this.#colored) return text;
    const [on, off] = STYLE[name];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }

  /**
   * Asks for confirmation.
   *
   * @throws confirmation-needed without a terminal, declined on anything but `y` or `yes`, interrupted on Ctrl-C
   */
  async confirm(question: string, signal: AbortSignal): Promise<void> {
    const answer = await this.ask(`${question} [y/N]`, signal);
    if (!/^y(es)?$/i.test(answer)) throw new KeyturnError('declined', { question });
  }

  /**
   * Asks a question and answers with the line that was typed, trimmed.
   *
   * @throws confirmation-needed without a terminal, interrupted on Ctrl-C
   */
  async ask(question: string, signal: AbortSignal): Promise<string> {
    if (!this.interactive)
      throw new KeyturnError('confirmation-needed', { question: question.replace(/ \[y\/N\]$/, '') });
    this.clearProgress();
    const lines = createInterface({ input: this.#streams.stdin, output: this.#streams.stderr });
    try {
      return (await lines.question(`  ${harmless(question)} `, { signal })).trim();
    } catch (error) {
      if (signal.aborted) throw new KeyturnError('interrupted', { during: 'a question' }, error);
      throw error;
    } finally {
      lines.close();
    }
  }

  clearProgress(): void {
    if (this.#progressShown) this.#streams.stderr.write('\r\u001b[2K');
    this.#progressShown = false;
  }

  #line(text: string): void {
    this.clearProgress();
    this.#streams.stderr.write(`${text}\n`);
  }
}
