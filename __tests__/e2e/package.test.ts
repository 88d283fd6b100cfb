import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
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
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { cpuOfStart, START_TARGETS } from '../../bench/start';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import type { LocalAws } from '../../local-aws';
import manifest from '../../package.json';
import { kmsClient } from '../conformance/byok';
import { madeByHand } from '../support/by-hand';
import { startTestAws } from '../support/embedded-aws';
import { type KeptProvider, keepProvider } from '../support/kept-provider';

jest.setTimeout(300_000);

/** Keyturn as somebody has it who has no clone of it: packed, and installed into an empty git repository. */
const PROJECT = path.resolve(__dirname, '../..');
const repository = mkdtempSync(path.join(tmpdir(), 'keyturn-package-'));
const installed = path.join(repository, 'node_modules/keyturn');
const executable = path.join(installed, 'bin/keyturn.js');
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));

let packed: readonly string[] = [];
let aws: LocalAws;
let kept: KeptProvider;

beforeAll(async () => {
  execFileSync('git', ['init', '--quiet'], { cwd: repository });
  execFileSync(process.execPath, ['bin/build.js'], { cwd: PROJECT, stdio: 'pipe' });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', repository];
  const [made] = JSON.parse(execFileSync('npm', pack, { cwd: PROJECT, encoding: 'utf8', stdio: 'pipe' })) as [Packed];
  packed = made.files.map((file) => file.path);
  install(path.join(repository, made.filename));
  aws = await startTestAws();
  kept = await keepProvider(aws);
});

