import { GetBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { called } from '../aws/failures';

/**
 * Whether a bucket keeps versions; `Suspended`: overwritten objects are lost from now on, earlier versions are still there.
 *
 * @throws KeyturnError as `called`
 */
export async function bucketVersioning(
  s3: S3Client,
  bucket: string,
  account: string,
): Promise<'Enabled' | 'Suspended' | 'Off'> {
  const command = new GetBucketVersioningCommand({ Bucket: bucket, ExpectedBucketOwner: account });
  const { Status } = await called('s3:GetBucketVersioning', `arn:aws:s3:::${bucket}`, () => s3.send(command));
  return Status ?? 'Off';
}
