import type { AwsRequest } from './message';

/**
 * The IAM actions of S3 operations whose name is not the action's. `*` stands for `Version` when the request names a
 * version. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  ListBuckets: ['ListAllMyBuckets'],
  HeadBucket: ['ListBucket'],
  ListObjects: ['ListBucket'],
  ListObjectsV2: ['ListBucket'],
  ListObjectVersions: ['ListBucketVersions'],
  ListMultipartUploads: ['ListBucketMultipartUploads'],
  ListParts: ['ListMultipartUploadParts'],
  GetBucketAccelerateConfiguration: ['GetAccelerateConfiguration'],
  GetBucketAnalyticsConfiguration: ['GetAnalyticsConfiguration'],
  GetBucketCors: ['GetBucketCORS'],
  GetBucketEncryption: ['GetEncryptionConfiguration'],
  PutBucketEncryption: ['PutEncryptionConfiguration'],
  DeleteBucketEncryption: ['PutEncryptionConfiguration'],
  GetBucketIntelligentTieringConfiguration: ['GetIntelligentTieringConfiguration'],
  GetBucketInventoryConfiguration: ['GetInventoryConfiguration'],
  GetBucketLifecycleConfiguration: ['GetLifecycleConfiguration'],
  GetBucketMetricsConfiguration: ['GetMetricsConfiguration'],
  GetBucketNotificationConfiguration: ['GetBucketNotification'],
  DeleteBucketOwnershipControls: ['PutBucketOwnershipControls'],
  GetObjectLockConfiguration: ['GetBucketObjectLockConfiguration'],
  PutObjectLockConfiguration: ['PutBucketObjectLockConfiguration'],
  GetPublicAccessBlock: ['GetBucketPublicAccessBlock'],
  PutPublicAccessBlock: ['PutBucketPublicAccessBlock'],
  DeletePublicAccessBlock: ['PutBucketPublicAccessBlock'],
  GetBucketReplication: ['GetReplicationConfiguration'],
  DeleteBucketTagging: ['PutBucketTagging'],
  GetObject: ['GetObject*'],
  HeadObject: ['GetObject*'],
  GetObjectAcl: ['GetObject*Acl'],
  PutObjectAcl: ['PutObject*Acl'],
  GetObjectAttributes: ['GetObject*Attributes'],
  GetObjectTagging: ['GetObject*Tagging'],
  PutObjectTagging: ['PutObject*Tagging'],
  DeleteObjectTagging: ['DeleteObject*Tagging'],
  DeleteObject: ['DeleteObject*'],
  DeleteObjects: ['DeleteObject'],
  CreateMultipartUpload: ['PutObject'],
  UploadPart: ['PutObject'],
  CompleteMultipartUpload: ['PutObject'],
};

const copySource = 'x-amz-copy-source';

/** The IAM actions that a request takes, in the order they are checked. */
export function s3ActionsOf(operation: string, { query, headers }: AwsRequest): readonly string[] {
  if (operation === 'CopyObject' || operation === 'UploadPartCopy') {
    const versioned = headers[copySource]?.includes('?versionId=') ?? false;
    return [versioned ? 's3:GetObjectVersion' : 's3:GetObject', 's3:PutObject'];
  }
  const version = query.has('versionId') ? 'Version' : '';
  return (exceptions[operation] ?? [operation]).map((action) => `s3:${action.replace('*', version)}`);
}

/** The ARN of the bucket or object a request names, as an access denied message shows it. */
export function s3ResourceOf({ rawPath }: AwsRequest): string {
  return rawPath === '/' ? '*' : `arn:aws:s3:::${decodeURIComponent(rawPath.slice(1))}`;
}

/** The object key a request names. */
export function objectKeyOf({ rawPath }: AwsRequest): string | undefined {
  const slash = rawPath.indexOf('/', 1);
  return slash === -1 || slash === rawPath.length - 1 ? undefined : decodeURIComponent(rawPath.slice(slash + 1));
}
