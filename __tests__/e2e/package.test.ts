import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuOfStart, START_TARGETS } from '../../bench/start';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform } from '../../lib/terraform/binary';
import { providerSource, writeCliConfiguration } from '../../lib/terraform/cli-configuration';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import type { LocalAws } from '../../local-aws';
import manifest from '../../package.json';
import { startTestAws } from '../support/embedded-aws';

/** Keyturn as somebody has it who has no clone of it: packed, and installed into an empty git repository. */
const PROJECT = path.resolve(__dirname, '../..');
const repository = mkdtempSync(path.join(tmpdir(), 'keyturn-package-'));
const installed = path.join(repository, 'node_modules/keyturn');
const executable = path.join(installed, 'bin/keyturn.js');
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));

let packed: readonly string[] = [];
let aws: LocalAws;

beforeAll(async () => {
  execFileSync('git', ['init', '--quiet'], { cwd: repository });
  execFileSync(process.execPath, ['bin/build.js'], { cwd: PROJECT, stdio: 'pipe' });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', repository];
  const [made] = JSON.parse(execFileSync('npm', pack, { cwd: PROJECT, encoding: 'utf8', stdio: 'pipe' })) as [Packed];
  packed = made.files.map((file) => file.path);
  install(path.join(repository, made.filename));
  aws = await startTestAws();
}, 180_000);

afterAll(async () => {
  await aws?.close();
  rmSync(repository, { recursive: true, force: true });
});

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** As npm would, without a registry: the package from its tarball, and what it depends on from this project. */
function install(tarball: string): void {
  const modules = path.dirname(installed);
  mkdirSync(modules);
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(path.join(modules, 'package'), installed);
  for (const name of readdirSync(path.join(PROJECT, 'node_modules')))
    symlinkSync(path.join(PROJECT, 'node_modules', name), path.join(modules, name));
}

interface Ended {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without blocking: the endpoint is in this process. */
async function run(command: string, args: readonly string[], cwd = repository, more: NodeJS.ProcessEnv = {}) {
  const started: Promise<Ended> = promisify(execFile)(command, args, { cwd, env: { ...env, ...more } });
  const { code = 0, stdout, stderr } = await started.catch((error: Ended) => error);
  return { status: code, stdout, stderr };
}

const keyturn = (...args: readonly string[]) =>
  run(process.execPath, [executable, ...args], repository, aws.environment());

describe('the package', () => {
  it('holds compiled code with its maps and types, and neither sources, tests nor what compiles', () => {
    expect(packed).toEqual(
      expect.arrayContaining(['bin/keyturn.js', 'dist/main.js', 'dist/scripts/keyturn.js', 'dist/stacks/index.d.ts']),
    );
    const code = packed.filter((file) => file.endsWith('.js') && file.startsWith('dist/'));
    expect(code.filter((file) => !packed.includes(`${file}.map`))).toEqual([]);
    expect(
      packed.filter((file) => /(?<!\.d)\.ts$|\.test\.|__tests__|^bin\/(?!keyturn)|^(lib|scripts|stacks)\//.test(file)),
    ).toEqual([]);
  });

  it('runs nothing when it is installed, and needs nothing that does', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
    const lock = JSON.parse(readFileSync(path.join(PROJECT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
    };
    const running = Object.entries(lock.packages).filter(([, one]) => one.hasInstallScript && !one.dev);
    expect(running.map(([name]) => name)).toEqual([]);
  });

  it.each(Object.entries(manifest.exports))('exports %s, which is there', (_name, target) => {
    for (const file of typeof target === 'string' ? [target] : Object.values(target))
      expect(existsSync(path.join(installed, file))).toBe(true);
  });

  it('prints its version, and starts within its targets', async () => {
    expect((await keyturn('--version')).stdout).toBe(`${manifest.version}\n`);
    writeFileSync(path.join(repository, 'rotation.yaml'), readFileSync(path.join(PROJECT, 'rotation.yaml')));
    // Twice the target: the machine of a test has other things to do.
    for (const { args, target } of START_TARGETS)
      expect(cpuOfStart(executable, args, repository, 3)).toBeLessThan(2 * target);
    rmSync(path.join(repository, 'rotation.yaml'));
  });
});

describe('an empty repository', () => {
  it('gets a rotation, a program and a pipeline, and synthesizes what Keyturn synthesizes itself', async () => {
    const { status, stderr } = await keyturn('init', '--name', 'payroll', '--forge', 'github');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const own = await run(process.execPath, ['--require', 'tsx/cjs', 'main.ts'], repository);
    expect(own).toEqual({ status: 0, stdout: '', stderr: '' });
    const stack = (folder: string, name: string) =>
      readFileSync(path.join(folder, 'stacks', `payroll-${name}`, 'cdk.tf.json'), 'utf8');
    const out = path.join(repository, 'keyturns.out');
    const context = JSON.stringify({ rotationFile: path.join(repository, 'rotation.yaml') });
    const theirs = { CDKTF_OUTDIR: out, CDKTF_CONTEXT_JSON: context };
    expect((await run(process.execPath, [path.join(installed, 'dist/main.js')], installed, theirs)).status).toBe(0);
    for (const name of ['keys', 'storage'])
      expect(stack(path.join(repository, 'cdktf.out'), name)).toBe(stack(out, name));
  });

  it('has a status, whose next command is the first of a rotation', async () => {
    const { status, stdout } = await keyturn('status', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      rotation: 'payroll',
      next: { command: 'npx cdktf deploy payroll-keys' },
    });
  });
});

describe('a program of a team’s own, with the constructs', () => {
  const folder = path.join(repository, 'own-app');
  beforeAll(() => cpSync(path.join(PROJECT, 'examples/own-app'), folder, { recursive: true }));

  it('compiles with the declarations of the package', async () => {
    const { status, stdout } = await run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', '.'], folder);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('synthesizes, and Terraform plans its keys under the addresses of Keyturn’s own stack', async () => {
    const synthesized = await run(process.execPath, ['--require', 'tsx/cjs', 'main.ts'], folder);
    expect(synthesized).toMatchObject({ status: 0, stderr: '' });
    const binary = await findTerraform({ env: process.env });
    const source = await providerSource({ binary, env: process.env, required: AWS_PROVIDER_VERSION });
    const configuration = await writeCliConfiguration(source, repository);
    const terraform = (...args: readonly string[]) =>
      run(
        binary.file,
        [...args, '-no-color', '-input=false'],
        path.join(folder, 'cdktf.out/stacks/security'),
        terraformEnvironment({ ...env, ...aws.environment() }, configuration),
      );
    expect(await terraform('init')).toMatchObject({ status: 0 });
    const { stdout } = await terraform('plan');
    expect(stdout).toContain('# aws_kms_external_key.version_v1 will be created');
    expect(stdout).toContain('# aws_kms_alias.version_v1 will be created');
    expect(stdout).toContain('Plan: 2 to add, 0 to change, 0 to destroy.');
  });
});
