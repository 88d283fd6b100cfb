import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { refuseCommitted } from '../repository/committed-files';
import { readBindingText } from '../rotation/binding';
import type { Rotation } from '../rotation/rotation';
import { findTerraform, type TerraformBinary } from './binary';
import { providerSource, writeCliConfiguration } from './cli-configuration';
import { declaredResources } from './created-in';
import type { KeptProvider } from './kept-provider';
import { lockedProvider } from './locked-provider';
import { formatPlan } from './plan-text';
import { type StackDirectory, synthesize } from './synthesize';
import { Terraform } from './terraform';
import type { StackPlan, StackRole, Workspace } from './workspace';

export interface WorkspaceOptions {
  readonly rotation: Rotation;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** See `TerraformInput.provider`. */
  readonly provider?: KeptProvider | undefined;
}

interface Opened {
  readonly binary: TerraformBinary;
  readonly terraform: Terraform;
  readonly stacks: Readonly<Record<StackRole, StackDirectory>>;
  /** The binding that the stacks were synthesized with. */
  readonly binding: string | undefined;
}

/**
 * The rotation's stacks next to its file. The first plan synthesizes them and finds Terraform; both are reused in the
 * run, until an import binds a version. A command that needs no Terraform works without one.
 */
export function openWorkspace(options: WorkspaceOptions): Workspace {
  let opened: Promise<Opened> | undefined;
  const open = async (): Promise<Opened> => {
    const binding = await readBindingText(options.rotation.file);
    if (opened !== undefined && (await opened).binding !== binding) opened = undefined;
    opened ??= openOnce(options, binding);
    return opened;
  };
  return {
    async plan(stack: StackRole): Promise<StackPlan> {
      const { binary, terraform, stacks } = await open();
      const { planFile, changes, summary } = await terraform.plan(stacks[stack]);
      const tools = {
        terraform: `${binary.product} ${binary.version}`,
        awsProvider: await lockedProvider(stacks[stack].directory),
      };
      return { stack, planFile, changes, summary, text: formatPlan(stacks[stack].name, summary), tools };
    },
    async apply({ stack, planFile }: StackPlan): Promise<void> {
      const { terraform, stacks } = await open();
      await terraform.apply({ stack: stacks[stack], planFile });
    },
    async declared(stack: StackRole) {
      const { stacks } = await open();
      return declaredResources(stacks[stack]);
    },
    async managed(stack: StackRole) {
      const { terraform, stacks } = await open();
      return terraform.managed(stacks[stack]);
    },
  };
}

async function openOnce(
  { rotation, env, signal, provider }: WorkspaceOptions,
  binding: string | undefined,
): Promise<Opened> {
  const workDirectory = path.dirname(rotation.file);
  await refuseCommitted(workDirectory, env);
  const binary = await findTerraform({ env, signal });
  const required = rotation.terraform.awsProvider;
  const source = await providerSource({ binary, env, required });
  const settings = path.join(workDirectory, '.keyturn');
  await mkdir(settings, { recursive: true });
  const cliConfiguration = await writeCliConfiguration(source, settings);
  const stacks = await synthesize({ rotationFile: rotation.file, name: rotation.name, workDirectory, env, signal });
  return {
    binary,
    terraform: new Terraform({ binary, source, required, cliConfiguration, env, signal, provider }),
    stacks,
    binding,
  };
}
