import { GetBucketEncryptionCommand, HeadBucketCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { called } from '../aws/failures';
import { KeyturnError } from '../errors';

/** A bucket's default encryption. `keyArn` is what the bucket names: a full ARN where Keyturn set it. */
export interface BucketDefault {
  readonly algorithm: string;
  readonly keyArn: string | undefined;
  readonly bucketKey: boolean;
}

/**
 * Reads the default encryption of a bucket that must belong to `account`.
 *
 * @returns undefined when there is no such bucket
 * @throws bucket-of-another-account, bucket-in-another-region, and what every AWS call may throw
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html
 */
export async function bucketDefault(s3: S3Client, bucket: string, account: string): Promise<BucketDefault | undefined> {
  if (!(await bucketExists(s3, bucket, account))) return undefined;
  const answer = await called('s3:GetEncryptionConfiguration', `arn:aws:s3:::${bucket}`, () =>
    s3.send(new GetBucketEncryptionCommand({ Bucket: bucket, ExpectedBucketOwner: account })),
  );
  const rule = answer.ServerSideEncryptionConfiguration?.Rules?.[0];
  const applied = rule?.ApplyServerSideEncryptionByDefault;
  return {
    algorithm: applied?.SSEAlgorithm ?? 'AES256',
    keyArn: applied?.KMSMasterKeyID,
    bucketKey: rule?.BucketKeyEnabled ?? false,
  };
}

/** True when the bucket is there and belongs to `account`; a bucket that cannot be used is an error, not a no. */
export async function bucketExists(s3: S3Client, bucket: string, account: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account }));
    return true;
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 404) return false;
    if (status === 301) throw new KeyturnError('bucket-in-another-region', { bucket }, error);
    if (status === 403) throw new KeyturnError('bucket-of-another-account', { bucket, account }, error);
    return called('s3:ListBucket', `arn:aws:s3:::${bucket}`, () => Promise.reject(error));
  }
}
