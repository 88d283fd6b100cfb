import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError, throwIfInterrupted } from '../errors';
import { refuseCommitted } from '../repository/committed-files';
import type { Rotation } from '../rotation/rotation';
import { findTerraform, type TerraformBinary } from '../terraform/binary';
import { runChild } from '../terraform/child';
import { providerSource, writeCliConfiguration } from '../terraform/cli-configuration';
import { lastLines } from '../terraform/diagnostics';
import { type StackTexts, stackTexts } from '../terraform/expected-stacks';
import { onlyJsonLine } from '../terraform/plan-outcome';
import { type StackDirectory, synthesize } from '../terraform/synthesize';
import { Terraform } from '../terraform/terraform';
import { terraformEnvironment } from '../terraform/terraform-environment';
import type { StackRole } from '../terraform/workspace';

export interface ReviewingOptions {
  readonly rotation: Rotation;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Terraform for plans that are saved: both stacks as the rotation file has them now, and plans as JSON. */
export interface ReviewingTerraform {
  readonly binary: TerraformBinary;
  readonly terraform: Terraform;
  readonly stacks: Readonly<Record<StackRole, StackDirectory>>;
  /** The stacks as they were synthesized, before anything could change them. */
  readonly expected: StackTexts;
}

/** Synthesizes both stacks again and finds the Terraform to use. Its plans take no lock, so that a role that can only read can plan. */
export async function openReviewing(options: ReviewingOptions): Promise<ReviewingTerraform> {
  const { rotation, env, signal } = options;
  const workDirectory = path.dirname(rotation.file);
  await refuseCommitted(workDirectory, env);
  const { binary, source, cliConfiguration } = await findBinary(options);
  const stacks = await synthesize({ rotationFile: rotation.file, name: rotation.name, workDirectory, env, signal });
  const expected = await stackTexts(stacks);
  const terraform = new Terraform({
    binary,
    source,
    required: rotation.terraform.awsProvider,
    cliConfiguration,
    env,
    signal,
    locksPlans: false,
  });
  return { binary, stacks, expected, terraform };
}

async function findBinary({ rotation, env, signal }: ReviewingOptions) {
  const binary = await findTerraform({ env, signal });
  const source = await providerSource({ binary, env, required: rotation.terraform.awsProvider });
  const settings = path.join(path.dirname(rotation.file), '.keyturn');
  await mkdir(settings, { recursive: true });
  return { binary, source, cliConfiguration: await writeCliConfiguration(source, settings) };
}

/**
 * A plan file as JSON text. Terraform can show it only in a directory that is initialized for the same provider, so each
 * of the directories is tried in turn.
 *
 * @throws KeyturnError `review-plan-unreadable` with Terraform's words, `terraform-missing`, `interrupted`
 */
export async function showPlan(
  file: string,
  name: string,
  directories: readonly string[],
  options: ReviewingOptions,
): Promise<string> {
  const { env, signal } = options;
  const { binary, cliConfiguration } = await findBinary(options);
  let reported = 'there is no initialized stack beside it or in cdktf.out that could show it';
  for (const cwd of directories) {
    const outcome = await runChild({
      file: binary.file,
      args: ['show', '-json', '-no-color', file],
      cwd,
      env: terraformEnvironment(env, cliConfiguration),
      signal,
    });
    throwIfInterrupted(signal, 'terraform show');
    if (outcome.exit === 0) return onlyJsonLine(outcome.stdout) ?? outcome.stdout;
    reported = lastLines(outcome.stderr || outcome.stdout, 4).replaceAll('\n', ' ');
  }
  throw new KeyturnError('review-plan-unreadable', { file: name, reason: reported });
}
