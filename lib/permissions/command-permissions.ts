import type { Rotation } from '../rotation/rotation';
import { compareAccess, findNaming, findOtherDefaults, findUses, readIam } from './access-permissions';
import type { ActionSet } from './action-set';
import {
  adopts,
  inPlace,
  looksElsewhere,
  moves,
  namesKeys,
  namesManagedKey,
  pins,
  rehearses,
  rewraps,
  rewrites,
} from './rotation-traits';
import { archiveEvidence, readEvidence, readJobs, runJobs } from './support-bucket-permissions';
import { declare, plan, switchKeys } from './terraform-permissions';

export type { ActionSet, Target } from './action-set';

/** The policies. A separate identity for each one separates their permissions. */
export const POLICY_NAMES = ['plan', 'pre-apply', 'post-apply', 'terraform', 'reviewer', 'rollback'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/** Every command reads the declared resources. HeadBucket needs `s3:ListBucket`. */
const LOOK: readonly ActionSet[] = [
  { sid: 'LookAtKeys', on: 'keys', actions: ['kms:DescribeKey'] },
  { sid: 'LookAtBuckets', on: 'buckets', actions: ['s3:ListBucket', 's3:GetEncryptionConfiguration'] },
  { sid: 'LookAtOtherBuckets', on: 'other buckets', actions: ['s3:ListBucket'], when: looksElsewhere },
  // KMS dates the last move of the main alias, so that a verification is known to cover it.
  { sid: 'FindAliases', on: 'anything', actions: ['kms:ListAliases'], when: moves },
  { sid: 'LookAtMaterial', on: 'own keys', actions: ['kms:ListKeyRotations'], when: inPlace },
];

const PROVE: ActionSet = {
  sid: 'ProveMaterial',
  on: 'own keys for the proof',
  actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

const LISTING = ['s3:ListBucketVersions', 's3:ListBucketMultipartUploads', 's3:GetBucketVersioning'];
/** S3 omits a lock from the response to a caller that may not read it, and a locked object would look unlocked. */
const HEADING = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'];

/**
 * Lists every object version and reads its key. Without a KMS action, it cannot read objects under the rotation's
 * keys.
 */
const VERIFY: readonly ActionSet[] = [
  { sid: 'ListObjects', on: 'buckets', actions: LISTING, when: moves },
  { sid: 'HeadObjects', on: 'objects', actions: HEADING, when: moves },
  { sid: 'ListOtherObjects', on: 'other buckets', actions: LISTING, when: looksElsewhere },
  { sid: 'HeadOtherObjects', on: 'objects of other buckets', actions: HEADING, when: looksElsewhere },
  { sid: 'FindAliases', on: 'anything', actions: ['kms:ListAliases'], when: namesManagedKey },
];

const MOVE: readonly ActionSet[] = [
  // What was moved to the active key may have left its annotations behind, and HEAD does not show them.
  {
    sid: 'AskForOtherAnnotations',
    on: 'objects of other buckets',
    actions: ['s3:ListObjectAnnotations'],
    when: looksElsewhere,
  },
  {
    sid: 'RewrapObjects',
    on: 'objects',
    actions: ['s3:UpdateObjectEncryption', 's3:ListObjectAnnotations'],
    when: rewraps,
  },
  {
    sid: 'RewriteObjects',
    on: 'objects',
    actions: [
      's3:PutObject',
      's3:AbortMultipartUpload',
      's3:GetObjectAcl',
      's3:GetObjectVersionAcl',
      's3:GetObjectTagging',
      's3:GetObjectVersionTagging',
      's3:PutObjectTagging',
      's3:ListObjectAnnotations',
      's3:GetObjectAnnotation',
      's3:PutObjectAnnotation',
    ],
    when: rewrites,
  },
  {
    // Buckets that Keyturn creates enforce ownership: their objects have no ACLs.
    sid: 'KeepAcls',
    on: 'objects of adopted buckets',
    actions: ['s3:PutObjectAcl'],
    when: (rotation) => rewrites(rotation) && adopts(rotation),
  },
  { sid: 'AbortOldUploads', on: 'objects', actions: ['s3:AbortMultipartUpload'], when: rewraps },
  {
    sid: 'UseKeysThroughS3',
    on: 'keys through S3',
    actions: ['kms:Decrypt', 'kms:ReEncryptFrom'],
    when: moves,
  },
  {
    sid: 'LeaveNamedKeys',
    on: 'named sources through S3',
    actions: ['kms:Decrypt', 'kms:ReEncryptFrom'],
    when: (rotation) => moves(rotation) && namesKeys(rotation),
  },
  {
    // S3 opens what it wrote in parts, so that the new key needs Decrypt too: it is one of the keys above.
    sid: 'MoveToOwnKeys',
    on: 'target keys through S3',
    actions: ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptTo'],
    when: moves,
  },
  {
    sid: 'RetireKeys',
    on: 'keys to retire',
    actions: ['kms:ListGrants', 'kms:GetKeyLastUsage', 'kms:DisableKey', 'kms:EnableKey'],
    when: moves,
  },
  {
    sid: 'RehearseAsReaders',
    on: 'readers role',
    actions: ['sts:AssumeRole'],
    when: (rotation) => moves(rotation) && rehearses(rotation),
  },
  {
    sid: 'LookAtPins',
    on: 'owned buckets',
    actions: ['s3:GetBucketPolicy'],
    when: (rotation) => moves(rotation) && pins(rotation),
  },
  ...findOtherDefaults,
  // Replicas that other buckets, and the declared ones, write under the old key.
  {
    sid: 'LookAtReplication',
    on: 'buckets of the account',
    actions: ['s3:GetReplicationConfiguration'],
    when: moves,
  },
];

/**
 * The actions of each command. Policies are generated from this list, `doctor` prints it, and a test runs every
 * command with exactly these permissions. GetCallerIdentity is missing on purpose: it needs no permission.
 */
export const actionSets: Readonly<Record<PolicyName, readonly ActionSet[]>> = {
  plan: [...LOOK, ...plan],
  'pre-apply': [
    ...LOOK,
    { sid: 'ImportMaterial', on: 'own keys', actions: ['kms:GetParametersForImport', 'kms:ImportKeyMaterial'] },
    PROVE,
    ...archiveEvidence,
  ],
  'post-apply': [
    ...LOOK,
    ...VERIFY,
    ...MOVE,
    ...readJobs,
    ...runJobs,
    ...archiveEvidence,
    { sid: 'RotateInPlace', on: 'own keys', actions: ['kms:RotateKeyOnDemand'], when: inPlace },
    { ...PROVE, when: inPlace },
    findUses,
  ],
  terraform: [...LOOK, ...switchKeys, ...declare, ...compareAccess, ...archiveEvidence],
  reviewer: [...LOOK, ...VERIFY, ...compareAccess, ...findNaming, ...readIam, ...readJobs, ...readEvidence],
  rollback: [
    ...LOOK,
    { sid: 'EnableKeys', on: 'keys to retire', actions: ['kms:EnableKey'] },
    ...switchKeys,
    // The pin of the writers moves with the default.
    { sid: 'MovePins', on: 'owned buckets', actions: ['s3:PutBucketPolicy'], when: pins },
    ...archiveEvidence,
  ],
};

/** The sets of a policy that a rotation needs. */
export function setsFor(name: PolicyName, rotation: Rotation): readonly ActionSet[] {
  return actionSets[name].filter(({ when }) => when?.(rotation) ?? true);
}

/** The actions of a policy, sorted, without duplicates; without a rotation, of every possible one. */
export function actionsFor(name: PolicyName, rotation?: Rotation): readonly string[] {
  const sets = rotation ? setsFor(name, rotation) : actionSets[name];
  return [...new Set(sets.flatMap(({ actions }) => actions))].sort();
}

/**
 * Actions that the test of least privilege cannot call on the embedded endpoint, and why each is listed. The test of least privilege checks
 * that every other action is used.
 */
export const BEYOND_REHEARSAL: Readonly<Record<string, string>> = {
  's3:GetObjectAnnotation': 'AWS documents it for CopyObject; no rehearsal annotates an object',
  's3:PutObjectAnnotation': 'AWS documents it for CopyObject; no rehearsal annotates an object',
  'kms:Encrypt': 'AWS documents it for UpdateObjectEncryption; the embedded endpoint uses only ReEncrypt',
  'iam:SimulatePrincipalPolicy':
    'asked of the users and roles of IAM that used the old key; the test of least privilege has none',
  'cloudwatch:DescribeAlarms': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:PutMetricAlarm': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:DeleteAlarms': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:ListTagsForResource': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:TagResource': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:UntagResource': 'the embedded endpoint does not support CloudWatch',
};
