import type { PolicyDocument, PolicyStatement } from '../permissions/policy-document';
import { partitionOf } from '../rotation/partition';
import { bucketPrefix, MARK_TAG } from './sandbox-mark';

/** Reads and deletes only keys that have the tag, and buckets by their name. */
export function confirmPolicy(account: string, region: string): PolicyDocument {
  const arn = (service: string, where: string, what: string) =>
    `arn:${partitionOf(region)}:${service}:${where}:${what}`;
  const keys = arn('kms', `${region}:${account}`, 'key/*');
  const bucket = arn('s3', ':', `${bucketPrefix(account)}*`);
  const allow = (Sid: string, Action: readonly string[], Resource: string, marked?: string): PolicyStatement => ({
    Sid,
    Effect: 'Allow',
    Action,
    Resource,
    ...(marked === undefined ? {} : { Condition: { Null: { [`aws:${marked}/${MARK_TAG}`]: 'false' } } }),
  });
  return {
    Version: '2012-10-17',
    Statement: [
      allow('FindLeftovers', ['kms:ListKeys', 's3:ListAllMyBuckets'], '*'),
      allow('ReadTagsOfKeys', ['kms:ListResourceTags'], keys),
      allow('CreateMarkedKeys', ['kms:CreateKey'], '*', 'RequestTag'),
      allow('TagNewKeys', ['kms:TagResource'], keys, 'RequestTag'),
      allow('UseMarkedKeys', KEY_ACTIONS, keys, 'ResourceTag'),
      allow('UseOwnBuckets', BUCKET_ACTIONS, bucket),
      allow('UseOwnObjects', OBJECT_ACTIONS, `${bucket}/*`),
    ],
  };
}

const KEY_ACTIONS = [
  'kms:DescribeKey',
  'kms:GetParametersForImport',
  'kms:ImportKeyMaterial',
  'kms:ScheduleKeyDeletion',
  'kms:GenerateDataKey',
  'kms:Encrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

const BUCKET_ACTIONS = [
  's3:CreateBucket',
  's3:DeleteBucket',
  's3:ListBucket',
  's3:ListBucketVersions',
  's3:GetBucketTagging',
  's3:PutBucketTagging',
];

const OBJECT_ACTIONS = ['s3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion', 's3:UpdateObjectEncryption'];
