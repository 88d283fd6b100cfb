import { type ErrorCode, KeyturnError } from '../errors';
import { RunStopped } from '../s3/fault-policy';
import type { WorkerFault } from './worker-messages';

/** An error as another process is told of it. */
export function faultOf(error: unknown): WorkerFault {
  if (error instanceof KeyturnError) return { kind: 'keyturn', code: error.code, facts: plain(error.facts as object) };
  if (error instanceof RunStopped) return { kind: 'stopped', ...error.stopped };
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return { kind: 'unexpected', message, stack };
}

/** The error that another process ended with, as if this one had. */
export function errorOf(fault: WorkerFault): Error {
  switch (fault.kind) {
    case 'keyturn':
      return keyturnError(fault);
    case 'stopped':
      return new RunStopped({ because: fault.because, detail: fault.detail });
    case 'unexpected':
      return Object.assign(new Error(fault.message), { stack: fault.stack });
  }
}

function keyturnError({ code, facts }: Extract<WorkerFault, { kind: 'keyturn' }>): KeyturnError {
  try {
    return new KeyturnError(code as ErrorCode, facts as never);
  } catch {
    return new KeyturnError('worker-answer-invalid', { found: `it ended with the unknown error ${code}` });
  }
}

type Facts = Extract<WorkerFault, { kind: 'keyturn' }>['facts'];

function plain(facts: object): Facts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]: [string, unknown]) => [
      name,
      isPlain(value) ? value : JSON.stringify(value),
    ]),
  );
}

function isPlain(value: unknown): value is Facts[string] {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string');
  return ['string', 'number', 'boolean', 'undefined'].includes(typeof value);
}
