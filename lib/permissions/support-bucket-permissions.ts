/** What the jobs of S3 Batch Operations, and the bucket of the evidence, take of those who work with them. */
import type { Rotation } from '../rotation/rotation';
import type { ActionSet } from './action-set';

const hasJobs = ({ reencrypt }: Rotation) => reencrypt.engine !== 'local';
const copiesByJobs = (rotation: Rotation) => hasJobs(rotation) && rotation.reencrypt.method === 'rewrite';
const keeps = ({ evidence }: Rotation) => evidence.bucket !== undefined;
const serves = (rotation: Rotation) => keeps(rotation) || rotation.reencrypt.batch?.manage === 'bucket';

/** How jobs stand, and whether the bucket of their files is there. Which of the account's jobs are this rotation's is known only once each was looked at. */
export const readJobs: readonly ActionSet[] = [
  { sid: 'FindJobs', on: 'anything', actions: ['s3:ListJobs'], when: hasJobs },
  { sid: 'LookAtJobs', on: 'jobs', actions: ['s3:DescribeJob', 's3:GetJobTagging'], when: hasJobs },
  { sid: 'FindJobFiles', on: 'job bucket', actions: ['s3:ListBucket'], when: hasJobs },
];

/** Creating a job, confirming and cancelling it, and what it reads and leaves. */
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
    // Copies would lose grants and locks: where objects may have them, jobs copy none.
    sid: 'SeeOwnersAndLocks',
    on: 'buckets',
    actions: ['s3:GetBucketOwnershipControls', 's3:GetBucketObjectLockConfiguration'],
    when: copiesByJobs,
  },
];

/** What the AWS provider reads of the role, and writes when the keys move that it names. */
export const readRole: readonly ActionSet[] = [
  {
    sid: 'KeepRoleWithKeys',
    on: 'job role',
    actions: [
      'iam:GetRole',
      'iam:GetRolePolicy',
      'iam:ListAttachedRolePolicies',
      'iam:ListRolePolicies',
      'iam:PutRolePolicy',
    ],
    when: hasJobs,
  },
];

export const declareRole: readonly ActionSet[] = [
  {
    sid: 'DeclareRole',
    on: 'job role',
    actions: ['iam:CreateRole', 'iam:TagRole', 'iam:UntagRole', 'iam:UpdateAssumeRolePolicy'],
    when: hasJobs,
  },
];

/** What every plan reads of the buckets that serve a rotation, beyond what it reads of every bucket that the stack owns. */
export const readSupportBuckets: readonly ActionSet[] = [
  {
    sid: 'LookAtServingBuckets',
    on: 'serving buckets',
    actions: ['s3:ListBucket', 's3:GetEncryptionConfiguration'],
    when: serves,
  },
];

export const declareSupportBuckets: readonly ActionSet[] = [
  { sid: 'SealServingBuckets', on: 'serving buckets', actions: ['s3:PutEncryptionConfiguration'], when: serves },
  { sid: 'LockEvidence', on: 'evidence bucket', actions: ['s3:PutBucketObjectLockConfiguration'], when: keeps },
];

/** Adding to the evidence; what is there is neither changed nor taken away. */
export const archiveEvidence: readonly ActionSet[] = [
  { sid: 'FindEvidence', on: 'evidence bucket', actions: ['s3:ListBucket'], when: keeps },
  { sid: 'KeepEvidence', on: 'evidence', actions: ['s3:PutObject'], when: keeps },
];

/** Checking the evidence where it is kept. S3 leaves the lock out of the answer to whoever may not read it. */
export const readEvidence: readonly ActionSet[] = [
  {
    sid: 'ListEvidence',
    on: 'evidence bucket',
    actions: ['s3:ListBucket', 's3:ListBucketVersions'],
    when: keeps,
  },
  { sid: 'ReadEvidence', on: 'evidence', actions: ['s3:GetObjectVersion', 's3:GetObjectRetention'], when: keeps },
];
