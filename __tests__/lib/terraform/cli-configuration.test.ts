import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TerraformBinary } from '../../../lib/terraform/binary';
import { mirrorConfiguration, providerSource, writeCliConfiguration } from '../../../lib/terraform/cli-configuration';
import { type Sandbox, sandbox } from './sandbox';

const binary: TerraformBinary = {
  file: 'terraform',
  product: 'Terraform',
  version: '1.11.4',
  platform: 'linux_amd64',
};

const unpacked = (version: string, host = 'registry.terraform.io', platform = 'linux_amd64'): string =>
  join(host, 'hashicorp/aws', version, platform, 'terraform-provider-aws');

/** What is found when the usual roots are those of the sandbox. */
const found = (box: Sandbox, env: NodeJS.ProcessEnv = {}, of = binary, required = '5.100.0') =>
  providerSource({ binary: of, env: { ...box.env, ...env }, required, roots: [join(box.path, 'opt')] });

describe('the user’s own CLI configuration', () => {
  it('decides when TF_CLI_CONFIG_FILE names it', async () => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${unpacked('5.100.0')}`, '');
    const file = await box.write('own.tfrc', '');
    await expect(found(box, { TF_CLI_CONFIG_FILE: file })).resolves.toEqual({ kind: 'user', file });
  });

  it('decides when it stands in the home folder', async () => {
    await using box = await sandbox();
    const file = await box.write('.terraformrc', '');
    await expect(found(box)).resolves.toEqual({ kind: 'user', file });
  });

  it('counts as none when TF_CLI_CONFIG_FILE names a file that is not there', async () => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${unpacked('5.100.0')}`, '');
    const source = await found(box, { TF_CLI_CONFIG_FILE: join(box.path, 'missing.tfrc') });
    expect(source.kind).toBe('mirror');
  });
});

describe('a mirror', () => {
  it('is found one level under a usual root', async () => {
    await using box = await sandbox();
    await box.write('opt/file', '');
    await box.write(`opt/mirror/${unpacked('5.100.0')}`, '');
    await expect(found(box)).resolves.toEqual({
      kind: 'mirror',
      directory: join(box.path, 'opt/mirror'),
      host: 'registry.terraform.io',
      version: '5.100.0',
    });
  });

  it('gives the newest version that the rotation file admits, packed or unpacked, and no other', async () => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${unpacked('5.100.0')}`, '');
    await box.write(`opt/mirror/${unpacked('6.9.0')}`, '');
    await box.write('opt/mirror/registry.terraform.io/hashicorp/aws/terraform-provider-aws_6.21.0_linux_amd64.zip', '');
    await box.write(`opt/mirror/${unpacked('6.30.0')}`, '');
    await expect(found(box, {}, binary, '>= 5.100.0, < 6.22.0')).resolves.toMatchObject({ version: '6.21.0' });
    await expect(found(box, {}, binary, '>= 6.40.0, < 7.0.0')).resolves.toMatchObject({ kind: 'registry' });
  });

  it('is found where TF_PLUGIN_MIRROR points, before any other', async () => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${unpacked('5.100.0')}`, '');
    await box.write(`own/${unpacked('5.100.0')}`, '');
    const source = await found(box, { TF_PLUGIN_MIRROR: join(box.path, 'own') });
    expect(source).toMatchObject({ directory: join(box.path, 'own'), version: '5.100.0' });
  });

  it('is found in the directories that Terraform implies', async () => {
    await using box = await sandbox();
    await box.write(`.terraform.d/plugins/${unpacked('5.100.0')}`, '');
    await expect(found(box)).resolves.toMatchObject({ directory: join(box.path, '.terraform.d/plugins') });
  });

  it('may be packed', async () => {
    await using box = await sandbox();
    await box.write('opt/m/registry.terraform.io/hashicorp/aws/terraform-provider-aws_5.100.0_linux_amd64.zip', '');
    await expect(found(box)).resolves.toMatchObject({ kind: 'mirror', version: '5.100.0' });
  });

  it('gives the version that the stacks require, whatever else it holds', async () => {
    await using box = await sandbox();
    for (const version of ['5.99.1', '5.100.0', '6.10.0', '6.9.0', '7.0.0']) {
      await box.write(`opt/mirror/${unpacked(version)}`, '');
    }
    await expect(found(box)).resolves.toMatchObject({ kind: 'mirror', version: '5.100.0' });
  });

  it.each([
    ['only an older version', unpacked('5.99.1')],
    ['only a newer version', unpacked('6.10.0')],
    [
      'only a newer version, packed',
      'registry.terraform.io/hashicorp/aws/terraform-provider-aws_6.10.0_linux_amd64.zip',
    ],
    ['only another platform', unpacked('5.100.0', 'registry.terraform.io', 'darwin_arm64')],
    ['only the other product’s registry', unpacked('5.100.0', 'registry.opentofu.org')],
  ])('with %s is passed over', async (_, file) => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${file}`, '');
    const source = await found(box);
    expect(source).toMatchObject({
      kind: 'registry',
      searched: expect.arrayContaining([join(box.path, 'opt/mirror')]),
    });
  });

  it('for OpenTofu holds OpenTofu’s registry', async () => {
    await using box = await sandbox();
    await box.write(`opt/mirror/${unpacked('5.100.0', 'registry.opentofu.org')}`, '');
    const tofu: TerraformBinary = { ...binary, file: 'tofu', product: 'OpenTofu' };
    await expect(found(box, {}, tofu)).resolves.toMatchObject({ kind: 'mirror', host: 'registry.opentofu.org' });
  });
});

describe('the written configuration', () => {
  it('takes the provider from the mirror and everything else from its registry', async () => {
    await using box = await sandbox();
    const source = { kind: 'mirror', directory: '/m', host: 'registry.terraform.io', version: '5.100.0' } as const;
    const file = await writeCliConfiguration(source, box.path);
    const text = await readFile(file ?? '', 'utf8');
    expect(text).toMatch(
      /filesystem_mirror \{\s+path {4}= "\/m"\s+include = \["registry\.terraform\.io\/hashicorp\/aws"\]/,
    );
    expect(text).toMatch(/direct \{\s+exclude = \["registry\.terraform\.io\/hashicorp\/aws"\]/);
  });

  it('is the user’s own, or none for the registry', async () => {
    await using box = await sandbox();
    await expect(writeCliConfiguration({ kind: 'user', file: '/home/x/.terraformrc' }, box.path)).resolves.toBe(
      '/home/x/.terraformrc',
    );
    await expect(writeCliConfiguration({ kind: 'registry', searched: [] }, box.path)).resolves.toBeUndefined();
  });

  it('quotes a path that would otherwise be a template', () => {
    const text = mirrorConfiguration({ directory: '/a "b"/$' + '{c}', host: 'registry.terraform.io' });
    expect(text).toContain('"/a \\"b\\"/$$' + '{c}"');
  });
});
