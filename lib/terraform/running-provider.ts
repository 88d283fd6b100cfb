import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { TerraformBinary } from './binary';
import { registryHost } from './cli-configuration';
import { relaySchemas, type SchemaRelay } from './schema-relay';

/** An AWS provider that stays alive from one call of Terraform to the next. */
export interface RunningProvider {
  readonly pid: number;
  /** A Unix socket, where Terraform asks it. */
  readonly socket: string;
  close(): Promise<void>;
}

export interface RunningProviderInput {
  /** The provider's executable, absolute. */
  readonly executable: string;
  /** Absolute; holds the sockets, so nobody else may enter it. */
  readonly directory: string;
  /** Names the socket in the directory. */
  readonly name: string;
  /** Its whole environment: it has its credentials and its endpoint from there, as from its start. */
  readonly env: NodeJS.ProcessEnv;
  /** The resources and data sources that Terraform learns of; see `relaySchemas`. */
  readonly kinds: ReadonlySet<string>;
}

/** How long a provider has to start. A busy machine needs seconds. */
const START_MS = 60_000;

/** The provider ends when nobody holds its standard input any more: whoever is killed leaves none behind. */
const WHILE_WANTED =
  '"$0" -debug & p=$!; echo "pid $p"; exec 3<&0; (read -r _ <&3; kill $p) & r=$!; wait $p; kill $r 2>/dev/null';

/**
 * Starts an AWS provider as its developers do for a debugger, which Terraform then does not start by itself, and relays what
 * Terraform asks it. The provider has its own process group: a Ctrl-C does not end it in the middle of an apply.
 *
 * @throws Error where it does not start or does not answer
 */
export async function startProvider(input: RunningProviderInput): Promise<RunningProvider> {
  const { executable, directory, name, kinds } = input;
  const { KEYTURN_PKCS11_PIN: _pin, ...env } = input.env;
  const child = spawn('sh', ['-c', WHILE_WANTED, executable], {
    env: { ...env, TMPDIR: directory },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  let relay: SchemaRelay | undefined;
  const close = async (): Promise<void> => {
    await relay?.close();
    child.stdin.end();
    await ended;
  };
  try {
    const { pid, socket: own } = await addressOf(child);
    const socket = path.join(directory, `${name}.sock`);
    relay = await relaySchemas(own, socket, kinds);
    return { pid, socket, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Reads what a provider prints once it listens. */
async function addressOf(child: ChildProcess): Promise<{ readonly pid: number; readonly socket: string }> {
  let late: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      let printed = '';
      const fail = (why: string) => reject(new Error(`the AWS provider ${why}\n${printed}`));
      late = setTimeout(() => fail(`did not start within ${START_MS / 1000} s`), START_MS);
      const read = (chunk: Buffer) => {
        printed += chunk.toString();
        const pid = /^pid (\d+)$/m.exec(printed)?.[1];
        const socket = /TF_REATTACH_PROVIDERS='.*"String":"([^"]+)"/.exec(printed)?.[1];
        if (pid !== undefined && socket !== undefined) resolve({ pid: Number(pid), socket });
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('error', reject);
      child.once('close', () => fail('ended'));
    });
  } finally {
    clearTimeout(late);
  }
}

/** The value of `TF_REATTACH_PROVIDERS` by which Terraform asks this provider. */
export function reattachment(
  { product }: Pick<TerraformBinary, 'product'>,
  { pid, socket }: Pick<RunningProvider, 'pid' | 'socket'>,
): string {
  const Addr = { Network: 'unix', String: socket };
  const provider = { Protocol: 'grpc', ProtocolVersion: 5, Pid: pid, Test: true, Addr };
  return JSON.stringify({ [`${registryHost({ product })}/hashicorp/aws`]: provider });
}

/**
 * The AWS provider in a directory as Terraform lays it out: a mirror, or `.terraform/providers` of an initialized stack.
 *
 * @param host - the registry's
 * @param version - `5.100.0`
 */
export function providerExecutable(
  directory: string,
  host: string,
  version: string,
  { platform }: Pick<TerraformBinary, 'platform'>,
): string | undefined {
  const folder = path.join(directory, host, 'hashicorp/aws', version, platform);
  try {
    const name = readdirSync(folder).find((one) => one.startsWith('terraform-provider-aws'));
    return name === undefined ? undefined : path.join(folder, name);
  } catch {
    return undefined;
  }
}
