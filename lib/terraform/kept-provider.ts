import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TerraformBinary } from './binary';
import { registryHost } from './cli-configuration';
import { lockedProvider } from './locked-provider';
import { providerExecutable, type RunningProvider, reattachment, startProvider } from './running-provider';
import type { StackDirectory } from './synthesize';

/** Keeps one AWS provider alive for all calls of Terraform. */
export interface KeptProvider {
  /**
   * The value of `TF_REATTACH_PROVIDERS` for a stack that is initialized. The first call starts the provider that this stack's
   * init installed and locked. Undefined: Terraform starts a provider of its own, because this one could not be started, or
   * because the stack locks another.
   */
  attachment(stack: StackDirectory, binary: TerraformBinary, env: NodeJS.ProcessEnv): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Started {
  readonly lock: string;
  readonly provider: RunningProvider;
}

const DECLARED = z.object({
  resource: z.record(z.string(), z.unknown()).default({}),
  data: z.record(z.string(), z.unknown()).default({}),
});

/**
 * For the rehearsal alone, whose endpoint, credentials and states are its own and end with it. A kept provider has its
 * credentials from its start, cannot be configured twice where `AWS_CA_BUNDLE` is set, ends with this process, and is not
 * compared with the lock file by each command: docs/decisions/terraform-runs.md.
 *
 * @param directory - absolute; created, for the sockets
 * @param onFailure - called once if the provider cannot be started
 */
export function keepProvider(directory: string, onFailure: (reason: string) => void): KeptProvider {
  const kinds = new Set<string>();
  let started: Promise<Started | undefined> | undefined;
  const start = async (
    lock: string,
    ...[stack, binary, env]: Parameters<KeptProvider['attachment']>
  ): Promise<Started | undefined> => {
    try {
      const executable = await installedIn(stack, binary);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      return { lock, provider: await startProvider({ executable, directory, name: 'aws', env, kinds }) };
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  return {
    async attachment(stack, binary, env) {
      // The log of a provider that Terraform does not start lacks what the provider does.
      if (env.TF_LOG || env.TF_LOG_PROVIDER) return undefined;
      const lock = await readFile(path.join(stack.directory, '.terraform.lock.hcl'), 'utf8').catch(() => undefined);
      if (lock === undefined) return undefined;
      for (const kind of await declaredKinds(stack)) kinds.add(kind);
      started ??= start(lock, stack, binary, env);
      const running = await started;
      return running?.lock === lock ? reattachment(binary, running.provider) : undefined;
    },
    async close() {
      await (await started)?.provider.close();
    },
  };
}

async function installedIn({ directory }: StackDirectory, binary: TerraformBinary): Promise<string> {
  const version = await lockedProvider(directory);
  const installed = path.join(directory, '.terraform/providers');
  const executable =
    version === undefined ? undefined : providerExecutable(installed, registryHost(binary), version, binary);
  if (executable === undefined) throw new Error(`there is no AWS provider in ${installed}`);
  return executable;
}

async function declaredKinds({ directory }: StackDirectory): Promise<readonly string[]> {
  const text = await readFile(path.join(directory, 'cdk.tf.json'), 'utf8');
  const { resource, data } = DECLARED.parse(JSON.parse(text));
  return [...Object.keys(resource), ...Object.keys(data)];
}
