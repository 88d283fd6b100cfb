/**
 * Every way Keyturn can fail: a closed set of codes, each with what happened, what to do next, and the exit code of
 * the process. The texts are in `catalogue/`, one file per concern. They are lower case, have no final period, and
 * show their facts.
 */
import { awsErrors } from './catalogue/aws-errors';
import { commandErrors } from './catalogue/command-errors';
import { evidenceErrors } from './catalogue/evidence-errors';
import { flowErrors } from './catalogue/flow-errors';
import { jobErrors } from './catalogue/job-errors';
import { keyMaterialErrors } from './catalogue/key-material-errors';
import { objectErrors } from './catalogue/object-errors';
import { reviewErrors } from './catalogue/review-errors';
import { rotationFileErrors } from './catalogue/rotation-file-errors';
import { terraformErrors } from './catalogue/terraform-errors';
import type { Entry } from './entry';
import type { ExitCode } from './exit-codes';

export { EXIT, type ExitCode } from './exit-codes';
export type { FileFault } from './file-fault';

const CATALOGUE = {
  ...commandErrors,
  ...rotationFileErrors,
  ...evidenceErrors,
  ...awsErrors,
  ...objectErrors,
  ...jobErrors,
  ...keyMaterialErrors,
  ...flowErrors,
  ...terraformErrors,
  ...reviewErrors,
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** The facts that a code must come with. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof CATALOGUE)[C]['message']>[0];

/** The only error type that Keyturn throws on purpose; any other error is a bug and is reported as one. */
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

/**
 * Throws `interrupted` when the signal has fired; call it between requests and before anything that cannot be undone.
 */
export function throwIfInterrupted(signal: AbortSignal | undefined, during: string): void {
  if (signal?.aborted) throw new KeyturnError('interrupted', { during });
}
