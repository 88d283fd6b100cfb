import type { Rotation } from '../rotation/rotation';
import { BUCKET_DEFAULT, SUPPORT_BUCKET } from './key-target-changes';
import type { PlanDocument } from './plan-document';
import { text, values } from './plan-values';
import type { PlannedStack } from './review-rule';

/**
 * The Terraform addresses that a rotation owns; see docs/decisions/terraform-addresses.md. They are repeated here
 * instead of imported from the stacks, so that a review does not trust the program whose output it reviews.
 */
const OWN = {
  keys: /^((aws_kms_external_key|aws_kms_alias)\.version_[a-z0-9-]+|aws_cloudwatch_metric_alarm\.version_[a-z0-9-]+_expires_\d+d)$/,
  storage: new RegExp(
    `^(aws_kms_alias\\.main|aws_iam_role\\.batch|aws_iam_role_policy\\.batch|aws_s3_bucket_object_lock_configuration\\.evidence|(aws_s3_bucket|aws_s3_bucket_versioning|aws_s3_bucket_public_access_block|aws_s3_bucket_ownership_controls|aws_s3_bucket_policy|${BUCKET_DEFAULT})\\.(bucket_[a-z0-9_-]+|batch|evidence))$`,
  ),
  data: /^data\.(aws_kms_key\.(after_[a-z0-9-]+-keys_and_keyturn_pre-apply|adopted|(retired|superseded)_[a-z0-9-]+)|aws_caller_identity\.current|aws_partition\.partition)$/,
  outputs: { keys: /^key_arn_[a-z0-9-]+$/, storage: /^active_key_arn$/ },
} as const;

/** The role of the jobs, its policy, and the lock of the evidence. */
export const ROLE = 'aws_iam_role.batch';
export const ROLE_POLICY = 'aws_iam_role_policy.batch';
export const LOCK = {
  type: 'aws_s3_bucket_object_lock_configuration',
  address: 'aws_s3_bucket_object_lock_configuration.evidence',
} as const;

/** Whether an address belongs to a support bucket: for jobs, or for evidence. */
export function isSupportResource(address: string): boolean {
  return SUPPORT_BUCKET.test(address);
}

/** The stack of a plan, by its resources. */
export function stackOf(plan: PlanDocument): PlannedStack {
  const addresses = [...plan.changes, ...plan.prior].map((one) => one.address);
  const configured = plan.configured.map((one) => text(one.address) ?? '');
  const of = (pattern: RegExp): boolean => [...addresses, ...configured].some((address) => pattern.test(address));
  const keys = of(OWN.keys) || plan.outputs.some(({ name }) => OWN.outputs.keys.test(name));
  const storage = of(OWN.storage) || plan.outputs.some(({ name }) => OWN.outputs.storage.test(name));
  if (keys === storage) return keys ? 'both' : 'none';
  return keys ? 'keys' : 'storage';
}

export function isOwnResource(address: string, stack: PlannedStack): boolean {
  const [keys, storage] = [OWN.keys.test(address), OWN.storage.test(address)];
  if (stack === 'keys') return keys;
  return stack === 'storage' ? storage : keys || storage;
}

export function isOwnData(address: string): boolean {
  return OWN.data.test(address);
}

export function isOwnOutput(name: string): boolean {
  return OWN.outputs.keys.test(name) || OWN.outputs.storage.test(name);
}

/** The rotation names in a plan, such as `payroll`: from tags, and from the names of data sources. */
export function rotationsNamedIn(plan: PlanDocument): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { before, after } of plan.changes) {
    for (const held of [before, after]) {
      const tag = text(values(held?.tags)['keyturn:rotation']);
      if (tag !== undefined) named.add(tag);
    }
  }
  for (const { address } of [
    ...plan.changes,
    ...plan.prior,
    ...plan.configured.map((one) => ({ address: text(one.address) ?? '' })),
  ]) {
    const [, name] = /^data\.aws_kms_key\.after_(.+)-keys_and_keyturn_pre-apply$/.exec(address) ?? [];
    if (name !== undefined) named.add(name);
  }
  return named;
}

/** True if any rotation owns a resource of the plan. */
export function isOfARotation(plan: PlanDocument): boolean {
  const addresses = [...plan.changes, ...plan.prior].map((one) => one.address);
  const configured = plan.configured.map((one) => text(one.address) ?? '');
  return [...addresses, ...configured].some((address) => isOwnResource(address, 'both'));
}

/** True for an empty plan, such as that of a keys stack with adopted versions only. */
export function isEmpty(plan: PlanDocument): boolean {
  return plan.changes.length + plan.prior.length + plan.configured.length + plan.outputs.length === 0;
}

/** Name of the rotation's storage resources for a bucket, `bucket_logs_example`. */
export function bucketAddress(type: string, bucket: Rotation['buckets'][number]): string {
  return `${type}.bucket_${bucket.name.replaceAll('.', '_')}`;
}
