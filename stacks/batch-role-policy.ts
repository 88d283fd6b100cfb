import type { ReencryptMethod } from '../lib/rotation/settings';

/** The service principal of S3 Batch Operations, equal in every partition. */
export const BATCH_SERVICE = 'batchoperations.s3.amazonaws.com';

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface TrustPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly [
    {
      readonly Sid: 'JobsOfThisAccount';
      readonly Effect: 'Allow';
      readonly Principal: { readonly Service: typeof BATCH_SERVICE };
      readonly Action: 'sts:AssumeRole';
      readonly Condition: Condition;
    },
  ];
}

/**
 * Who may take the role of the jobs: S3 Batch Operations, for a job of this account.
 *
 * AWS's page shows this trust without a condition, and does not say that the service names the account it acts for.
 * So the condition counts where the account is named, and a job is not kept out where it is not.
 *
 * @param account - 12 digits, or a Terraform reference to them
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
 */
export function batchTrustPolicy(account: string): TrustPolicy {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'JobsOfThisAccount',
        Effect: 'Allow',
        Principal: { Service: BATCH_SERVICE },
        Action: 'sts:AssumeRole',
        Condition: { StringEqualsIfExists: { 'aws:SourceAccount': account } },
      },
    ],
  };
}

export interface BatchRolePolicyInput {
  /** `aws`, `aws-us-gov`, …, or a Terraform reference to it. */
  readonly partition: string;
  readonly region: string;
  readonly method: ReencryptMethod;
  /** Buckets whose objects jobs process. */
  readonly buckets: readonly string[];
  /**
   * Those for which S3 generates manifests; see {@link
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html}.
   */
  readonly listedByS3: readonly string[];
  /** Bucket for manifests and reports, and the prefix of their keys. */
  readonly store: { readonly bucket: string; readonly prefix: string };
  /** ARNs of the keys that objects are moved away from, or references to them. */
  readonly oldKeys: readonly string[];
  /**
   * The version aliases of the rotation as a pattern, and any key of the account that bears one. After a rollback objects are
   * under later versions too; before, their keys need not exist, so that no ARN can be named.
   */
  readonly laterKeys?: { readonly anyKey: string; readonly aliases: string } | undefined;
  /** ARN of the key that objects are moved to, or a reference to it. */
  readonly newKey: string;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Condition;
}

export interface RolePolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Actions of a task on an object version. */
const OBJECT_ACTIONS: Readonly<Record<ReencryptMethod, readonly string[]>> = {
  // AWS's older pages list s3:PutObject, too. It is a right to overwrite, and AWS does not ask for it any more.
  rewrap: ['s3:GetObject', 's3:GetObjectVersion', 's3:UpdateObjectEncryption'],
  // AWS lists the ACL actions for every copy. Jobs copy only in buckets with enforced ownership, where ACLs have no
  // effect.
  rewrite: [
    's3:GetObject',
    's3:GetObjectAcl',
    's3:GetObjectTagging',
    's3:GetObjectVersion',
    's3:GetObjectVersionAcl',
    's3:GetObjectVersionTagging',
    's3:PutObject',
    's3:PutObjectAcl',
    's3:PutObjectTagging',
  ],
};

/** Actions that S3 needs on an old key. */
const OLD_KEY_ACTIONS: Readonly<Record<ReencryptMethod, readonly string[]>> = {
  rewrap: ['kms:Decrypt', 'kms:ReEncryptFrom'],
  rewrite: ['kms:Decrypt'],
};

/** Actions that S3 needs on the new key, also for an object that is already under it. */
const NEW_KEY_ACTIONS: Readonly<Record<ReencryptMethod, readonly string[]>> = {
  rewrap: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
  rewrite: ['kms:Decrypt', 'kms:GenerateDataKey'],
};

/**
 * What the jobs of a rotation may do, and nothing else: the one operation on objects of the declared buckets, to the new key alone, the
 * keys through S3 of the Region alone, reading manifests and writing reports of this rotation. Nothing is deleted, no
 * object is read but to move it.
 *
 * A manifest that S3 makes takes `s3:PutInventoryConfiguration` on the bucket it lists and a place to write it: only
 * the buckets in `listedByS3` have that.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-update-encryption.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
 */
export function batchRolePolicy(input: BatchRolePolicyInput): RolePolicy {
  const { partition, region, method, buckets, listedByS3, store, oldKeys, laterKeys, newKey } = input;
  const bucket = (name: string): string => `arn:${partition}:s3:::${name}`;
  const kept = (what: string): string => `${bucket(store.bucket)}/${store.prefix}${what}`;
  const throughS3 = { StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` } };
  const statements: Statement[] = [
    allow(
      'MoveObjects',
      OBJECT_ACTIONS[method],
      buckets.map((name) => `${bucket(name)}/*`),
      // Of these actions only those that name a key have a value: IfExists lets the others through.
      { StringEqualsIfExists: { 's3:x-amz-server-side-encryption-aws-kms-key-id': newKey } },
    ),
    allow('UseNewKey', NEW_KEY_ACTIONS[method], [newKey], throughS3),
    allow('ReadManifests', ['s3:GetObject', 's3:GetObjectVersion'], [kept('manifests*')]),
    allow('WriteReports', ['s3:PutObject'], [kept('reports/*')]),
  ];
  if (oldKeys.length > 0) statements.push(allow('LeaveOldKeys', OLD_KEY_ACTIONS[method], oldKeys, throughS3));
  if (laterKeys) {
    const named = { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': laterKeys.aliases } };
    statements.push(allow('LeaveLaterKeys', OLD_KEY_ACTIONS[method], [laterKeys.anyKey], { ...throughS3, ...named }));
  }
  if (listedByS3.length > 0)
    statements.push(
      allow('ListByS3', ['s3:PutInventoryConfiguration'], listedByS3.map(bucket)),
      allow('WriteManifests', ['s3:PutObject'], [kept('manifests*')]),
    );
  return { Version: '2012-10-17', Statement: statements };
}

function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  condition?: Condition,
): Statement {
  const [only, ...others] = resources;
  return {
    Sid: sid,
    Effect: 'Allow',
    Action: actions,
    Resource: only !== undefined && others.length === 0 ? only : resources,
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}
