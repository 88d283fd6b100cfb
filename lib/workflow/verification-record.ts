import type { BucketVerification } from '../verify/bucket-verification';

/** What a fresh listing, HEADs and other sources found in every bucket that could hold objects under a superseded version. */
export interface VerificationRecord {
  readonly activeKeyArn: string;
  readonly buckets: readonly BucketVerification[];
}
