import { bucketCaller } from '../s3/open-uploads';
import type { Caller } from '../s3/pacing-and-retry';
import { listVersionsInParallel } from '../s3/parallel-listing';
import type { ObjectStore } from '../s3/store';
import { type EngineForecasts, forecastEngines } from './engine-forecasts';

export interface EngineChoiceRequest {
  readonly bucket: string;
  /** Object versions from which on jobs are taken: `reencrypt.batch.fromVersions`. */
  readonly fromVersions: number;
  /** The bucket's own setting of S3 Bucket Keys. */
  readonly bucketKey: boolean;
  readonly region: string;
  readonly method: 'rewrap' | 'rewrite';
  readonly verify: 'heads' | 'manifest';
  /** `reencrypt.batch.noConcurrentWrites`. Default false. */
  readonly noConcurrentWrites?: boolean | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

export interface EngineChoice {
  readonly engine: 'local' | 'batch';
  /** Object versions counted: all of them, or as many as it took to pass the threshold. */
  readonly versions: number;
  /** False: the count was broken off, and the bucket holds at least `versions`. */
  readonly isWhole: boolean;
  /** Of what was counted. */
  readonly noncurrent: number;
  readonly bytes: number;
  /** For what was counted. */
  readonly forecasts: EngineForecasts;
  /** One sentence without a final period. */
  readonly why: string;
}

/**
 * Chooses the engine of a bucket by the number of its object versions, which a listing counts until the threshold is
 * reached, and no further. Reads only.
 *
 * @throws interrupted, aws-access-denied, aws-failed, re-encryption-stopped when S3 cannot be reached
 */
export async function chooseEngine(
  store: ObjectStore,
  call: Caller,
  request: EngineChoiceRequest,
): Promise<EngineChoice> {
  const { bucket, fromVersions, onProgress } = request;
  const ofBucket = bucketCaller(call, bucket);
  const versioned = (await ofBucket('s3', () => store.versioning(bucket))) !== 'unversioned';
  const counted = { versions: 0, noncurrent: 0, bytes: 0 };
  let isWhole = true;
  for await (const page of listVersionsInParallel(store, { bucket, listing: (send) => ofBucket('s3', send) })) {
    for (const version of page.versions) {
      counted.versions += 1;
      counted.bytes += version.size;
      if (!version.isLatest) counted.noncurrent += 1;
    }
    onProgress?.(`${bucket}: ${counted.versions} object versions counted`);
    if (counted.versions < fromVersions) continue;
    isWhole = false;
    break;
  }
  const engine = counted.versions >= fromVersions ? 'batch' : 'local';
  const number = `${isWhole ? '' : 'at least '}${counted.versions.toLocaleString('en-US')}`;
  const threshold = fromVersions.toLocaleString('en-US');
  return {
    engine,
    ...counted,
    isWhole,
    forecasts: forecastEngines({ ...request, ...counted, versioned }),
    why: `${bucket} holds ${number} object versions; jobs are taken from ${threshold} on`,
  };
}
