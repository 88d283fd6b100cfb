import type { ObjectStore } from '../s3/store';
import type { BucketReencryption } from './bucket-reencryption';
import { BucketRun } from './bucket-run';
import type { ReencryptRequest } from './reencrypt-request';
import type { SegmentWorkers } from './segment-workers';

export type { BucketReencryption } from './bucket-reencryption';
export type { ReencryptRequest } from './reencrypt-request';

/**
 * Moves every object version of a bucket that can be moved under the target key, and reports why every other one cannot.
 * The first pass inspects every version; later ones at those that were written since, until a pass moves nothing.
 *
 * @param workers - processes that move the bucket once it turns out to be large; this one then records what they did. Default: this
 *   process alone, and always where the run is a dry one or limited by `only`
 * @returns a partial result with `stopped` when it was interrupted, the credentials ended, or S3 could not be reached
 * @throws aws-access-denied, target-key-unusable, rewrap-unsupported, rewrite-unsupported, aws-failed: faults of the
 *   configuration, at once
 */
export async function reencryptBucket(
  store: ObjectStore,
  request: ReencryptRequest,
  workers?: SegmentWorkers,
): Promise<BucketReencryption> {
  return new BucketRun(store, request, workers).run();
}
