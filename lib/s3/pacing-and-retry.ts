import { setTimeout as sleep } from 'node:timers/promises';

import { RETRY_POLICY } from '../aws/retry-policy';
import type { AdaptiveLimiter, Bound } from './adaptive-limiter';
import { retriedAs } from './fault-policy';
import { PrefixPacing } from './prefix-pacing';
import type { RequestLane } from './request-lane';
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

/**
 * Sends requests at the pace that S3 and KMS accept, and retries what {@link retriedAs} names. All else is rejected as it came.
 * With the key of the object that a request is about, it is paced by the key's prefix, `kms` as a write and `s3` as a read.
 */
export type Caller = <T>(bound: Bound, send: () => Promise<T>, key?: string) => Promise<T>;

/**
 * A caller with the attempts and waits of `RETRY_POLICY`; the signal ends waits and retries.
 *
 * @param prefixes - the pace of each prefix of the one bucket that is called
 */
export function withPacingAndRetry(
  pace: AdaptiveLimiter,
  retry: RetryOptions,
  signal: AbortSignal | undefined,
  prefixes = new PrefixPacing(),
): Caller {
  const policy = RETRY_POLICY['s3 request'];
  const attempts = {
    throttled: retry.throttledAttempts ?? policy.attempts.throttled,
    transient: retry.transientAttempts ?? policy.attempts.transient,
    never: 1,
  };
  const [base, cap] = [retry.baseMs ?? policy.baseMs, retry.capMs ?? policy.capMs];
  const open = () => {
    prefixes.open();
    pace.release(prefixes);
  };
  signal?.addEventListener('abort', open, { once: true });

  return async (bound, send, key) => {
    const lane = key === undefined ? undefined : prefixes.lane(bound === 'kms' ? 'writes' : 'reads', key);
    for (let attempt = 1; ; attempt += 1) {
      const own = lane && prefixes.enter(lane);
      if (own) await own;
      const turn = pace.enter(bound, prefixes);
      if (turn) await turn;
      try {
        signal?.throwIfAborted();
        prefixes.sent += 1;
        const answer = await send();
        if (lane) prefixes.accepted(lane);
        pace.done(bound);
        return answer;
      } catch (error) {
        const fault = asFault(error);
        const kind = fault && faultKind(fault);
        leave(pace, prefixes, { bound, lane, kind });
        if (kind === undefined || attempt >= attempts[retriedAs(kind)]) throw error;
      }
      // Full jitter: retries that waited alike would come back as one burst.
      await sleep(Math.random() * Math.min(cap, base * 2 ** attempt), undefined, signal ? { signal } : {});
    }
  };
}

interface Left {
  readonly bound: Bound;
  readonly lane: RequestLane | undefined;
  readonly kind: FaultKind | undefined;
}

function leave(pace: AdaptiveLimiter, prefixes: PrefixPacing, { bound, lane, kind }: Left): void {
  const isPrefix = kind === 'throttled-s3' && lane !== undefined;
  if (isPrefix) prefixes.refused(lane);
  else if (lane && kind !== undefined) prefixes.accepted(lane);
  if (isPrefix) pace.slowDown(bound, 'prefix');
  else if (kind === 'throttled-s3') pace.slowDown(bound, 's3');
  else if (kind === 'throttled-kms') pace.slowDown(bound, 'kms');
  else pace.done(bound);
}