afterAll(async () => {
  await kept?.close();
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

const keyturnIn = (folder: string, ...args: readonly string[]) =>
  run(process.execPath, [executable, ...args], folder, { ...aws.environment(), TERRAFORM_BINARY_NAME: kept.terraform });
const keyturn = (...args: readonly string[]) => keyturnIn(repository, ...args);
/** Of a program in TypeScript, as `npx cdktf synth` would run it. */
const synthesize = (folder: string, program = 'main.ts') =>
  run(process.execPath, ['--require', 'tsx/cjs', program], folder);

/** In the folder of a stack; its output, colors aside. */
async function terraform(stack: string, ...args: readonly string[]): Promise<string> {
  const of = (...given: readonly string[]) =>
    run(kept.terraform, [...given, '-no-color'], stack, { ...aws.environment(), CHECKPOINT_DISABLE: '1' });
  if (!existsSync(path.join(stack, '.terraform')))
    expect(await of('init', '-input=false')).toMatchObject({ status: 0 });
  const ended = await of(...args);
  expect(ended).toMatchObject({ status: 0 });
  return ended.stdout;
}

const clients = {
  get kms() {
    return kmsClient(aws);
  },
  get s3() {
    const { url, region, accessKey: credentials } = aws;
    return new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  },
};
const stateOf = async (KeyId: string) =>
  (await clients.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState;
const text = async (Bucket: string, Key: string) =>
  (await clients.s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();

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

  const stack = (name: string) => path.join(folder, 'cdktf.out/stacks', name);

  it('synthesizes, and Terraform plans its keys under the addresses of Keyturn’s own stack', async () => {
    expect(await synthesize(folder)).toMatchObject({ status: 0, stderr: '' });
    const planned = await terraform(stack('security'), 'plan', '-input=false');
    expect(planned).toContain('# aws_kms_external_key.version_v1 will be created');
    expect(planned).toContain('# aws_kms_alias.version_v1 will be created');
    expect(planned).toContain('Plan: 2 to add, 0 to change, 0 to destroy.');
  });

  it('takes over a key, and leaves again after its rotation; the bucket stays with another configuration', async () => {
    const old = await madeByHand(clients, 'alias/example-reports', 'example-reports', 'report.txt', 'a report');
    const owners = path.join(folder, 'owners');
    mkdirSync(owners);
    writeFileSync(path.join(owners, 'main.tf.json'), JSON.stringify(OWNERS));
    expect(await terraform(owners, 'apply', '-auto-approve')).toContain('1 imported, 0 added');
    rmSync(path.join(folder, 'rotation.yaml'));
    const adopt = ['adopt', '--alias', 'alias/example-reports', '--name', 'example', '--take-over', '--yes'];
    expect(await keyturnIn(folder, ...adopt, '--recipient', await recipientIn(folder))).toMatchObject({ status: 0 });
    expect((await synthesize(folder)).stderr).toContain('write keys: security under terraform.stacks');
    appendFileSync(path.join(folder, 'rotation.yaml'), 'terraform: { stacks: { keys: security, storage: [data] } }\n');
    expect(await keyturnIn(folder, 'rotate', '--yes')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('`npx cdktf deploy security`, `npx keyturn pre-apply`, `npx cdktf deploy data`'),
    });
    expect(await synthesize(folder)).toMatchObject({ status: 0, stderr: '' });
    expect(await terraform(stack('security'), 'apply', '-auto-approve')).toContain('1 imported, 3 added, 1 changed');
    expect(await keyturnIn(folder, 'pre-apply', '--yes')).toMatchObject({ status: 0 });
    expect(await terraform(stack('data'), 'apply', '-auto-approve')).toContain('2 imported, 0 added, 2 changed');
    expect(await keyturnIn(folder, 'post-apply', '--yes', '--relist-delay', '0s')).toMatchObject({ status: 0 });
    expect([await stateOf(old), await text('example-reports', 'report.txt')]).toEqual(['Disabled', 'a report']);
    expect(await terraform(owners, 'plan')).toContain('No changes.');
    writeFileSync(path.join(folder, 'leave.ts'), LEAVE);
    expect(await synthesize(folder, 'leave.ts')).toMatchObject({ status: 0, stderr: '' });
    expect(await left(stack('security'), stack('data'))).toEqual([]);
  });
});

/** Another configuration, to which the bucket belongs: the rotation has its default encryption alone. */
const OWNERS = {
  terraform: { required_providers: { aws: { source: 'hashicorp/aws', version: AWS_PROVIDER_VERSION } } },
  provider: { aws: { region: 'ap-northeast-1' } },
  import: [{ to: 'aws_s3_bucket.reports', id: 'example-reports' }],
  resource: { aws_s3_bucket: { reports: { bucket: 'example-reports' } } },
};

/** As docs/leave.md has it: the program of before without its constructs. */
const LEAVE = `
import { AwsProvider } from '@cdktf/provider-aws/lib/provider';
import { App, LocalBackend, TerraformStack } from 'cdktf';

const app = new App();
const forget = (from: string) => ({ from, lifecycle: { destroy: false } });
function left(name: string, addresses: readonly string[]): void {
  const stack = new TerraformStack(app, name);
  new LocalBackend(stack, { path: \`../../../\${name}.tfstate\` });
  new AwsProvider(stack, 'aws', { region: 'ap-northeast-1' });
  stack.addOverride('removed', addresses.map(forget));
}
const versions = ['version_v1', 'version_v2'];
left('security', versions.flatMap((id) => ['aws_kms_alias.' + id, 'aws_kms_external_key.' + id]));
left('data', ['aws_kms_alias.main', 'aws_s3_bucket_server_side_encryption_configuration.bucket_example-reports']);
app.synth();
`;

/** Applies what makes Terraform forget. @returns whatever it then still holds, and what it changed in AWS */
async function left(...stacks: readonly string[]): Promise<readonly string[]> {
  const before = [...aws.requests].length;
  const held: string[] = [];
  for (const stack of stacks) {
    expect(await terraform(stack, 'apply', '-auto-approve')).toMatch(/no longer be managed[\s\S]* 0 destroyed/);
    held.push(...(await terraform(stack, 'state', 'list')).split('\n').filter((line) => /^aws_/.test(line)));
  }
  const operations = [...aws.requests].slice(before).map(({ operation }) => operation);
  return [...held, ...operations.filter((one) => /^(Delete|Put|Update|Disable|Schedule|Create|Tag)/.test(one))];
}

async function recipientIn(folder: string): Promise<string> {
  return (await keyturnIn(folder, 'keygen', '--out', 'keyturn-identity.txt')).stdout.trim();
}

describe('a key, an alias and a bucket that exist already', () => {
  const folder = path.join(repository, 'photos');
  const rotation = path.join(folder, 'rotation.yaml');
  const keyturnHere = (...args: readonly string[]) => keyturnIn(folder, ...args);
  let old = '';

  it('are adopted into what init wrote, and the first review says what is imported', async () => {
    old = await madeByHand(clients, 'alias/photos', 'photos-originals', 'photo.jpg', 'a photo');
    mkdirSync(folder);
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    const given = ['--name', 'photos', '--alias', 'alias/photos', '--bucket', 'photos-originals'];
    expect(await keyturnHere('init', ...given, '--region', aws.region)).toMatchObject({ status: 0 });
    const adopt = ['adopt', '--take-over', '--keep-policy', '--yes', '--recipient', await recipientIn(folder)];
    expect(await keyturnHere(...adopt)).toMatchObject({ status: 0 });
    // The team lets Terraform own the bucket too, and tags whatever it makes.
    const adopted = readFileSync(rotation, 'utf8').replace('manage: encryption', 'manage: bucket');
    writeFileSync(rotation, `${adopted}aws: { defaultTags: { team: ledger } }\n`);
    expect(await keyturnHere('plan', '--out', 'keyturn-plan')).toMatchObject({ status: 0 });
    const review = readFileSync(path.join(folder, 'keyturn-plan/review.md'), 'utf8');
    expect(review).toContain(`changes, imported from \`${old.replace(/.*\//, '')}\``);
    expect(review).toContain('tags all.team `(unset)` → `ledger`');
    expect(review).not.toContain('policy no longer');
  });

  it('are rotated to a new key behind the gate, and nothing is left to plan', async () => {
    expect(await keyturnHere('rotate', '--yes', '--relist-delay', '0s')).toMatchObject({ status: 0 });
    expect([await stateOf(old), await text('photos-originals', 'photo.jpg')]).toEqual(['Disabled', 'a photo']);
    const { stdout } = await keyturnHere('status', '--json');
    expect(JSON.parse(stdout)).not.toHaveProperty('next');
    expect((await keyturnHere('verify-evidence', '.keyturn/evidence')).stderr).toContain('sound');
    expect(await keyturnHere('drift')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing to decide'),
    });
  });

  it('are left as they are by `leave`', async () => {
    expect(await keyturnHere('leave')).toMatchObject({ status: 0 });
    const stacks = ['storage', 'keys'].map((name) => path.join(folder, 'keyturn-leave/stacks', `photos-${name}`));
    expect(await left(...stacks)).toEqual([]);
  });
});
