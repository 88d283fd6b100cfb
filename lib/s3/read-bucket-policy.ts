import { GetBucketPolicyCommand, type S3Client } from '@aws-sdk/client-s3';
import { awsCodeOf, called } from '../aws/failures';
import { isCode } from '../errors';

/** The policy of a bucket as JSON text; `none`: the bucket has none; `denied`: it may not be read; `missing`: no such bucket. */
export type BucketPolicy = { readonly text: string } | 'none' | 'denied' | 'missing';

/**
 * Reads the policy of a bucket that must belong to `account`.
 *
 * @throws KeyturnError as `called`
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
 */
export async function readBucketPolicy(s3: S3Client, bucket: string, account: string): Promise<BucketPolicy> {
  const command = new GetBucketPolicyCommand({ Bucket: bucket, ExpectedBucketOwner: account });
  try {
    const { Policy = '' } = await called('s3:GetBucketPolicy', `arn:aws:s3:::${bucket}`, () => s3.send(command));
    return { text: Policy };
  } catch (error) {
    if (awsCodeOf(error) === 'NoSuchBucketPolicy') return 'none';
    if (awsCodeOf(error) === 'NoSuchBucket') return 'missing';
    if (isCode(error, 'aws-access-denied')) return 'denied';
    throw error;
  }
}
