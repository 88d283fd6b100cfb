import { setTimeout as sleep } from 'node:timers/promises';

import type { AdaptiveLimiter, Bound } from './adaptive-limiter';
import { asFault, type FaultKind, faultKind, type StoreFault } from './store-fault';

export interface RetryOptions {
  /** Attempts at one request that S3 or KMS throttles. Default 12. */
  readonly throttledAttempts?: number | undefined;
  /** Attempts at one request that fails in passing. Default 6. */
  readonly transientAttempts?: number | undefined;
  /** Milliseconds of the first wait. Default 50. */
  readonly baseMs?: number | undefined;
  /** Milliseconds of the longest wait. Default 20,000. */
  readonly capMs?: number | undefined;
}

/** Sends requests at the pace that S3 and KMS take, and tries again what fails in passing. All else is rejected as it came. */
export type Caller = <T>(bound: Bound, send: () => Promise<T>) => Promise<T>;

/** Attempts after which waiting longer does not help, by kind; one for every kind not named. */
export function withPacingAndRetry(
  pace: AdaptiveLimiter,
  retry: RetryOptions,
  signal: AbortSignal | undefined,
): Caller {
  const attempts: Partial<Record<FaultKind, number>> = {
    'throttled-s3': retry.throttledAttempts ?? 12,
    'throttled-kms': retry.throttledAttempts ?? 12,
    transient: retry.transientAttempts ?? 6,
  };
  const [base, cap] = [retry.baseMs ?? 50, retry.capMs ?? 20_000];
  signal?.addEventListener('abort', () => pace.open(), { once: true });

  return async (bound, send) => {
    for (let attempt = 1; ; attempt += 1) {
      const turn = pace.enter(bound);
      if (turn) await turn;
      try {
        signal?.throwIfAborted();
        const answer = await send();
        pace.done(bound);
        return answer;
      } catch (error) {
        const fault = asFault(error);
        const kind = fault && faultKind(fault);
        leave(pace, bound, kind);
        if (kind === undefined || attempt >= (attempts[kind] ?? 1)) throw error;
      }
      // Full jitter: retries that waited alike would come back as one burst.
      await sleep(Math.random() * Math.min(cap, base * 2 ** attempt), undefined, signal ? { signal } : {});
    }
  };
}

function leave(pace: AdaptiveLimiter, bound: Bound, kind: FaultKind | undefined): void {
  if (kind === 'throttled-s3') pace.slowDown(bound, 's3');
  else if (kind === 'throttled-kms') pace.slowDown(bound, 'kms');
  else pace.done(bound);
}

/** One line for people: what was tried and what S3 said. */
export function faultText(fault: StoreFault): string {
  const code = fault.code === '' ? `HTTP ${fault.status}` : fault.code;
  return `${fault.operation}: ${code}${fault.message === '' ? '' : `: ${fault.message}`}`;
}
