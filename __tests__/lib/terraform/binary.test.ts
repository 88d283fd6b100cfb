import fc from 'fast-check';
import { findTerraform, isOlder } from '../../../lib/terraform/binary';
import { answersVersion, sandbox } from './sandbox';

it('finds terraform on PATH', async () => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.11.4'));
  await box.program('tofu', answersVersion('OpenTofu', '1.9.0'));
  await expect(findTerraform({ env: box.env })).resolves.toEqual({
    file: 'terraform',
    product: 'Terraform',
    version: '1.11.4',
    platform: 'linux_amd64',
  });
});

it('takes tofu where there is no terraform', async () => {
  await using box = await sandbox();
  await box.program('tofu', answersVersion('OpenTofu', '1.9.0'));
  await expect(findTerraform({ env: { ...box.env, PATH: `${box.path}/bin` } })).resolves.toMatchObject({
    file: 'tofu',
    product: 'OpenTofu',
  });
});

it('takes what TERRAFORM_BINARY_NAME names, and only that', async () => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.11.4'));
  const own = await box.program('terraform-1.6', answersVersion('Terraform', '1.6.0-beta2'));
  const env = { ...box.env, TERRAFORM_BINARY_NAME: own };
  await expect(findTerraform({ env })).resolves.toMatchObject({ file: own, version: '1.6.0' });
  const missing = { ...box.env, TERRAFORM_BINARY_NAME: 'terraform-9' };
  await expect(findTerraform({ env: missing })).rejects.toMatchObject({
    code: 'terraform-missing',
    facts: { tried: ['terraform-9'] },
  });
});

it('fails when neither is there, and names both', async () => {
  await using box = await sandbox();
  const env = { ...box.env, PATH: `${box.path}/bin` };
  await expect(findTerraform({ env })).rejects.toMatchObject({
    code: 'terraform-missing',
    facts: { tried: ['terraform', 'tofu'] },
    hint: expect.stringContaining('TERRAFORM_BINARY_NAME'),
  });
});

it('fails when a program of that name does not answer as Terraform does', async () => {
  await using box = await sandbox();
  const own = await box.program('impostor', 'echo hello');
  await expect(findTerraform({ env: { ...box.env, TERRAFORM_BINARY_NAME: own } })).rejects.toMatchObject({
    code: 'terraform-missing',
  });
});

it('fails when it is too old, and names the required version', async () => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.4.7'));
  await expect(findTerraform({ env: box.env })).rejects.toMatchObject({
    code: 'terraform-too-old',
    facts: { version: '1.4.7', oldest: '1.5.0' },
  });
});

it('stops when interrupted', async () => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.11.4'));
  const search = findTerraform({ env: box.env, signal: AbortSignal.abort() });
  await expect(search).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 });
});

it('compares versions as numbers', () => {
  const version = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30));
  fc.assert(
    fc.property(version, version, (left, right) => {
      const weight = ([major, minor, patch]: readonly [number, number, number]) => major * 1e6 + minor * 1e3 + patch;
      expect(isOlder(left.join('.'), right.join('.'))).toBe(weight(left) < weight(right));
    }),
  );
});

it('takes a terraform that a wrapper announces', async () => {
  await using box = await sandbox();
  await box.program('terraform', `echo '[command]terraform version'\n${answersVersion('Terraform', '1.11.4')}`);
  await expect(findTerraform({ env: box.env })).resolves.toMatchObject({ product: 'Terraform', version: '1.11.4' });
});

it.each([
  { TF_WORKSPACE: 'prod' },
  { TF_CLI_ARGS: '-no-color' },
  { TF_CLI_ARGS_plan: '-target=aws_kms_alias.main' },
  { TF_CLI_ARGS_init: '-backend-config=key=other' },
  { TF_REATTACH_PROVIDERS: '{}' },
])('refuses %j, by which Terraform would do something else', async (variables) => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.11.4'));
  await expect(findTerraform({ env: { ...box.env, ...variables } })).rejects.toMatchObject({
    code: 'terraform-environment',
    exitCode: 64,
    facts: { variables: Object.keys(variables) },
    hint: expect.stringContaining(`unset ${Object.keys(variables).join(' ')}`),
  });
});

it('takes the default workspace and empty variables as they are', async () => {
  await using box = await sandbox();
  await box.program('terraform', answersVersion('Terraform', '1.11.4'));
  const env = { ...box.env, TF_WORKSPACE: 'default', TF_CLI_ARGS: '' };
  await expect(findTerraform({ env })).resolves.toMatchObject({ version: '1.11.4' });
});
