import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * The unmodified program under CDK Terrain, the living fork of CDKTF, by nothing but npm aliases, as docs/cdk-terrain.md
 * tells a team. It takes about 550 MB from the package registry, so it runs with SLOW=1.
 */
const slow = process.env.SLOW === '1' ? describe : describe.skip;

const PROJECT = path.resolve(__dirname, '../..');
const DOCUMENT = readFileSync(path.join(PROJECT, 'docs/cdk-terrain.md'), 'utf8');

/** The aliases as the page gives them: what is tried here is what it says. */
const aliases = (): Record<string, string> =>
  Object.fromEntries(
    [...DOCUMENT.matchAll(/"(cdktf|@cdktf\/provider-aws)": "(npm:[^"]+)"/g)].map(([, name = '', to = '']) => [
      name,
      to,
    ]),
  );

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - name: v1
    disabled: true
  - name: v2
activeVersion: v2
buckets:
  - name: payroll.data
    manage: bucket
  - name: payroll-legacy
    manage: encryption
keyPolicy:
  administrators: ["arn:aws:iam::111122223333:role/admin"]
tags: { team: "pay and roll" }
terraform:
  backend: s3
  s3: { bucket: payroll-state }
`;

it('has a page that pins both packages', () => {
  const found = aliases();
  expect(found.cdktf).toMatch(/^npm:cdktn@\d+\.\d+\.\d+$/);
  expect(found['@cdktf/provider-aws']).toMatch(/^npm:@cdktn\/provider-aws@\d+\.\d+\.\d+$/);
});

slow('under CDK Terrain', () => {
  jest.setTimeout(900_000);
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-terrain-'));
    for (const part of ['main.ts', 'stacks', 'lib', 'tsconfig.json'])
      cpSync(path.join(PROJECT, part), path.join(directory, part), { recursive: true });
    const { dependencies, devDependencies } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8'));
    const tools = { typescript: devDependencies.typescript, '@types/node': devDependencies['@types/node'] };
    const { constructs, zod, yaml, tsx, 'age-encryption': age } = dependencies;
    const packages = { ...aliases(), constructs, zod, yaml, tsx, 'age-encryption': age, ...tools };
    writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
    writeFileSync(path.join(directory, 'rotation.yaml'), ROTATION);
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
    execFileSync('npm', install, { cwd: directory, stdio: 'pipe' });
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(['payroll-keys', 'payroll-storage'])('synthesizes the same resources for %s', (stack) => {
    const theirs = synthesized(directory, stack);
    expect(theirs.version).not.toBe(synthesized(PROJECT, stack).version);
    expect(theirs.body).toEqual(synthesized(PROJECT, stack).body);
  });

  it('type-checks against the bindings of the newer AWS provider', () => {
    const config = { extends: './tsconfig.json', compilerOptions: { types: ['node'] }, include: ['main.ts', 'stacks'] };
    writeFileSync(path.join(directory, 'tsconfig.terrain.json'), JSON.stringify(config));
    const { version } = JSON.parse(
      readFileSync(path.join(directory, 'node_modules/@cdktf/provider-aws/package.json'), 'utf8'),
    ).cdktn.provider;
    expect(Number(version.split('.')[0])).toBeGreaterThanOrEqual(6);
    execFileSync('npx', ['--no-install', 'tsc', '--noEmit', '-p', 'tsconfig.terrain.json'], {
      cwd: directory,
      stdio: 'pipe',
    });
  });

  /** A stack as it is synthesized in a folder, apart from what names the tool itself. */
  function synthesized(folder: string, stack: string): { version: unknown; body: unknown } {
    const out = mkdtempSync(path.join(tmpdir(), 'keyturn-terrain-out-'));
    const context = { rotationFile: path.join(directory, 'rotation.yaml') };
    execFileSync(process.execPath, ['--import', 'tsx', 'main.ts'], {
      cwd: folder,
      env: { ...process.env, CDKTF_OUTDIR: out, CDKTF_CONTEXT_JSON: JSON.stringify(context) },
      stdio: 'pipe',
    });
    const body = JSON.parse(readFileSync(path.join(out, 'stacks', stack, 'cdk.tf.json'), 'utf8'));
    rmSync(out, { recursive: true });
    const { version } = body['//'].metadata;
    delete body['//'];
    // Two ways to write the same address: Terraform takes the short one for the hashicorp namespace.
    const { aws } = body.terraform.required_providers;
    aws.source = String(aws.source).replace(/^aws$/, 'hashicorp/aws');
    return { version, body };
  }
});
