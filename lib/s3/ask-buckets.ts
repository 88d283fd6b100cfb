import { isCode, throwIfInterrupted } from '../errors';
import { Semaphore } from './semaphore';

/** A question about each of several buckets. */
export interface BucketQuestion<T> {
  readonly buckets: readonly string[];
  /** The IAM action that it needs. */
  readonly action: string;
  /** For people who interrupt it: `reading the default keys of other buckets`. */
  readonly during: string;
  readonly signal: AbortSignal;
  ask(bucket: string): Promise<T>;
}

/** A bucket that may not be asked. */
export interface DeniedBucket {
  readonly action: string;
  readonly bucket: string;
}

/** Requests at once: far below any limit, and 1,000 buckets take seconds. */
const AT_ONCE = 8;

/** Asks every bucket, in any order. @throws what `ask` throws, but not aws-access-denied; interrupted */
export async function askBuckets<T>({ buckets, action, during, signal, ask }: BucketQuestion<T>): Promise<{
  readonly answers: readonly { readonly bucket: string; readonly answer: T }[];
  readonly denied: readonly DeniedBucket[];
}> {
  const slots = new Semaphore(AT_ONCE);
  const denied: DeniedBucket[] = [];
  const asked = buckets.map(async (bucket) => {
    await slots.acquire();
    try {
      throwIfInterrupted(signal, during);
      return [{ bucket, answer: await ask(bucket) }];
    } catch (error) {
      if (!isCode(error, 'aws-access-denied')) throw error;
      denied.push({ action, bucket });
      return [];
    } finally {
      slots.release();
    }
  });
  return { answers: (await Promise.all(asked)).flat(), denied };
}
