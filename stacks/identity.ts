import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity';
import { DataAwsPartition } from '@cdktf/provider-aws/lib/data-aws-partition';
import type { TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';

/** The account the stack runs in: what the rotation file says, else a reference to the caller's. */
export function accountOf(stack: TerraformStack, rotation: Rotation): string {
  return rotation.account ?? new DataAwsCallerIdentity(stack, 'current').accountId;
}

/** A reference to the partition of the rotation's region. */
export function partitionOf(stack: TerraformStack): string {
  return new DataAwsPartition(stack, 'partition').partition;
}
