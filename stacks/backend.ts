import { LocalBackend, S3Backend, type TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';

/** Terraform (or OpenTofu) versions that support everything the stacks use; S3 itself locks `s3` state from 1.10 on. */
export const TERRAFORM_VERSIONS = { local: '>= 1.5.0', s3: '>= 1.10.0' } as const;

/**
 * Declares where a stack stores its state.
 *
 * `local`: `terraform.<stack>.tfstate` beside `cdktf.out`, cdktf's own default, but relative to the stack's
 * directory, because an absolute path would differ between machines. `s3`: the object `<prefix><stack>.tfstate`,
 * encrypted and locked.
 */
export function declareBackend(stack: TerraformStack, rotation: Rotation): void {
  const state = `${stack.node.id}.tfstate`;
  const { terraform } = rotation;
  stack.addOverride('terraform.required_version', TERRAFORM_VERSIONS[terraform.backend]);
  if (terraform.backend === 'local') {
    new LocalBackend(stack, { path: `../../../terraform.${state}` });
    return;
  }
  const { bucket, region, prefix, kmsKeyId } = terraform.s3;
  new S3Backend(stack, {
    bucket,
    region,
    key: `${prefix}${state}`,
    encrypt: true,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(rotation.account === undefined ? {} : { allowedAccountIds: [rotation.account] }),
  });
  // The binding has no property for it.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
}
