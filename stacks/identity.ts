import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity';
import { DataAwsPartition } from '@cdktf/provider-aws/lib/data-aws-partition';
import type { TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';

/** Terraform name of the look-up of the caller. */
export const CALLER_IDENTITY = 'current';

/** The account the stack runs in: what the rotation file says, else a reference to the caller's. */
export function accountOf(stack: TerraformStack, rotation: Rotation): string {
  return rotation.account ?? callerIdentity(stack).accountId;
}

/** The look-up of the caller; whoever asks first declares it. */
export function callerIdentity(stack: TerraformStack): DataAwsCallerIdentity {
  const declared = stack.node.tryFindChild(CALLER_IDENTITY);
  return declared instanceof DataAwsCallerIdentity ? declared : new DataAwsCallerIdentity(stack, CALLER_IDENTITY, {});
}

/** A reference to the partition of the rotation's region. */
export function partitionOf(stack: TerraformStack): string {
  const declared = stack.node.tryFindChild('partition');
  return (declared instanceof DataAwsPartition ? declared : new DataAwsPartition(stack, 'partition')).partition;
}
