import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { App, LocalBackend, S3Backend, type TerraformStack } from 'cdktf';
import type { Rotation } from '../lib/rotation/rotation';
import { accessOf } from './access';

/** Terraform (or OpenTofu) versions that support everything the stacks use; S3 itself locks `s3` state from 1.10 on. */
export const TERRAFORM_VERSIONS = { local: '>= 1.5.0', s3: '>= 1.10.0' } as const;

/**
 * Declares where a stack stores its state.
 *
 * `local`: `terraform.<stack>.tfstate` beside the rotation file, where Keyturn's own commands run Terraform. The path is
 * relative to the stack's directory, because an absolute one would differ between machines. `s3`: the object
 * `<prefix><stack>.tfstate`, encrypted and locked.
 */
export function declareBackend(stack: TerraformStack, rotation: Rotation): void {
  const state = `${stack.node.id}.tfstate`;
  const { terraform } = rotation;
  stack.addOverride('terraform.required_version', TERRAFORM_VERSIONS[terraform.backend]);
  if (terraform.backend === 'local') {
    const beside = besideFile(stack, rotation);
    refuseStrayState(stack, rotation, beside, `terraform.${state}`);
    new LocalBackend(stack, { path: `../../../${beside}terraform.${state}` });
    return;
  }
  const { bucket, region, prefix, kmsKeyId } = terraform.s3;
  const { role, ...access } = accessOf(rotation);
  new S3Backend(stack, {
    bucket,
    region,
    key: `${prefix}${state}`,
    encrypt: true,
    ...access,
    ...(role === undefined ? {} : { assumeRole: role }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(rotation.account === undefined ? {} : { allowedAccountIds: [rotation.account] }),
  });
  // The binding has no property for it.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
}

/**
 * From the folder of `cdktf.out` to that of the rotation file, where that is further down: a program at the top of a project
 * must not find an empty state for `rotations/x.yaml`. Empty where both are the same, or the output is somewhere else, as for a
 * review, which synthesizes in a folder of its own.
 */
function besideFile(stack: TerraformStack, { file }: Rotation): string {
  const down = relative(dirname(resolve(App.of(stack).outdir)), dirname(file));
  if (down === '' || down.startsWith('..') || isAbsolute(down)) return '';
  return `${down.split(sep).join('/')}/`;
}

/**
 * Until 0.1.0 the state was beside `cdktf.out`. Read from another place it would be empty, and Terraform would plan everything
 * again.
 *
 * @throws RangeError
 */
function refuseStrayState(stack: TerraformStack, { file }: Rotation, beside: string, state: string): void {
  if (beside === '') return;
  const stray = join(dirname(resolve(App.of(stack).outdir)), state);
  if (existsSync(stray) && !existsSync(join(dirname(file), state)))
    throw new RangeError(`${stray} holds the state of ${stack.node.id}, which belongs beside ${file}: move it there`);
}
