import type { AwsRequest } from './message';
import type { Need } from './need';
import { S3Fault } from './s3/fault';
import { copySourceOf, type Target, targetOf } from './s3/wire/target';

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
  GetBucketCors: ['GetBucketCORS'],
  DeleteBucketCors: ['PutBucketCORS'],
  GetBucketEncryption: ['GetEncryptionConfiguration'],
  PutBucketEncryption: ['PutEncryptionConfiguration'],
  DeleteBucketEncryption: ['PutEncryptionConfiguration'],
  GetBucketLifecycleConfiguration: ['GetLifecycleConfiguration'],
  PutBucketLifecycleConfiguration: ['PutLifecycleConfiguration'],
  DeleteBucketLifecycle: ['PutLifecycleConfiguration'],
  GetBucketMetadataConfiguration: ['GetBucketMetadataTableConfiguration'],
  GetBucketNotificationConfiguration: ['GetBucketNotification'],
  DeleteBucketOwnershipControls: ['PutBucketOwnershipControls'],
  GetBucketReplication: ['GetReplicationConfiguration'],
  PutBucketReplication: ['PutReplicationConfiguration'],
  DeleteBucketReplication: ['PutReplicationConfiguration'],
  PutBucketInventoryConfiguration: ['PutInventoryConfiguration'],
  DeleteBucketInventoryConfiguration: ['PutInventoryConfiguration'],
  DeleteBucketTagging: ['PutBucketTagging'],
  GetObjectLockConfiguration: ['GetBucketObjectLockConfiguration'],
  PutObjectLockConfiguration: ['PutBucketObjectLockConfiguration'],
  GetPublicAccessBlock: ['GetBucketPublicAccessBlock'],
  PutPublicAccessBlock: ['PutBucketPublicAccessBlock'],
  DeletePublicAccessBlock: ['PutBucketPublicAccessBlock'],
  ListBucketAnalyticsConfigurations: ['GetAnalyticsConfiguration'],
  ListBucketIntelligentTieringConfigurations: ['GetIntelligentTieringConfiguration'],
  ListBucketInventoryConfigurations: ['GetInventoryConfiguration'],
  ListBucketMetricsConfigurations: ['GetMetricsConfiguration'],
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
  CopyObject: ['PutObject'],
  CreateMultipartUpload: ['PutObject'],
  UploadPart: ['PutObject'],
  UploadPartCopy: ['PutObject'],
  CompleteMultipartUpload: ['PutObject'],
};

const copySource = 'x-amz-copy-source';

/** What else a write sets takes an action of its own. */
const settingHeaders: Readonly<Record<string, string>> = {
  'x-amz-tagging': 's3:PutObjectTagging',
  'x-amz-acl': 's3:PutObjectAcl',
  'x-amz-grant-full-control': 's3:PutObjectAcl',
  'x-amz-grant-read': 's3:PutObjectAcl',
  'x-amz-grant-read-acp': 's3:PutObjectAcl',
  'x-amz-grant-write-acp': 's3:PutObjectAcl',
  'x-amz-object-lock-mode': 's3:PutObjectRetention',
  'x-amz-object-lock-legal-hold': 's3:PutObjectLegalHold',
};

/** The IAM actions that a request takes, in the order they are checked. */
export function s3ActionsOf(operation: string, { query, headers }: AwsRequest): readonly string[] {
  const version = query.has('versionId') ? 'Version' : '';
  const actions = (exceptions[operation] ?? [operation]).map((action) => `s3:${action.replace('*', version)}`);
  return actions.includes('s3:PutObject')
    ? [...sourceActions(headers), ...actions, ...settingActions(headers)]
    : actions;
}

function sourceActions(headers: AwsRequest['headers']): readonly string[] {
  const source = headers[copySource];
  if (source === undefined) return [];
  return [source.includes('?versionId=') ? 's3:GetObjectVersion' : 's3:GetObject'];
}

function settingActions(headers: AwsRequest['headers']): readonly string[] {
  const set = Object.entries(settingHeaders).filter(([name]) => headers[name] !== undefined);
  return [...new Set(set.map(([, action]) => action))];
}

/** {@link s3ActionsOf}, each with the bucket or object it is asked for. Reading a copy's source is asked for the source. */
export function s3NeedsOf(operation: string, request: AwsRequest): readonly Need[] {
  const resource = s3ResourceOf(namedIn(request));
  const source = request.headers[copySource];
  return s3ActionsOf(operation, request).map((action, at) => ({
    action,
    resource:
      at === 0 && source !== undefined && action.startsWith('s3:GetObject') ? sourceResourceOf(source) : resource,
  }));
}

function sourceResourceOf(source: string): string {
  return understood(() => s3ResourceOf(copySourceOf(source))) ?? '*';
}

/** The ARN of a bucket or object, as an access denied message shows it. */
function s3ResourceOf({ bucket, key }: Target): string {
  if (bucket === '') return '*';
  return key === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}

/** The object key a request names. */
export function objectKeyOf(request: AwsRequest): string | undefined {
  return namedIn(request).key || undefined;
}

/** What a request names, in its path or its host. One that S3 refuses to read names nothing. */
const namedIn = (request: AwsRequest): Target => understood(() => targetOf(request)) ?? { bucket: '', key: '' };

function understood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof S3Fault) return undefined;
    throw error;
  }
}
