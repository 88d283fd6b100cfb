/**
 * Every way Keyturn can fail, in one reviewable place: a closed set of codes, each with what happened, the next thing
 * to do, and the exit code of the process. Texts are lower case and without a final period; facts are shown in them.
 */

/** Exit codes of every command. The numbers are a contract with pipelines. */
export const EXIT = {
  done: 0,
  error: 1,
  changesPending: 2,
  partlyDone: 3,
  refusedByGate: 4,
  usage: 64,
  permission: 77,
  rotationFile: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Entry<F> {
  readonly exitCode: ExitCode;
  readonly message: (facts: F) => string;
  readonly hint: (facts: F) => string;
}

const entry = <F>(
  exitCode: ExitCode,
  message: (facts: F) => string,
  hint: (facts: F) => string,
): Entry<F> => ({ exitCode, message, hint });

const CATALOGUE = {
  'usage': entry<{ problem: string; hint: string }>(
    EXIT.usage,
    (f) => f.problem,
    (f) => f.hint,
  ),
  'interrupted': entry<{ during: string }>(
    EXIT.interrupted,
    (f) => `interrupted during ${f.during}`,
    () => 'run the same command again: it continues from what AWS and Terraform hold',
  ),
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** The facts that a code must come with. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof CATALOGUE)[C]['message']>[0];

/** The only error type that Keyturn throws on purpose; anything else that surfaces is a bug and says so. */
export class KeyturnError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly facts: FactsOf<C>;
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(code: C, facts: FactsOf<C>, cause?: unknown) {
    const found = CATALOGUE[code] as unknown as Entry<FactsOf<C>>;
    super(found.message(facts), cause === undefined ? undefined : { cause });
    this.name = 'KeyturnError';
    this.code = code;
    this.facts = facts;
    this.hint = found.hint(facts);
    this.exitCode = found.exitCode;
  }
}

/** True for a {@link KeyturnError} of the given code. */
export function isCode<C extends ErrorCode>(error: unknown, code: C): error is KeyturnError<C> {
  return error instanceof KeyturnError && error.code === code;
}

/** Throws `interrupted` when the signal has fired; called between requests and before anything that cannot be undone. */
export function throwIfInterrupted(signal: AbortSignal | undefined, during: string): void {
  if (signal?.aborted) throw new KeyturnError('interrupted', { during });
}
