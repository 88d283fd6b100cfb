import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { AccessKey, LocalAws, LocalAwsOptions } from '../../local-aws';
import { compiledKeyturn } from './compiled-keyturn';
import { startTestAws } from './embedded-aws';
import { type KeptProvider, keepProvider } from './kept-provider';

export interface Finished {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Sends the signal as soon as stderr matches. */
  readonly interrupt?: { readonly when: RegExp; readonly signal: NodeJS.Signals };
  /** Added to, or with undefined taken from, the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A folder with a rotation file, an embedded endpoint, and the `keyturn` that a person would type there. */
export interface Site {
  readonly directory: string;
  readonly rotationFile: string;
  readonly recipient: string;
  readonly identityFile: string;
  readonly endpoint: LocalAws;
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /**
   * From here on Terraform asks one AWS provider for each of these access keys (default: the endpoint's own), which stays alive.
   * `url` is what stands before the endpoint, where commands go through that.
   * @returns what `run` sets `TERRAFORM_BINARY_NAME` to
   */
  keepProvider(options?: { readonly keys?: readonly AccessKey[]; readonly url?: string }): Promise<string>;
  /** Writes the rotation file; `RECIPIENT` stands for the site's own age recipient. */
  declare(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function openSite(options: LocalAwsOptions = {}): Promise<Site> {
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-site-'));
  const identityFile = path.join(directory, 'identity.txt');
  const { recipient } = await generateIdentity(identityFile);
  const endpoint = await startTestAws(options);
  const rotationFile = path.join(directory, 'rotation.yaml');
  let kept: KeptProvider | undefined;
  return {
    directory,
    rotationFile,
    recipient,
    identityFile,
    endpoint,
    run(args, { env, ...runOptions } = {}) {
      const provider = kept === undefined ? {} : { TERRAFORM_BINARY_NAME: kept.terraform };
      return runKeyturn(directory, endpoint, args, { ...runOptions, env: { ...provider, ...env } });
    },
    async keepProvider({ keys, url } = {}) {
      kept = await keepProvider(endpoint, { keys, url });
      return kept.terraform;
    },
    declare: (text) => writeFile(rotationFile, text.replaceAll('RECIPIENT', recipient)),
    async close() {
      await kept?.close();
      await endpoint.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A rotation file of the given versions over one bucket that it creates. */
export function rotationText(versions: readonly string[], active: string, more = ''): string {
  const list = versions.map((name) => `  - name: ${name}\n`).join('');
  return `name: rotation-test
region: ap-northeast-1
alias: alias/rotation-test-key
keyVersions:
${list}activeVersion: ${active}
buckets:
  - name: kms-key-rotation-test-bucket
    manage: bucket
custody:
  age:
    recipients: [RECIPIENT]
${more}`;
}

/** As `bin/keyturn.js` does. */
const QUIET = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

async function runKeyturn(
  directory: string,
  endpoint: LocalAws,
  args: readonly string[],
  { interrupt, env = {} }: RunOptions,
): Promise<Finished> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const child = spawn(process.execPath, [compiledKeyturn(), ...args], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), ...endpoint.environment(), ...QUIET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return collect(child, interrupt);
}

function collect(child: ChildProcess, interrupt: RunOptions['interrupt']): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  let struck = false;
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    if (!interrupt || struck || !interrupt.when.test(stderr)) return;
    struck = true;
    child.kill(interrupt.signal);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}
