/** What S3 and KMS accept. Each number is defined here once. */

/**
 * Requests a second that S3 accepts at least of one partitioned prefix; it scales beyond, gradually.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
 */
export const S3_PER_PREFIX = { writes: 3_500, reads: 5_500 } as const;

/** Object versions in one answer of a listing, at most. */
export const LISTED_PER_REQUEST = 1_000;

/**
 * Objects of one job at most.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-update-encryption.html
 */
export const JOB_OBJECTS = 20_000_000_000;

/**
 * Share of KMS calls that an S3 Bucket Key leaves: AWS states that it saves up to 99 %.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
 */
export const LEFT_BY_BUCKET_KEY = 0.01;

/** Regions whose quota of symmetric calls is not the common one. */
const QUOTAS: Readonly<Record<string, number>> = {
  'us-east-1': 100_000,
  'us-west-2': 100_000,
  'eu-west-1': 100_000,
  'us-east-2': 20_000,
  'ap-southeast-1': 20_000,
  'ap-southeast-2': 20_000,
  'ap-northeast-1': 20_000,
  'eu-central-1': 20_000,
  'eu-west-2': 20_000,
};

/** What every other Region has. */
export const COMMON_KMS_QUOTA = 10_000;

/**
 * Symmetric KMS calls a second of an account in a Region, by default: one pool for everything the account does there,
 * the calls that S3 makes for it included. It can be raised.
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
 */
export function kmsQuota(region: string): number {
  return QUOTAS[region] ?? COMMON_KMS_QUOTA;
}
