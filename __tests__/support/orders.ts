import { type BucketReencryption, type ReencryptRequest, reencryptBucket } from '../../lib/reencrypt/reencrypt-bucket';
import type { ObjectStore } from '../../lib/s3/store';
import { versionScope } from '../../lib/s3/version-scope';
import type { BucketVerification, VerifyRequest } from '../../lib/verify/bucket-verification';
import { VerificationBehind } from '../../lib/verify/verification-behind';
import { verifyBucket } from '../../lib/verify/verify-bucket';
import { inProcessWorkers } from './in-process-workers';

/** Whether a bucket is verified after its re-encryption, behind it, or behind it by the processes that move it. */
export const ORDERS = ['after', 'behind', 'shared'] as const;
export type Order = (typeof ORDERS)[number];

/** A re-encryption, and the verification that follows in its order. */
export interface Ordered {
  readonly result: BucketReencryption;
  verify(over?: Partial<VerifyRequest>): Promise<BucketVerification>;
}

/** A small bucket has several pages for the re-encryption, so that there is something to hand out. */
function inSmallPages(store: ObjectStore): ObjectStore {
  return { ...store, listVersions: (asked, signal) => store.listVersions({ limit: 2, ...asked }, signal) };
}

/** Re-encrypts a bucket. @param over - of the verification, from its beginning on */
export async function reencryptIn(
  order: Order,
  store: ObjectStore,
  request: ReencryptRequest,
  over: Partial<VerifyRequest> = {},
): Promise<Ordered> {
  const { bucket, targetKeyArn: activeKeyArn, sources, retry } = request;
  const scope = { activeKeyArn, ...sources };
  const verification: VerifyRequest = {
    bucket,
    activeKeyArn,
    retry,
    scopeOf: (version) => versionScope(scope, version),
    ...over,
  };
  const behind = order === 'after' ? undefined : new VerificationBehind(store, verification, undefined, scope);
  await behind?.begin();
  const paged = order === 'shared' ? inSmallPages(store) : store;
  const workers = order === 'shared' ? inProcessWorkers(async () => paged) : undefined;
  const result = await reencryptBucket(paged, { ...request, behind }, workers);
  const listedBefore = { versions: result.objectVersions, newest: result.newestListed ?? 0 };
  return {
    result,
    verify: (more = {}) => {
      const last = { ...verification, listedBefore, ...more };
      return behind ? behind.finish(last) : verifyBucket(store, last);
    },
  };
}
