import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform } from '../../lib/terraform/binary';
import { providerSource, writeCliConfiguration } from '../../lib/terraform/cli-configuration';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import type { LocalAws } from '../../local-aws';

const run = promisify(execFile);

/** A configuration in a folder of its own, run by Terraform as a person would. */
export interface TerraformFolder {
  /** Replaces the configuration by these members, with the tested AWS provider required. */
  declare(configuration: object): Promise<void>;
  /** Runs one command; its exit code, and all that it printed. */
  run(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<{ code: number; output: string }>;
  close(): Promise<void>;
}

/** @param executable - absent: the Terraform of this machine */
export async function openTerraformFolder(aws: LocalAws, executable?: string): Promise<TerraformFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'terraform-folder-'));
  const binary = await findTerraform({ env: process.env });
  const configuration = await writeCliConfiguration(
    await providerSource({ binary, env: process.env, required: AWS_PROVIDER_VERSION }),
    folder,
  );
  const env = terraformEnvironment({ ...process.env, ...aws.environment() }, configuration);
  const required = { aws: { source: 'hashicorp/aws', version: AWS_PROVIDER_VERSION } };
  return {
    declare: (declared) =>
      writeFile(
        join(folder, 'main.tf.json'),
        JSON.stringify({ terraform: { required_providers: required }, ...declared }),
      ),
    async run(args, environment = {}) {
      const common = { cwd: folder, env: { ...env, ...environment } };
      try {
        const { stdout } = await run(executable ?? binary.file, [...args, '-no-color', '-input=false'], common);
        return { code: 0, output: stdout };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, output: `${stdout}${stderr}` };
      }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
