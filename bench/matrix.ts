import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import { AWS_PROVIDER_VERSION, PROVIDER_CONSTRAINT } from '../lib/rotation/provider-version';

/**
 * Rehearses a rotation with each Node, each Terraform and each provider that are given, and prints a table of what held:
 * `npm run matrix -- [program or provider versions …]`. Programs are asked what they are. Without any of a kind: this Node,
 * `terraform` and `tofu` of PATH, and the tested provider. Providers come from where Terraform gets them: `TF_PLUGIN_MIRROR` names a
 * folder of them. Ends with 1 if a rehearsal failed, or if a program cannot be asked.
 */
const ROOT = path.resolve(__dirname, '..');
const KEYTURN = path.join(ROOT, 'bin/keyturn.js');
/** A rehearsal takes about a minute; an `init` without a network gives up within ten. */
const LIMIT = 20 * 60_000;

interface Program {
  readonly kind: 'Node' | 'Terraform';
  readonly file: string;
  /** `Node 20.19.2`, `OpenTofu 1.9.0`. */
  readonly name: string;
}

const run = promisify(execFile);

async function main(given: readonly string[]): Promise<void> {
  const providers = given.filter((one) => PROVIDER_CONSTRAINT.test(one));
  const named = await Promise.all(given.filter((one) => !PROVIDER_CONSTRAINT.test(one)).map(asked));
  const nodes = named.filter(({ kind }) => kind === 'Node');
  const terraforms = named.filter(({ kind }) => kind === 'Terraform');
  if (nodes.length === 0) nodes.push({ kind: 'Node', file: process.execPath, name: `Node ${process.versions.node}` });
  if (terraforms.length === 0) terraforms.push(...(await onPath()));
  if (terraforms.length === 0) throw new Error('there is neither terraform nor tofu on PATH: name one');
  process.stdout.write('| Node | Terraform | AWS provider | rehearsal |\n|---|---|---|---|\n');
  for (const node of nodes)
    for (const terraform of terraforms)
      for (const provider of providers.length === 0 ? [AWS_PROVIDER_VERSION] : providers) {
        const found = await rehearsed(node, terraform, provider);
        process.stdout.write(`| ${node.name} | ${terraform.name} | ${provider} | ${found.text} |\n`);
        if (!found.held) process.exitCode = 1;
      }
}

async function onPath(): Promise<readonly Program[]> {
  const found = await Promise.all(['terraform', 'tofu'].map((file) => asked(file).catch(() => undefined)));
  return found.filter((one) => one !== undefined);
}

/** Asks a program what it is; `--version` is the one question that all of them answer. */
async function asked(file: string): Promise<Program> {
  const { stdout } = await run(file, ['--version'], { env: { ...process.env, CHECKPOINT_DISABLE: '1' } });
  const node = /^v(\d+\.\d+\.\d+)\s*$/.exec(stdout)?.[1];
  if (node !== undefined) return { kind: 'Node', file, name: `Node ${node}` };
  const [, product, version] = /^(Terraform|OpenTofu) v(\S+)/m.exec(stdout) ?? [];
  if (product === undefined) throw new Error(`${file} is neither Node nor Terraform nor OpenTofu`);
  return { kind: 'Terraform', file, name: `${product} ${version}` };
}

interface Held {
  readonly held: boolean;
  readonly text: string;
}

async function rehearsed(node: Program, terraform: Program, provider: string): Promise<Held> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-matrix-'));
  try {
    const file = path.join(folder, 'rotation.yaml');
    const sample = parseDocument(await readFile(path.join(ROOT, 'rotation.yaml'), 'utf8'));
    sample.setIn(['terraform', 'awsProvider'], provider);
    await writeFile(file, sample.toString());
    const env = { ...process.env, TERRAFORM_BINARY_NAME: terraform.file };
    const options = { cwd: ROOT, env, timeout: LIMIT, maxBuffer: 1 << 26 };
    return await run(node.file, [KEYTURN, 'rehearse', '--json', '--rotation-file', file], options).then(
      ({ stdout }) => proofsOf(stdout),
      (error: { stdout?: string; message: string }) => proofsOf(error.stdout ?? '', error.message),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** From the document that `rehearse --json` prints. */
function proofsOf(stdout: string, failure = 'no document was printed'): Held {
  let answer: { error?: { code?: string }; proofs?: readonly { holds: boolean }[] };
  try {
    answer = JSON.parse(stdout);
  } catch {
    return { held: false, text: `failed: ${failure.split('\n')[0] ?? ''}` };
  }
  const proofs = answer.proofs ?? [];
  if (proofs.length === 0)
    return { held: false, text: `failed: ${answer.error?.code ?? failure.split('\n')[0] ?? ''}` };
  const holding = proofs.filter(({ holds }) => holds).length;
  return { held: holding === proofs.length, text: `${holding} of ${proofs.length} proofs hold` };
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
