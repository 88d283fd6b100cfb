import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform, type TerraformBinary } from '../../lib/terraform/binary';
import { runChild } from '../../lib/terraform/child';
import {
  type ProviderSource,
  providerSource,
  registryHost,
  writeCliConfiguration,
} from '../../lib/terraform/cli-configuration';
import {
  providerExecutable as executableIn,
  type RunningProvider,
  reattachment,
  startProvider,
} from '../../lib/terraform/running-provider';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import type { AccessKey, LocalAws } from '../../local-aws';

/** A Terraform whose AWS provider stays alive from one call to the next. */
export interface KeptProvider {
  /** For `TERRAFORM_BINARY_NAME`. */
  readonly terraform: string;
  close(): Promise<void>;
}

export interface KeptProviderOptions {
  /** Default: the endpoint's own. */
  readonly keys?: readonly AccessKey[] | undefined;
  /** Where calls go that reach the endpoint through something else. Default: the endpoint. */
  readonly url?: string | undefined;
  /** What is planned besides the stacks' own resources, such as `aws_region`. */
  readonly kinds?: readonly string[] | undefined;
}

const STACKS = path.resolve(__dirname, '../../stacks');

/**
 * Starts the AWS provider once for each access key, and makes a Terraform that uses it: a plan then costs a tenth of the CPU
 * time, since neither a process of 700 MB starts for each call nor does Terraform read the schemas of every AWS resource.
 *
 * The provider has its credentials and its endpoint from its own environment. So the Terraform that this makes asks it only where
 * those of the call are the same, and runs as ever otherwise, as does a call with `TF_LOG`, whose log shows what the provider does.
 * `init` installs a script that starts the provider, and locks that: it hashes a few bytes instead of 700 MB. Where a lock names
 * the provider itself, it runs as ever. Tests of how Keyturn finds and starts the provider do not use this.
 *
 * @throws Error where no provider is found, or where it does not start or answer
 */
export async function keepProvider(
  aws: Pick<LocalAws, 'url' | 'accessKey' | 'environment'>,
  { keys = [aws.accessKey], url = aws.url, kinds = [] }: KeptProviderOptions = {},
): Promise<KeptProvider> {
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-provider-'));
  const started: RunningProvider[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.close()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const binary = await findTerraform({ env: process.env });
    const executable = await providerExecutable(binary, directory);
    for (const key of keys) {
      const env = { ...inherited(), ...aws.environment(key), AWS_ENDPOINT_URL: url };
      const asked = new Set([...kindsOfStacks(), ...kinds]);
      const provider = await startProvider({ executable, directory, name: key.accessKeyId, env, kinds: asked });
      started.push(provider);
      writeFileSync(path.join(directory, `${key.accessKeyId}.json`), `${reattachment(binary, provider)}\n`);
    }
    const terraform = path.join(directory, 'terraform');
    writeFileSync(terraform, script(binary, url, directory, mirrorOfStandIn(binary, executable, directory)), {
      mode: 0o755,
    });
    return { terraform, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([variable]) => !/^(AWS_|TF_)/.test(variable)));

function script({ file }: TerraformBinary, url: string, directory: string, standIn: StandIn): string {
  return `#!/bin/sh
attachment="${directory}/$AWS_ACCESS_KEY_ID.json"
if [ -z "$TF_LOG" ] && [ "$AWS_ENDPOINT_URL" = '${url}' ] && [ -f "$attachment" ]; then
  if [ "$1" != init ]; then
    read -r TF_REATTACH_PROVIDERS < "$attachment"
    export TF_REATTACH_PROVIDERS
  elif [ ! -f .terraform.lock.hcl ] || grep -qF '${standIn.hash}' .terraform.lock.hcl; then
    export TF_CLI_CONFIG_FILE='${standIn.cliConfiguration}'
  fi
fi
exec '${file}' "$@"
`;
}

interface StandIn {
  /** As a lock names it. */
  readonly hash: string;
  readonly cliConfiguration: string;
}

/** A mirror with a file of a few bytes in the provider's place, which starts it where Terraform wants to. */
function mirrorOfStandIn({ product, platform }: TerraformBinary, executable: string, directory: string): StandIn {
  const mirror = path.join(directory, 'mirror');
  const place = path.join(mirror, registryHost({ product }), 'hashicorp/aws', AWS_PROVIDER_VERSION, platform);
  const name = `terraform-provider-aws_v${AWS_PROVIDER_VERSION}`;
  const text = `#!/bin/sh\nexec '${executable}' "$@"\n`;
  mkdirSync(place, { recursive: true });
  writeFileSync(path.join(place, name), text, { mode: 0o755 });
  const cliConfiguration = path.join(directory, 'stand-in.tfrc');
  writeFileSync(cliConfiguration, `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`);
  const sha256 = (data: string) => createHash('sha256').update(data);
  return { hash: `h1:${sha256(`${sha256(text).digest('hex')}  ${name}\n`).digest('base64')}`, cliConfiguration };
}

/** From where the product takes it: an unpacked mirror as it is, else from what an init installs. */
async function providerExecutable(binary: TerraformBinary, directory: string): Promise<string> {
  const source = await providerSource({ binary, env: process.env, required: AWS_PROVIDER_VERSION });
  if (source.kind === 'mirror') {
    const found = executableIn(source.directory, source.host, AWS_PROVIDER_VERSION, binary);
    if (found !== undefined) return found;
  }
  return executableOfInit(binary, source, mkdtempSync(path.join(directory, 'init-')));
}

async function executableOfInit(binary: TerraformBinary, source: ProviderSource, cwd: string): Promise<string> {
  const aws = { source: 'hashicorp/aws', version: AWS_PROVIDER_VERSION };
  writeFileSync(path.join(cwd, 'main.tf.json'), JSON.stringify({ terraform: { required_providers: { aws } } }));
  const env = terraformEnvironment(process.env, await writeCliConfiguration(source, cwd));
  const args = ['init', '-input=false', '-no-color'];
  const { exit, stderr } = await runChild({ file: binary.file, args, cwd, env, signal: undefined });
  const installed = path.join(cwd, '.terraform/providers');
  const found =
    exit === 0 ? readdirSync(installed).map((host) => executableIn(installed, host, AWS_PROVIDER_VERSION, binary)) : [];
  const [executable] = found.filter((one) => one !== undefined);
  if (executable === undefined) throw new Error(`there is no AWS provider ${AWS_PROVIDER_VERSION} to keep\n${stderr}`);
  return executable;
}

/** Resources and data sources of the AWS provider that the stacks declare, as Terraform names them. */
function kindsOfStacks(): readonly string[] {
  const texts = readdirSync(STACKS).map((name) => readFileSync(path.join(STACKS, name), 'utf8'));
  const bindings = texts.flatMap((text) => [
    ...text.matchAll(/@cdktf\/provider-aws\/lib\/(?:data-aws-)?([a-z0-9-]+)'/g),
  ]);
  return bindings.map(([, name = '']) => `aws_${name.replaceAll('-', '_')}`);
}
