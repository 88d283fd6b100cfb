import { AdaptiveLimiter, concurrencyOf } from '../s3/adaptive-limiter';
import { FaultPolicy } from '../s3/fault-policy';
import { type Caller, type RetryOptions, withPacingAndRetry } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { asFault } from '../s3/store-fault';

/** Sends requests about a bucket itself. Rejects with what ends a run: a KeyturnError, or RunStopped. */
export type BucketCall = <T>(send: () => Promise<T>) => Promise<T>;

export interface BucketCallOptions {
  readonly bucket: string;
  readonly targetKeyArn: string;
  readonly maxRps?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The calls that listing a bucket for a job takes, at the pace and with the patience of the local engine. */
export function bucketCall({ bucket, targetKeyArn, maxRps, retry = {}, signal }: BucketCallOptions): BucketCall {
  const call: Caller = withPacingAndRetry(
    new AdaptiveLimiter({ maxConcurrency: concurrencyOf(undefined), maxRps }),
    retry,
    signal,
  );
  const faultPolicy = new FaultPolicy(targetKeyArn);
  return async (send) => {
    try {
      return await call('s3', send);
    } catch (error) {
      const fault = asFault(error);
      throw fault ? faultPolicy.bucketFault(fault, bucket) : error;
    }
  };
}

/** Keys of open uploads that are kept in mind; of more than these only the oldest date is. */
const MOST_UPLOADS = 10_000;

/** Multipart uploads that are open at a time. */
export interface OpenUploads {
  readonly keys: readonly string[];
  /** Milliseconds since the epoch when the oldest of those beyond {@link keys} was begun. */
  readonly oldestOther: number | undefined;
}

/** What comes of an open upload bears the date it was begun: older than a listing that it is not in. */
export async function uploadsNow(store: ObjectStore, call: BucketCall, bucket: string): Promise<OpenUploads> {
  const keys: string[] = [];
  let oldestOther: number | undefined;
  let after: { key: string; uploadId: string } | undefined;
  do {
    const marker = after;
    const page = await call(() => store.listUploads({ bucket, after: marker }));
    for (const { key, initiated } of page.uploads) {
      if (keys.length < MOST_UPLOADS) keys.push(key);
      else oldestOther = Math.min(oldestOther ?? initiated, initiated);
    }
    after = page.next;
  } while (after);
  return { keys, oldestOther };
}
