import type { Rotation } from '../rotation/rotation';
import type { ActionSet } from './action-set';
import {
  archiveEvidence,
  declareRole,
  declareSupportBuckets,
  keepRole,
  readEvidence,
  readJobs,
  readRole,
  readSupportBuckets,
  runJobs,
} from './support-bucket-permissions';

export type { ActionSet, Target } from './action-set';

/** The policies. A separate identity for each one separates their permissions. */
export const POLICY_NAMES = ['plan', 'pre-apply', 'post-apply', 'terraform', 'reviewer', 'rollback'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

const owns = ({ buckets, reencrypt, evidence }: Rotation) =>
  [...buckets, reencrypt.batch].some((bucket) => bucket?.manage === 'bucket') || evidence.bucket !== undefined;
const adopts = (rotation: Rotation) => rotation.buckets.some(({ manage }) => manage === 'encryption');
const looksElsewhere = ({ retire }: Rotation) => retire.verifyOnlyBuckets.length > 0;
const namesManagedKey = ({ reencrypt }: Rotation) => reencrypt.from.includes('aws/s3');
const namesKeys = ({ reencrypt }: Rotation) => reencrypt.from.some((one) => one === 'any' || one.startsWith('arn:'));
const hasJobs = ({ reencrypt }: Rotation) => reencrypt.engine !== 'local';
const rehearses = ({ retire }: Rotation) => retire.rehearseAs !== undefined;
const pins = ({ buckets }: Rotation) => buckets.some(({ pinWriters }) => pinWriters === true);
const inPlace = ({ strategy }: Rotation) => strategy === 'in-place';
const moves = ({ strategy }: Rotation) => strategy === 'new-key';
const rewraps = (rotation: Rotation) => moves(rotation) && rotation.reencrypt.method === 'rewrap';
const rewrites = (rotation: Rotation) => moves(rotation) && rotation.reencrypt.method === 'rewrite';
const keepsStateInS3 = ({ terraform }: Rotation) => terraform.backend === 's3';
const hasStateKey = ({ terraform }: Rotation) => terraform.backend === 's3' && terraform.s3.kmsKeyId !== undefined;
const hasAlarms = ({ expiry }: Rotation) => expiry.alarmTopicArn !== undefined;

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

/** Who else uses a key: other buckets that name the old one as their default. */
const FIND_OTHER_DEFAULTS: readonly ActionSet[] = [
  { sid: 'FindBuckets', on: 'anything', actions: ['s3:ListAllMyBuckets'], when: moves },
  { sid: 'LookAtDefaults', on: 'buckets of the account', actions: ['s3:GetEncryptionConfiguration'], when: moves },
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
  ...FIND_OTHER_DEFAULTS,
  // Replicas that other buckets, and the declared ones, write under the old key.
  {
    sid: 'LookAtReplication',
    on: 'buckets of the account',
    actions: ['s3:GetReplicationConfiguration'],
    when: moves,
  },
];

/** What a plan reads of the state; plans take no lock. */
const READ_STATE: readonly ActionSet[] = [
  { sid: 'FindState', on: 'state bucket', actions: ['s3:ListBucket'], when: keepsStateInS3 },
  { sid: 'ReadState', on: 'state objects', actions: ['s3:GetObject'], when: keepsStateInS3 },
  { sid: 'OpenState', on: 'state key', actions: ['kms:Decrypt'], when: hasStateKey },
];

/** The state of both stacks in S3. Only locks are ever deleted. */
const STATE: readonly ActionSet[] = [
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
const PLAN: readonly ActionSet[] = [
  ...READ_STACKS,
  ...readRole,
  // What jobs are planned depends on it, also in buckets that were adopted.
  { sid: 'ReadVersioning', on: 'buckets', actions: ['s3:GetBucketVersioning'], when: hasJobs },
  { sid: 'FindAlarms', on: 'anything', actions: ['cloudwatch:DescribeAlarms'], when: hasAlarms },
  { sid: 'ReadAlarms', on: 'alarms', actions: ['cloudwatch:ListTagsForResource'], when: hasAlarms },
  ...READ_STATE,
];

/** A plan of both stacks, and moving alias and bucket defaults from one declared key to another. */
const SWITCH: readonly ActionSet[] = [
  ...READ_STACKS,
  { sid: 'MoveAliases', on: 'aliases', actions: ['kms:UpdateAlias'] },
  { sid: 'MoveAliasesBetweenKeys', on: 'keys', actions: ['kms:UpdateAlias'] },
  { sid: 'SetDefaults', on: 'buckets', actions: ['s3:PutEncryptionConfiguration'] },
  ...keepRole,
  ...STATE,
];

/** Creates the declared resources. It neither disables nor deletes: Terraform must not do that. */
const DECLARE: readonly ActionSet[] = [
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

/** Who used a key, or failed to. */
const FIND_USES: ActionSet = {
  sid: 'FindUsesOfKeys',
  on: 'anything',
  actions: ['cloudtrail:LookupEvents'],
  when: moves,
};

/** Who may use the old key and not the new one: key policies, grants, bucket policies, and who used it. */
const COMPARE_ACCESS: readonly ActionSet[] = [
  {
    sid: 'ReadKeyPolicies',
    on: 'keys',
    actions: ['kms:GetKeyPolicy', 'kms:ListGrants', 'kms:ListResourceTags'],
    when: moves,
  },
  { sid: 'ReadBucketPolicies', on: 'buckets', actions: ['s3:GetBucketPolicy'], when: moves },
  {
    sid: 'ReadPoliciesOfOtherBuckets',
    on: 'other buckets',
    actions: ['s3:GetBucketPolicy'],
    when: (rotation) => moves(rotation) && looksElsewhere(rotation),
  },
  FIND_USES,
];

/** What names a key: rules of its buckets, and defaults of others. */
const FIND_NAMING: readonly ActionSet[] = [
  {
    sid: 'ReadRulesOfBuckets',
    on: 'buckets',
    actions: ['s3:GetReplicationConfiguration', 's3:GetInventoryConfiguration'],
    when: moves,
  },
  {
    sid: 'ReadRulesOfOtherBuckets',
    on: 'other buckets',
    actions: ['s3:GetReplicationConfiguration', 's3:GetInventoryConfiguration'],
    when: (rotation) => moves(rotation) && looksElsewhere(rotation),
  },
  ...FIND_OTHER_DEFAULTS,
];

/** Everybody's IAM policies: for a person who compares, not for the pipeline that applies. */
const READ_IAM: readonly ActionSet[] = [
  { sid: 'ReadIamPolicies', on: 'anything', actions: ['iam:GetAccountAuthorizationDetails'], when: moves },
];

/**
 * The actions of each command. Policies are generated from this list, `doctor` prints it, and a test runs every
 * command with exactly these permissions. GetCallerIdentity is missing on purpose: it needs no permission.
 */
export const actionSets: Readonly<Record<PolicyName, readonly ActionSet[]>> = {
  plan: [...LOOK, ...PLAN],
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
    FIND_USES,
  ],
  terraform: [...LOOK, ...SWITCH, ...DECLARE, ...COMPARE_ACCESS, ...archiveEvidence],
  reviewer: [...LOOK, ...VERIFY, ...COMPARE_ACCESS, ...FIND_NAMING, ...READ_IAM, ...readJobs, ...readEvidence],
  rollback: [
    ...LOOK,
    { sid: 'EnableKeys', on: 'keys to retire', actions: ['kms:EnableKey'] },
    ...SWITCH,
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
 * Actions that no test on the embedded endpoint can call, and why each is listed. The test of least privilege checks
 * that every other action is used.
 */
export const BEYOND_REHEARSAL: Readonly<Record<string, string>> = {
  's3:GetObjectAnnotation': 'AWS documents it for CopyObject; no rehearsal annotates an object',
  's3:PutObjectAnnotation': 'AWS documents it for CopyObject; no rehearsal annotates an object',
  'kms:Encrypt': 'AWS documents it for UpdateObjectEncryption; the embedded endpoint uses only ReEncrypt',
  'cloudwatch:DescribeAlarms': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:PutMetricAlarm': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:DeleteAlarms': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:ListTagsForResource': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:TagResource': 'the embedded endpoint does not support CloudWatch',
  'cloudwatch:UntagResource': 'the embedded endpoint does not support CloudWatch',
};
