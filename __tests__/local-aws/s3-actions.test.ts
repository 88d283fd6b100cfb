import type { AwsRequest, DataKeys } from '../../local-aws/message';
import { createS3 } from '../../local-aws/s3';
import { s3ActionsOf } from '../../local-aws/s3-actions';

/**
 * The actions of https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html that the
 * operations served take.
 */
const known = new Set(
  [
    'AbortMultipartUpload CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite DeleteObject',
    'DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging GetAccelerateConfiguration',
    'GetAnalyticsConfiguration GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging',
    'GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration',
    'GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock',
    'GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration',
    'GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration',
    'DeleteObjectAnnotation GetObjectAnnotation PutObjectAnnotation',
    'GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging',
    'GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionTagging',
    'GetReplicationConfiguration ListAllMyBuckets ListBucket ListBucketMultipartUploads ListBucketVersions',
    'ListMultipartUploadParts ListObjectAnnotations PutBucketAcl PutBucketCORS PutBucketObjectLockConfiguration PutBucketOwnershipControls',
    'PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning',
    'PutEncryptionConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutObject PutObjectAcl PutObjectLegalHold',
    'PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging PutReplicationConfiguration',
    'RestoreObject UpdateObjectEncryption',
  ].flatMap((line) => line.split(' ').map((action) => `s3:${action}`)),
);

function request(headers: Record<string, string> = {}, query: [string, string][] = []): AwsRequest {
  return {
    method: 'PUT',
    rawPath: '/bucket/key',
    query: new Map(query),
    headers,
    body: Buffer.alloc(0),
    trailers: {},
    caller: { accessKeyId: '', accountId: '', arn: '', userId: '' },
    region: '',
    requestId: '',
  };
}

const noKeys = {} as DataKeys;
const { operations } = createS3({ clock: { now: Date.now }, dataKeysIn: () => noKeys, regions: ['us-east-1'] });

it.each(operations)('%s takes actions that IAM knows, with and without a version', (operation) => {
  const actions = [request(), request({}, [['versionId', 'v']])].flatMap((asked) => s3ActionsOf(operation, asked));
  expect(actions.length).toBeGreaterThanOrEqual(2);
  expect(actions.filter((action) => !known.has(action))).toEqual([]);
});

it.each([
  ['HeadObject', request(), ['s3:GetObject']],
  ['HeadObject', request({}, [['versionId', 'v']]), ['s3:GetObjectVersion']],
  ['PutObject', request({ 'x-amz-tagging': 'a=b' }), ['s3:PutObject', 's3:PutObjectTagging']],
  ['CopyObject', request({ 'x-amz-copy-source': 'b/k' }), ['s3:GetObject', 's3:PutObject']],
  ['CopyObject', request({ 'x-amz-copy-source': 'b/k?versionId=v' }), ['s3:GetObjectVersion', 's3:PutObject']],
  ['PutBucketEncryption', request(), ['s3:PutEncryptionConfiguration']],
  ['UpdateObjectEncryption', request({}, [['versionId', 'v']]), ['s3:UpdateObjectEncryption']],
] as const)('%s takes exactly what it must', (operation, asked, actions) => {
  expect(s3ActionsOf(operation, asked)).toEqual(actions);
});
