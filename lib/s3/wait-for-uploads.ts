import { setTimeout as sleep } from 'node:timers/promises';

import { throwIfInterrupted } from '../errors';
import { AdaptiveLimiter } from './adaptive-limiter';
import type { OpenUpload } from './object-version';
import { bucketCaller, uploadsBegunBefore } from './open-uploads';
import { type RetryOptions, withPacingAndRetry } from './pacing-and-retry';
import type { ObjectStore } from './store';

export interface WaitForUploadsRequest {
  readonly bucket: string;
  /** Milliseconds since the epoch by the endpoint's clock: uploads started before it are waited for. Usually the switch. */
  readonly before: number;
  /** Milliseconds to wait at most. */
  readonly timeoutMs: number;
  /** Milliseconds between two polls. Default 5,000. */
  readonly pollMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/**
 * Waits until no multipart upload is open that was started before a time.
 *
 * @returns those that are still open when the time is over; none is good
 * @throws interrupted, aws-access-denied, aws-failed, re-encryption-stopped when S3 cannot be reached
 */
export async function waitForUploads(
  store: ObjectStore,
  request: WaitForUploadsRequest,
): Promise<readonly OpenUpload[]> {
  const { bucket, before, timeoutMs, pollMs = 5_000, signal, retry = {}, onProgress } = request;
  const call = bucketCaller(withPacingAndRetry(new AdaptiveLimiter(), retry, undefined), bucket);
  const until = performance.now() + timeoutMs;
  for (;;) {
    throwIfInterrupted(signal, 'waiting for open uploads');
    const open = await uploadsBegunBefore(store, call, bucket, before);
    const left = until - performance.now();
    if (open.length === 0 || left <= 0) return open;
    onProgress?.(`${bucket}: waiting for ${open.length} open upload(s) that were started before the switch`);
    await sleep(Math.min(pollMs, left), undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}
