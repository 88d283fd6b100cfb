import { bucketCaller } from './open-uploads';
import type { Caller } from './pacing-and-retry';
import { listVersionsInParallel } from './parallel-listing';
import type { ObjectStore } from './store';

export interface CountRequest {
  readonly bucket: string;
  /** The count stops once it has reached this number of object versions. */
  readonly upTo: number;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** What a listing counted of a bucket. */
export interface VersionCount {
  /** False: the bucket never had versions. */
  readonly versioned: boolean;
  readonly versions: number;
  readonly noncurrent: number;
  readonly bytes: number;
  /** False: the count stopped early, and the bucket holds at least `versions`. */
  readonly isWhole: boolean;
}

/**
 * Counts the object versions of a bucket by a listing, up to a number and no further than the page that reaches it. Reads only.
 *
 * @throws interrupted, aws-access-denied, aws-failed, re-encryption-stopped when S3 cannot be reached
 */
export async function countVersions(store: ObjectStore, call: Caller, request: CountRequest): Promise<VersionCount> {
  const { bucket, upTo, onProgress } = request;
  const ofBucket = bucketCaller(call, bucket);
  const versioned = (await ofBucket('s3', () => store.versioning(bucket))) !== 'unversioned';
  const counted = { versions: 0, noncurrent: 0, bytes: 0 };
  for await (const page of listVersionsInParallel(store, { bucket, listing: (send) => ofBucket('s3', send) })) {
    for (const version of page.versions) {
      counted.versions += 1;
      counted.bytes += version.size;
      if (!version.isLatest) counted.noncurrent += 1;
    }
    onProgress?.(`${bucket}: ${counted.versions} object versions counted`);
    if (counted.versions >= upTo) return { versioned, ...counted, isWhole: false };
  }
  return { versioned, ...counted, isWhole: true };
}
