import { setTimeout as sleep } from 'node:timers/promises';

import { RETRY_POLICY } from '../aws/retry-policy';
import type { AdaptiveLimiter, Bound } from './adaptive-limiter';
import { retriedAs } from './fault-policy';
import { asFault, type FaultKind, faultKind } from './store-fault';

/** What a run sets otherwise than the entry `s3 request` of `RETRY_POLICY`. */
export interface RetryOptions {
  /** Attempts at one request that S3 or KMS throttles. Default 12. */
  readonly throttledAttempts?: number | undefined;
  /** Attempts at one request that fails transiently. Default 6. */
  readonly transientAttempts?: number | undefined;
  /** Milliseconds of the first wait. Default 50. */
  readonly baseMs?: number | undefined;
  /** Milliseconds of the longest wait. Default 20,000. */
  readonly capMs?: number | undefined;
}

/** Sends requests at the pace that S3 and KMS accept, and retries what {@link retriedAs} names. All else is rejected as it came. */
export type Caller = <T>(bound: Bound, send: () => Promise<T>) => Promise<T>;

/** A caller with the attempts and waits of `RETRY_POLICY`; the signal ends waits and retries. */
export function withPacingAndRetry(
  pace: AdaptiveLimiter,
  retry: RetryOptions,
  signal: AbortSignal | undefined,
): Caller {
  const policy = RETRY_POLICY['s3 request'];
  const attempts = {
    throttled: retry.throttledAttempts ?? policy.attempts.throttled,
    transient: retry.transientAttempts ?? policy.attempts.transient,
    never: 1,
  };
  const [base, cap] = [retry.baseMs ?? policy.baseMs, retry.capMs ?? policy.capMs];
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
        if (kind === undefined || attempt >= attempts[retriedAs(kind)]) throw error;
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
