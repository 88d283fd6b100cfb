import type { ExitCode } from './exit-codes';

/** One code of the catalogue: what happened and what to do next, both built from the facts, and the exit code. */
export interface Entry<F> {
  readonly exitCode: ExitCode;
  readonly message: (facts: F) => string;
  readonly hint: (facts: F) => string;
}

export const entry = <F>(exitCode: ExitCode, message: (facts: F) => string, hint: (facts: F) => string): Entry<F> => ({
  exitCode,
  message,
  hint,
});
