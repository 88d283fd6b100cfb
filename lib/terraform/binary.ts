import { KeyturnError, throwIfInterrupted } from '../errors';
import { type ChildOutcome, runChild } from './child';

/**
 * The oldest Terraform that supports everything that the stacks and this directory use: preconditions, and the JSON
 * formats of a plan.
 */
export const OLDEST_TERRAFORM = '1.5.0';

export interface TerraformBinary {
  /** The name or path of the binary, `terraform`. */
  readonly file: string;
  readonly product: 'Terraform' | 'OpenTofu';
  /** `1.11.4`. */
  readonly version: string;
  /** The platform name of provider packages, `linux_amd64`. */
  readonly platform: string;
}

export interface FindTerraformInput {
  /** Read: `TERRAFORM_BINARY_NAME` (as cdktf does) and `PATH`. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds Terraform: `TERRAFORM_BINARY_NAME` if set, otherwise `terraform`, otherwise `tofu`.
 *
 * @throws KeyturnError `terraform-environment`, `terraform-missing`, `terraform-too-old`, `interrupted`
 */
export async function findTerraform({ env, signal }: FindTerraformInput): Promise<TerraformBinary> {
  refuseRedirection(env);
  const named = env.TERRAFORM_BINARY_NAME;
  const candidates = named ? [named] : ['terraform', 'tofu'];
  for (const file of candidates) {
    const found = await probe(file, env, signal);
    if (found === undefined) continue;
    if (isOlder(found.version, OLDEST_TERRAFORM)) {
      throw new KeyturnError('terraform-too-old', { file, version: found.version, oldest: OLDEST_TERRAFORM });
    }
    return found;
  }
  throw new KeyturnError('terraform-missing', { tried: candidates });
}

/** Refuses variables by which Terraform would use another state, other arguments or another provider than Keyturn names and the lock holds. */
function refuseRedirection(env: NodeJS.ProcessEnv): void {
  const variables = Object.keys(env).filter((name) => {
    if (!env[name]) return false;
    return name === 'TF_WORKSPACE' ? env[name] !== 'default' : /^TF_(CLI_ARGS(_|$)|REATTACH_PROVIDERS$)/.test(name);
  });
  if (variables.length > 0) throw new KeyturnError('terraform-environment', { variables: variables.sort() });
}

/** Undefined if the program cannot be started or does not respond like Terraform or OpenTofu. */
async function probe(
  file: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<TerraformBinary | undefined> {
  throwIfInterrupted(signal, 'the search for Terraform');
  let outcome: ChildOutcome;
  try {
    outcome = await runChild({ file, args: ['version'], env: { ...env, CHECKPOINT_DISABLE: '1' }, signal });
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'syscall' in error) return undefined;
    throw error;
  }
  throwIfInterrupted(signal, 'the search for Terraform');
  // Not `-json`: only the text output distinguishes Terraform and OpenTofu.
  // On any line: a wrapper of a CI system prints the command first.
  const answer = /^(Terraform|OpenTofu) v(\d+\.\d+\.\d+)\S*\s+on (\w+)/m.exec(outcome.stdout);
  const [, product, version, platform] = answer ?? [];
  if (outcome.exit !== 0 || version === undefined || platform === undefined) return undefined;
  return { file, product: product === 'OpenTofu' ? 'OpenTofu' : 'Terraform', version, platform };
}

/** Compares `major.minor.patch`, numbers as numbers. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split('.').map(Number));
  for (const [index, number] of (left ?? []).entries()) {
    const difference = number - (right?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
