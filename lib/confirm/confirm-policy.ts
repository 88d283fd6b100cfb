import type { PolicyDocument, PolicyStatement } from '../permissions/policy-document';
import { partitionOf } from '../rotation/partition';
import { bucketPrefix, MARK_TAG } from './sandbox-mark';

/** The roles of those questions that need one; each adds permissions. */
export interface ConfirmRoles {
  readonly role?: string | undefined;
  readonly jobRole?: string | undefined;
}

/** Reads and deletes only keys that have the tag, and buckets by their name. */
export function confirmPolicy(account: string, region: string, { role, jobRole }: ConfirmRoles = {}): PolicyDocument {
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
      ...(role === undefined ? [] : [allow('AskAsRole', ['sts:AssumeRole'], role)]),
      ...(jobRole === undefined
        ? []
        : [allow('CreateJobs', JOB_ACTIONS, '*'), allow('PassJobRole', ['iam:PassRole'], jobRole)]),
    ],
  };
}

const KEY_ACTIONS = [
  'kms:DescribeKey',
  'kms:GetParametersForImport',
  'kms:ImportKeyMaterial',
  'kms:EnableKey',
  'kms:DisableKey',
  'kms:ScheduleKeyDeletion',
  'kms:GetKeyLastUsage',
  'kms:GenerateDataKey',
  'kms:Encrypt',
  'kms:Decrypt',
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
  's3:GetEncryptionConfiguration',
  's3:PutEncryptionConfiguration',
  's3:PutBucketVersioning',
];

const JOB_ACTIONS = ['s3:CreateJob', 's3:DescribeJob', 's3:UpdateJobStatus'];

const OBJECT_ACTIONS = [
  's3:PutObject',
  's3:GetObject',
  's3:GetObjectVersion',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:UpdateObjectEncryption',
  's3:PutObjectAnnotation',
  's3:GetObjectAnnotation',
];
