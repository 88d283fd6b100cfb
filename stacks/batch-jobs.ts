import { DataAwsKmsKey } from '@cdktf/provider-aws/lib/data-aws-kms-key';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy';
import { Fn, type TerraformStack } from 'cdktf';
import {
  batchPrefix,
  batchRoleName,
  bucketsListedByS3,
  type KeyVersion,
  laterVersions,
  type Rotation,
  supersededVersions,
  versionAlias,
} from '../lib/rotation/rotation';
import type { BatchSettings } from '../lib/rotation/settings';
import { type BatchRolePolicyInput, batchRolePolicy, batchTrustPolicy } from './batch-role-policy';
import { accountOf, partitionOf } from './identity';
import { BATCH_ID } from './logical-ids';
import { LONGEST, RolePolicyFits } from './role-policy-fits';
import { SupportBucket } from './support-bucket';

export interface BatchJobsProps {
  readonly settings: BatchSettings;
  /** ARN of the key that objects are moved to. */
  readonly newKey: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Resources for jobs of S3 Batch Operations: their role with its policy, and with `manage: bucket` the bucket for
 * manifests and reports. Jobs are not Terraform resources: `post-apply` creates them.
 *
 * The role names the keys by the ARNs in the plan, and those of versions after the active one by a pattern of their
 * aliases: after a rollback objects move away from them. The pattern does not change when a version is declared, so that the
 * plan of the storage stack stays empty until the switch.
 */
export function declareBatchJobs(stack: TerraformStack, rotation: Rotation, props: BatchJobsProps): void {
  const { settings, newKey, tags } = props;
  const partition = partitionOf(stack);
  if (settings.manage === 'bucket') new SupportBucket(stack, BATCH_ID, { bucket: settings.bucket, partition, tags });
  const role = new IamRole(stack, 'batch_role', {
    name: batchRoleName(rotation),
    description: `Jobs of S3 Batch Operations of Keyturn rotation ${rotation.name}`,
    assumeRolePolicy: Fn.jsonencode(batchTrustPolicy(accountOf(stack, rotation))),
    tags: { ...tags },
  });
  role.overrideLogicalId(BATCH_ID);
  const later = laterVersions(rotation).filter(({ disabled }) => !disabled);
  const anyKeyOf = (arn: string, account: string) => `arn:${arn}:kms:${rotation.region}:${account}:key/*`;
  const policyOf = (
    given: Pick<BatchRolePolicyInput, 'partition' | 'newKey'> & { readonly anyKey: string },
    keyOf: (version: KeyVersion) => string,
  ) =>
    batchRolePolicy({
      partition: given.partition,
      newKey: given.newKey,
      laterKeys: { anyKey: given.anyKey, aliases: `${rotation.alias}/*` },
      region: rotation.region,
      method: rotation.reencrypt.method,
      buckets: rotation.buckets.map(({ name }) => name),
      listedByS3: bucketsListedByS3(rotation),
      store: { bucket: settings.bucket, prefix: batchPrefix(rotation) },
      oldKeys: [
        ...[...supersededVersions(rotation), ...later.filter(isAdopted)].filter(({ disabled }) => !disabled).map(keyOf),
        ...rotation.reencrypt.from.filter((source) => source.startsWith('arn:')),
      ],
    });
  const policy = new IamRolePolicy(stack, 'batch_policy', {
    name: 'jobs',
    role: role.name,
    policy: Fn.jsonencode(
      policyOf({ partition, newKey, anyKey: anyKeyOf(partition, accountOf(stack, rotation)) }, (version) =>
        keyArn(stack, rotation, version),
      ),
    ),
  });
  policy.overrideLogicalId(BATCH_ID);
  const longest = { partition: LONGEST.partition, newKey: LONGEST.keyArn };
  const largest = policyOf({ ...longest, anyKey: anyKeyOf(LONGEST.partition, '0'.repeat(12)) }, () => LONGEST.keyArn);
  stack.node.addValidation(new RolePolicyFits(largest, rotation.buckets.length));
}

const isAdopted = ({ keyArn: arn }: KeyVersion): boolean => arn !== undefined;

/** ARN of the key of a superseded version: of an adopted one directly, of a declared one by its version alias. */
function keyArn(stack: TerraformStack, rotation: Rotation, version: KeyVersion): string {
  if (version.keyArn !== undefined) return version.keyArn;
  return new DataAwsKmsKey(stack, `superseded_${version.name}`, { keyId: versionAlias(rotation, version) }).arn;
}
