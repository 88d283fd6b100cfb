import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity';
import { DataAwsPartition } from '@cdktf/provider-aws/lib/data-aws-partition';
import type { TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';

/** Terraform name of the data source of the caller. */
export const CALLER_IDENTITY = 'current';

/** The account of the stack: the declared one, otherwise a reference to the caller's. */
export function accountOf(stack: TerraformStack, rotation: Rotation): string {
  return rotation.account ?? callerIdentity(stack).accountId;
}

/** The data source of the caller, declared at the first use. */
export function callerIdentity(stack: TerraformStack): DataAwsCallerIdentity {
  const declared = stack.node.tryFindChild(CALLER_IDENTITY);
  return declared instanceof DataAwsCallerIdentity ? declared : new DataAwsCallerIdentity(stack, CALLER_IDENTITY, {});
}

/** A reference to the partition of the rotation's region. */
export function partitionOf(stack: TerraformStack): string {
  const declared = stack.node.tryFindChild('partition');
  return (declared instanceof DataAwsPartition ? declared : new DataAwsPartition(stack, 'partition')).partition;
}
