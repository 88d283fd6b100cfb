import { type BucketReencryption, type ReencryptRequest, reencryptBucket } from '../lib/reencrypt/reencrypt-bucket';
import type { SegmentWorkers } from '../lib/reencrypt/segment-workers';
import { AdaptiveLimiter } from '../lib/s3/adaptive-limiter';
import type { ObjectStore } from '../lib/s3/store';
import { type MoveSources, versionScope } from '../lib/s3/version-scope';
import type { BucketVerification } from '../lib/verify/bucket-verification';
import { VerificationBehind } from '../lib/verify/verification-behind';

/** A bucket whose objects are to be under another key, and proven to be. */
export interface WholeRotation {
  readonly bucket: string;
  readonly activeKeyArn: string;
  readonly sources: MoveSources;
  /** Default: one for both. */
  readonly pace?: AdaptiveLimiter | undefined;
}

/** What `post-apply` does with one bucket before it decides about the old key: both in one pipeline, under one limit. */
export async function rotateBucket(
  store: ObjectStore,
  { bucket, activeKeyArn, sources, pace = new AdaptiveLimiter() }: WholeRotation,
  workers?: SegmentWorkers,
): Promise<{ readonly moved: BucketReencryption; readonly verified: BucketVerification }> {
  const scope = { activeKeyArn, ...sources };
  // The stub has no content to read a sample of.
  const request = { bucket, activeKeyArn, read: 0, scopeOf: versionScope.bind(undefined, scope) };
  const behind = new VerificationBehind(store, request, pace, scope);
  await behind.begin();
  const move: ReencryptRequest = {
    bucket,
    targetKeyArn: activeKeyArn,
    sources,
    bucketKeyDefault: true,
    method: 'rewrap',
    dryRun: false,
    pace,
    optimistic: 'sampled',
    behind,
  };
  const moved = await reencryptBucket(store, move, workers);
  const listedBefore = { versions: moved.objectVersions, newest: moved.newestListed ?? 0 };
  return { moved, verified: await behind.finish({ ...request, listedBefore }) };
}
