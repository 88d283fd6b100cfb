import { type BucketReencryption, type ReencryptRequest, reencryptBucket } from '../../lib/reencrypt/reencrypt-bucket';
import type { ObjectStore } from '../../lib/s3/store';
import { versionScope } from '../../lib/s3/version-scope';
import type { BucketVerification, VerifyRequest } from '../../lib/verify/bucket-verification';
import { VerificationBehind } from '../../lib/verify/verification-behind';
import { verifyBucket } from '../../lib/verify/verify-bucket';

/** Whether a bucket is verified after its re-encryption, or behind it. */
export const ORDERS = ['after', 'behind'] as const;
export type Order = (typeof ORDERS)[number];

/** A re-encryption, and the verification that follows in its order. */
export interface Ordered {
  readonly result: BucketReencryption;
  verify(over?: Partial<VerifyRequest>): Promise<BucketVerification>;
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
  const behind = order === 'behind' ? new VerificationBehind(store, verification) : undefined;
  await behind?.begin();
  const result = await reencryptBucket(store, { ...request, behind });
  const listedBefore = { versions: result.objectVersions, newest: result.newestListed ?? 0 };
  return {
    result,
    verify: (more = {}) => {
      const last = { ...verification, listedBefore, ...more };
      return behind ? behind.finish(last) : verifyBucket(store, last);
    },
  };
}
