import { AdaptiveLimiter, concurrencyOf } from '../s3/adaptive-limiter';
import { type BucketCall, bucketCallOf } from '../s3/bucket-call';
import { FaultPolicy } from '../s3/fault-policy';
import { type RetryOptions, withPacingAndRetry } from '../s3/pacing-and-retry';

export interface BucketCallOptions {
  readonly bucket: string;
  readonly targetKeyArn: string;
  readonly maxRps?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The requests that list a bucket for a job, with the pacing and retries of the local engine. */
export function bucketCall({ bucket, targetKeyArn, maxRps, retry = {}, signal }: BucketCallOptions): BucketCall {
  const pace = new AdaptiveLimiter({ maxConcurrency: concurrencyOf(undefined), maxRps });
  return bucketCallOf(withPacingAndRetry(pace, retry, signal), new FaultPolicy(targetKeyArn), bucket);
}
