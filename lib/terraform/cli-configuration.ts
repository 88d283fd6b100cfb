import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import rsort from 'semver/functions/rsort';
import { admitsProvider } from '../rotation/provider-version';
import type { TerraformBinary } from './binary';

/** Where the provider comes from. */
export type ProviderSource =
  /** The user's own CLI configuration decides; Keyturn adds nothing. */
  | { readonly kind: 'user'; readonly file: string }
  /** A filesystem mirror that holds a version that the stacks require: the newest of these. */
  | { readonly kind: 'mirror'; readonly directory: string; readonly host: string; readonly version: string }
  /** The registry, Terraform's default. */
  | { readonly kind: 'registry'; readonly searched: readonly string[] };

export interface ProviderSourceInput {
  readonly binary: TerraformBinary;
  /** Read: `TF_CLI_CONFIG_FILE`, `TF_PLUGIN_MIRROR`, `HOME`, `XDG_DATA_HOME`. */
  readonly env: NodeJS.ProcessEnv;
  /** Versions that the stacks require, as a constraint of Terraform. */
  readonly required: string;
  /** Directories that may contain a mirror one level below. Default: the usual ones. */
  readonly roots?: readonly string[];
}

const USUAL_ROOTS = ['/usr/local/share', '/usr/share', '/opt'];

/**
 * Decides where Terraform gets the AWS provider.
 *
 * 1. The user's own CLI configuration, when it exists. `TF_CLI_CONFIG_FILE` may name a file that does not: it then counts
 *    as none.
 * 2. A filesystem mirror with a version that the stacks require, for this platform: `TF_PLUGIN_MIRROR`, the directories that
 *    Terraform implies, then one level under the usual roots. The first that holds one wins. That it is looked for before the
 *    registry is tried costs a few directory reads, where finding out that the registry is out of reach costs minutes.
 * 3. The registry.
 *
 * @see https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
 */
export async function providerSource({
  binary,
  env,
  required,
  roots = USUAL_ROOTS,
}: ProviderSourceInput): Promise<ProviderSource> {
  for (const file of userConfigurations(binary, env)) {
    if (await isReadable(file)) return { kind: 'user', file };
  }
  const searched = [...namedMirrors(env), ...(await Promise.all(roots.map(under))).flat()];
  for (const directory of searched) {
    const version = (await heldProviders(directory, binary)).find((one) => admitsProvider(required, one));
    if (version !== undefined) return { kind: 'mirror', directory, host: registryHost(binary), version };
  }
  return { kind: 'registry', searched };
}

/**
 * Writes the CLI configuration for a source.
 *
 * @returns the file to pass as `TF_CLI_CONFIG_FILE`, or undefined if Terraform needs none
 */
export async function writeCliConfiguration(source: ProviderSource, directory: string): Promise<string | undefined> {
  if (source.kind === 'user') return source.file;
  if (source.kind === 'registry') return undefined;
  const file = join(directory, 'terraform.tfrc');
  await writeFile(file, mirrorConfiguration(source));
  return file;
}

/** Uses only the mirror for `hashicorp/aws`, and the registry for everything else. */
export function mirrorConfiguration({
  directory,
  host,
}: {
  readonly directory: string;
  readonly host: string;
}): string {
  return `provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(directory).replaceAll(/[$%]\{/g, (marker) => marker[0] + marker)}
    include = ["${host}/hashicorp/aws"]
  }
  direct {
    exclude = ["${host}/hashicorp/aws"]
  }
}
`;
}

/** Each product resolves an address without a host at its own registry, also in mirrors. */
export function registryHost({ product }: Pick<TerraformBinary, 'product'>): string {
  return product === 'OpenTofu' ? 'registry.opentofu.org' : 'registry.terraform.io';
}

function userConfigurations(binary: TerraformBinary, env: NodeJS.ProcessEnv): readonly string[] {
  const named = env.TF_CLI_CONFIG_FILE;
  if (named) return [named];
  const home = env.HOME;
  if (!home) return [];
  return [...(binary.product === 'OpenTofu' ? ['.tofurc'] : []), '.terraformrc'].map((file) => join(home, file));
}

function namedMirrors(env: NodeJS.ProcessEnv): readonly string[] {
  const home = env.HOME;
  const data = env.XDG_DATA_HOME ?? (home ? join(home, '.local/share') : undefined);
  return [
    ...(env.TF_PLUGIN_MIRROR ? [env.TF_PLUGIN_MIRROR] : []),
    ...(home ? [join(home, '.terraform.d/plugins')] : []),
    ...(data ? [join(data, 'terraform/plugins')] : []),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
  ];
}

async function under(root: string): Promise<readonly string[]> {
  return (await namesIn(root)).map((name) => join(root, name));
}

/** The versions that a mirror holds for this platform, unpacked (`<version>/<platform>/`) or packed (one zip each), newest first. */
async function heldProviders(directory: string, binary: TerraformBinary): Promise<readonly string[]> {
  const { platform } = binary;
  const place = join(directory, registryHost(binary), 'hashicorp', 'aws');
  const held: string[] = [];
  for (const name of await namesIn(place)) {
    const packed = /^terraform-provider-aws_(\d+\.\d+\.\d+)_(.+)\.zip$/.exec(name);
    if (packed?.[1] !== undefined && packed[2] === platform) held.push(packed[1]);
    else if (/^\d+\.\d+\.\d+$/.test(name) && (await namesIn(join(place, name))).includes(platform)) held.push(name);
  }
  return rsort(held);
}

/** Sorted, so that the result is deterministic; empty if there is no such directory. */
async function namesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.sort();
}

async function isReadable(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}
