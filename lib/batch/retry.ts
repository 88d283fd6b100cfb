import { setTimeout as sleep } from 'node:timers/promises';

import { RETRY_POLICY } from '../aws/retry-policy';
import { isCode, KeyturnError } from '../errors';

/** What a run sets otherwise than the entry `job call` of `RETRY_POLICY`. */
export interface JobRetry {
  /** Attempts at one call that is throttled or fails transiently. Default 8. */
  readonly attempts?: number | undefined;
  /** Milliseconds of the first wait. Default 250. */
  readonly baseMs?: number | undefined;
  /** Milliseconds of the longest wait. Default 20,000. */
  readonly capMs?: number | undefined;
}

const POLICY = RETRY_POLICY['job call'];
const CODES: ReadonlySet<string> = new Set(POLICY.codes);

/** True for a call that may succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  if (POLICY.errors.some((code) => isCode(error, code))) return true;
  return isCode(error, 'aws-failed') && CODES.has(error.facts.awsCode);
}

/** Retries a call that fails transiently, with growing waits. @throws interrupted */
export async function withJobRetry<T>(
  send: () => Promise<T>,
  retry: JobRetry,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { attempts = POLICY.attempts, baseMs = POLICY.baseMs, capMs = POLICY.capMs } = retry;
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
