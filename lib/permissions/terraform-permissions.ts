import type { ActionSet } from './action-set';
import { hasAlarms, hasJobs, hasStateKey, keepsStateInS3, owns } from './rotation-traits';
import {
  declareRole,
  declareSupportBuckets,
  keepRole,
  readRole,
  readSupportBuckets,
} from './support-bucket-permissions';

/** What a plan reads of the state; plans take no lock. */
const READ_STATE: readonly ActionSet[] = [
  { sid: 'FindState', on: 'state bucket', actions: ['s3:ListBucket'], when: keepsStateInS3 },
  { sid: 'ReadState', on: 'state objects', actions: ['s3:GetObject'], when: keepsStateInS3 },
  { sid: 'OpenState', on: 'state key', actions: ['kms:Decrypt'], when: hasStateKey },
];

/** The state of both stacks in S3. Only locks are ever deleted. */
export const state: readonly ActionSet[] = [
  { sid: 'FindState', on: 'state bucket', actions: ['s3:ListBucket'], when: keepsStateInS3 },
  { sid: 'KeepState', on: 'state objects', actions: ['s3:GetObject', 's3:PutObject'], when: keepsStateInS3 },
  { sid: 'UnlockState', on: 'state locks', actions: ['s3:DeleteObject'], when: keepsStateInS3 },
  { sid: 'SealState', on: 'state key', actions: ['kms:Decrypt', 'kms:GenerateDataKey'], when: hasStateKey },
];

/** Settings that the AWS provider reads of a bucket it owns, declared or not. */
const READ_BUCKET = [
  's3:GetAccelerateConfiguration',
  's3:GetBucketAcl',
  's3:GetBucketCORS',
  's3:GetBucketLogging',
  's3:GetBucketObjectLockConfiguration',
  's3:GetBucketOwnershipControls',
  's3:GetBucketPolicy',
  's3:GetBucketPublicAccessBlock',
  's3:GetBucketRequestPayment',
  's3:GetBucketTagging',
  's3:GetBucketVersioning',
  's3:GetBucketWebsite',
  's3:GetLifecycleConfiguration',
  's3:GetReplicationConfiguration',
];

/** What the AWS provider reads of everything that both stacks declare. */
const READ_STACKS: readonly ActionSet[] = [
  { sid: 'ReadKeys', on: 'own keys', actions: ['kms:GetKeyPolicy', 'kms:ListResourceTags'] },
  { sid: 'FindAliases', on: 'anything', actions: ['kms:ListAliases'] },
  { sid: 'ReadOwnedBuckets', on: 'owned buckets', actions: READ_BUCKET, when: owns },
  ...readSupportBuckets,
];

/** A plan of both stacks, for code that nobody has approved yet. It reads no object but the state, and writes nothing. */
export const plan: readonly ActionSet[] = [
  ...READ_STACKS,
  ...readRole,
  // What jobs are planned depends on it, also in buckets that were adopted.
  { sid: 'ReadVersioning', on: 'buckets', actions: ['s3:GetBucketVersioning'], when: hasJobs },
  { sid: 'FindAlarms', on: 'anything', actions: ['cloudwatch:DescribeAlarms'], when: hasAlarms },
  { sid: 'ReadAlarms', on: 'alarms', actions: ['cloudwatch:ListTagsForResource'], when: hasAlarms },
  ...READ_STATE,
];

/** A plan of both stacks, and moving alias and bucket defaults from one declared key to another. */
export const switchKeys: readonly ActionSet[] = [
  ...READ_STACKS,
  { sid: 'MoveAliases', on: 'aliases', actions: ['kms:UpdateAlias'] },
  { sid: 'MoveAliasesBetweenKeys', on: 'keys', actions: ['kms:UpdateAlias'] },
  { sid: 'SetDefaults', on: 'buckets', actions: ['s3:PutEncryptionConfiguration'] },
  ...keepRole,
  ...state,
];

/** Creates the declared resources. It neither disables nor deletes: Terraform must not do that. */
export const declare: readonly ActionSet[] = [
  { sid: 'CreateKeys', on: 'new keys', actions: ['kms:CreateKey'] },
  { sid: 'TagNewKeys', on: 'tags of new keys', actions: ['kms:TagResource'] },
  {
    sid: 'KeepKeysAsDeclared',
    on: 'own keys',
    actions: ['kms:PutKeyPolicy', 'kms:UpdateKeyDescription', 'kms:TagResource', 'kms:UntagResource'],
  },
  { sid: 'CreateAliases', on: 'aliases', actions: ['kms:CreateAlias'] },
  { sid: 'CreateAliasesOfKeys', on: 'keys', actions: ['kms:CreateAlias'] },
  {
    sid: 'OwnBuckets',
    on: 'owned buckets',
    actions: [
      's3:CreateBucket',
      's3:PutBucketOwnershipControls',
      's3:PutBucketPolicy',
      's3:PutBucketPublicAccessBlock',
      's3:PutBucketTagging',
      's3:PutBucketVersioning',
    ],
    when: owns,
  },
  ...declareSupportBuckets,
  ...declareRole,
  { sid: 'FindAlarms', on: 'anything', actions: ['cloudwatch:DescribeAlarms'], when: hasAlarms },
  {
    sid: 'KeepAlarms',
    on: 'alarms',
    actions: [
      'cloudwatch:PutMetricAlarm',
      'cloudwatch:DeleteAlarms',
      'cloudwatch:ListTagsForResource',
      'cloudwatch:TagResource',
      'cloudwatch:UntagResource',
    ],
    when: hasAlarms,
  },
];
