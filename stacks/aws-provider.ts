import { AwsProvider } from '@cdktf/provider-aws/lib/provider';
import type { TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';

/** AWS provider versions that the stacks are written and tested for. */
export const AWS_PROVIDER_VERSIONS = '>= 5.100.0, < 7.0.0';

/**
 * Declares the one provider of a stack: the rotation's region, and its account where the file names one, so that
 * credentials of another account are refused by Terraform itself. Endpoints and credentials come from the standard
 * variables (`AWS_ENDPOINT_URL`, `AWS_PROFILE`, …), never from here.
 */
export function declareAwsProvider(stack: TerraformStack, rotation: Rotation): void {
  new AwsProvider(stack, 'aws', {
    region: rotation.region,
    ...(rotation.account === undefined ? {} : { allowedAccountIds: [rotation.account] }),
    // A bucket name with dots is in no TLS certificate's reach, so AWS itself is addressed by path for it. Over plain HTTP
    // (an endpoint on this machine) the provider would put it before the address, and find no such host.
    ...(bucketNames(rotation).some((name) => name.includes('.')) ? { s3UsePathStyle: true } : {}),
  });
  // The binding pins the one version it was generated from; the arguments used here are the same in the whole range.
  stack.addOverride('terraform.required_providers.aws.version', AWS_PROVIDER_VERSIONS);
}

/** Every bucket that a stack may have to do with. */
function bucketNames({ buckets, reencrypt, evidence }: Rotation): readonly string[] {
  return [...buckets.map(({ name }) => name), reencrypt.batch?.bucket ?? [], evidence.bucket?.name ?? []].flat();
}
