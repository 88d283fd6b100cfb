import { AwsProvider } from '@cdktf/provider-aws/lib/provider';
import type { TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';
import { accessOf } from './access';

/**
 * Declares the one provider of a stack: the rotation's region, and its account if the file declares one, so that
 * Terraform itself refuses credentials of another account. Endpoints and credentials come from the standard variables
 * (`AWS_ENDPOINT_URL`, `AWS_PROFILE`, …), never from here; the file may name a profile, and a role to assume with them.
 */
export function declareAwsProvider(stack: TerraformStack, rotation: Rotation): void {
  const { role, ...access } = accessOf(rotation);
  new AwsProvider(stack, 'aws', {
    region: rotation.region,
    ...access,
    ...(role === undefined ? {} : { assumeRole: [role] }),
    ...defaultTags(rotation),
    ...(rotation.account === undefined ? {} : { allowedAccountIds: [rotation.account] }),
    // No TLS certificate covers a bucket name with dots, so AWS itself is addressed by path for it. Over plain HTTP
    // (an endpoint on this machine) the provider would put it before the address, and find no such host.
    ...(bucketNames(rotation).some((name) => name.includes('.')) ? { s3UsePathStyle: true } : {}),
  });
  // The bindings would require what they were generated from; the rotation file decides.
  stack.addOverride('terraform.required_providers.aws.version', rotation.terraform.awsProvider);
}

/** No block for no tags: the provider would take an empty one for none as well. */
function defaultTags({ aws }: Rotation) {
  const tags = aws?.defaultTags ?? {};
  return Object.keys(tags).length === 0 ? {} : { defaultTags: [{ tags: { ...tags } }] };
}

/** Every bucket of a stack. */
function bucketNames({ buckets, reencrypt, evidence }: Rotation): readonly string[] {
  return [...buckets.map(({ name }) => name), reencrypt.batch?.bucket ?? [], evidence.bucket?.name ?? []].flat();
}
