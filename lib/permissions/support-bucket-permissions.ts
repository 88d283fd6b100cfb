/** Permissions for jobs of S3 Batch Operations and for the evidence bucket. */
import type { Rotation } from '../rotation/rotation';
import type { ActionSet } from './action-set';

const hasJobs = ({ reencrypt }: Rotation) => reencrypt.engine !== 'local';
const copiesByJobs = (rotation: Rotation) => hasJobs(rotation) && rotation.reencrypt.method === 'rewrite';
const keeps = ({ evidence }: Rotation) => evidence.bucket !== undefined;
const signs = ({ evidence }: Rotation) => evidence.signer?.startsWith('arn:') === true;
const serves = (rotation: Rotation) => keeps(rotation) || rotation.reencrypt.batch?.manage === 'bucket';

/**
 * Reads the state of jobs and their bucket. Only reading each job of the account shows which ones belong to this
 * rotation, and only the date of the alias to which of its switches.
 */
export const readJobs: readonly ActionSet[] = [
  { sid: 'FindAliases', on: 'anything', actions: ['kms:ListAliases'], when: hasJobs },
  { sid: 'FindJobs', on: 'anything', actions: ['s3:ListJobs'], when: hasJobs },
  { sid: 'LookAtJobs', on: 'jobs', actions: ['s3:DescribeJob', 's3:GetJobTagging'], when: hasJobs },
  { sid: 'FindJobFiles', on: 'job bucket', actions: ['s3:ListBucket'], when: hasJobs },
];

/** Creates, confirms and cancels jobs, and reads and writes their files. */
export const runJobs: readonly ActionSet[] = [
  { sid: 'CreateJobs', on: 'new jobs', actions: ['s3:CreateJob'], when: hasJobs },
  { sid: 'TagJobs', on: 'tags of own jobs', actions: ['s3:PutJobTagging'], when: hasJobs },
  { sid: 'SteerJobs', on: 'own jobs', actions: ['s3:UpdateJobStatus'], when: hasJobs },
  { sid: 'HandRoleToJobs', on: 'job role for jobs', actions: ['iam:PassRole'], when: hasJobs },
  {
    sid: 'KeepManifests',
    on: 'manifests',
    actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
    when: hasJobs,
  },
  { sid: 'ReadReports', on: 'reports', actions: ['s3:GetObject'], when: hasJobs },
  {
    // Copies would lose grants and locks, so jobs do not copy objects that may have them.
    sid: 'SeeOwnersAndLocks',
    on: 'buckets',
    actions: ['s3:GetBucketOwnershipControls', 's3:GetBucketObjectLockConfiguration'],
    when: copiesByJobs,
  },
];

const ROLE_READS = ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies'];

/** What the AWS provider reads of the role. */
export const readRole: readonly ActionSet[] = [{ sid: 'ReadRole', on: 'job role', actions: ROLE_READS, when: hasJobs }];

/** Actions of the AWS provider on the role: reads, and writes if its keys change. */
export const keepRole: readonly ActionSet[] = [
  { sid: 'KeepRoleWithKeys', on: 'job role', actions: [...ROLE_READS, 'iam:PutRolePolicy'], when: hasJobs },
];

export const declareRole: readonly ActionSet[] = [
  {
    sid: 'DeclareRole',
    on: 'job role',
    actions: ['iam:CreateRole', 'iam:TagRole', 'iam:UntagRole', 'iam:UpdateAssumeRolePolicy'],
    when: hasJobs,
  },
];

/** Additional settings that every plan reads of support buckets. */
export const readSupportBuckets: readonly ActionSet[] = [
  {
    sid: 'LookAtServingBuckets',
    on: 'support buckets',
    actions: ['s3:ListBucket', 's3:GetEncryptionConfiguration'],
    when: serves,
  },
];

export const declareSupportBuckets: readonly ActionSet[] = [
  { sid: 'SealServingBuckets', on: 'support buckets', actions: ['s3:PutEncryptionConfiguration'], when: serves },
  { sid: 'LockEvidence', on: 'evidence bucket', actions: ['s3:PutBucketObjectLockConfiguration'], when: keeps },
];

/** Adds evidence and signs it; never changes or removes any. */
export const archiveEvidence: readonly ActionSet[] = [
  { sid: 'FindEvidence', on: 'evidence bucket', actions: ['s3:ListBucket'], when: keeps },
  { sid: 'KeepEvidence', on: 'evidence', actions: ['s3:PutObject'], when: keeps },
  { sid: 'SignEvidence', on: 'signing key', actions: ['kms:GetPublicKey', 'kms:Sign'], when: signs },
];

/** Checks the evidence in its bucket. S3 omits the lock from the response to a caller that may not read it. */
export const readEvidence: readonly ActionSet[] = [
  {
    sid: 'ListEvidence',
    on: 'evidence bucket',
    actions: ['s3:ListBucket', 's3:ListBucketVersions'],
    when: keeps,
  },
  { sid: 'ReadEvidence', on: 'evidence', actions: ['s3:GetObjectVersion', 's3:GetObjectRetention'], when: keeps },
];
