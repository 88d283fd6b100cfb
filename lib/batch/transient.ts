import { setTimeout as sleep } from 'node:timers/promises';

import { isCode, KeyturnError } from '../errors';

export interface JobRetry {
  /** Attempts at one call that is throttled or fails in passing. Default 8. */
  readonly attempts?: number | undefined;
  /** Milliseconds of the first wait. Default 250. */
  readonly baseMs?: number | undefined;
  /** Milliseconds of the longest wait. Default 20,000. */
  readonly capMs?: number | undefined;
}

/** Faults of S3 itself, which pass. */
const PASSING: ReadonlySet<string> = new Set([
  'InternalServiceException',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'HTTP 500',
  'HTTP 502',
  'HTTP 503',
  'HTTP 504',
]);

/** True for what may well succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  if (isCode(error, 'aws-throttled') || isCode(error, 'aws-endpoint-unreachable')) return true;
  return isCode(error, 'aws-failed') && PASSING.has(error.facts.awsCode);
}

/** Sends again what fails in passing, with growing waits. @throws interrupted */
export async function retried<T>(send: () => Promise<T>, retry: JobRetry, signal: AbortSignal | undefined): Promise<T> {
  const { attempts = 8, baseMs = 250, capMs = 20_000 } = retry;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (attempt >= attempts || !isTransient(error) || signal?.aborted) throw error;
      await pause(Math.random() * Math.min(capMs, baseMs * 2 ** attempt), signal);
    }
  }
}

/** Waits. @throws interrupted when the signal fires meanwhile */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    throw new KeyturnError('interrupted', { during: 'S3 Batch Operations' }, error);
  }
}
