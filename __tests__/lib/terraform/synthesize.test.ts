import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesize } from '../../../lib/terraform/synthesize';
import { type Sandbox, sandbox } from './sandbox';

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - name: v1
  - name: v2
    materialValidTo: 2001-01-01T00:00:00Z
activeVersion: v2
buckets:
  - name: payroll-data
    manage: bucket
`;

const synthesizeIn = async (box: Sandbox, folder: string, text = ROTATION) =>
  synthesize({
    rotationFile: await box.write(join(folder, 'rotation.yaml'), text),
    name: 'payroll',
    workDirectory: join(box.path, folder),
    env: process.env,
  });

/** Every file below a folder, with its bytes. */
async function contents(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const read = files
    .filter((file) => file.isFile())
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length), await readFile(path, 'utf8')] as const;
    });
  return Object.fromEntries(await Promise.all(read));
}

/** Each synthesis is a process of its own: the tests share what they only read. */
let box: Sandbox;
let first: Awaited<ReturnType<typeof synthesize>>;
beforeAll(async () => {
  box = await sandbox();
  first = await synthesizeIn(box, 'a');
});
afterAll(() => box[Symbol.asyncDispose]());

it('writes both stacks, each deployable alone, and returns their directories', async () => {
  const { keys, storage } = first;
  expect(keys).toEqual({ name: 'payroll-keys', directory: join(box.path, 'a/cdktf.out/stacks/payroll-keys') });
  const configuration = JSON.parse(await readFile(join(storage.directory, 'cdk.tf.json'), 'utf8'));
  expect(configuration.resource).toHaveProperty('aws_kms_alias');
  const manifest = JSON.parse(await readFile(join(box.path, 'a/cdktf.out/manifest.json'), 'utf8'));
  expect(Object.keys(manifest.stacks)).toEqual(['payroll-keys', 'payroll-storage']);
  expect(manifest.stacks['payroll-storage'].dependencies).toEqual([]);
});

it('gives the same bytes wherever it runs, and names no folder of this machine', async () => {
  await synthesizeIn(box, 'somewhere/else');
  const bytes = await contents(join(box.path, 'a/cdktf.out'));
  expect(Object.keys(bytes)).toHaveLength(3);
  expect(await contents(join(box.path, 'somewhere/else/cdktf.out'))).toEqual(bytes);
  const everything = JSON.stringify(bytes);
  expect(everything).not.toContain(box.path);
  expect(everything).not.toContain(join(__dirname, '../../..'));
});

it('does not depend on the day: the commands that import compare an expiry with the clock', async () => {
  await synthesizeIn(box, 'future', ROTATION.replace('2001-', '2999-'));
  expect(await contents(join(box.path, 'future/cdktf.out'))).toEqual(await contents(join(box.path, 'a/cdktf.out')));
});

it('fails when the rotation file is at fault, with its message and exit code 78 and no stack trace', async () => {
  await using own = await sandbox();
  await expect(
    synthesizeIn(own, 'a', ROTATION.replace('activeVersion: v2', 'activeVersion: v3')),
  ).rejects.toMatchObject({
    code: 'synthesis-refused',
    exitCode: 78,
    message: expect.stringMatching(/rotation\.yaml:8:\d+ activeVersion/),
    hint: expect.stringMatching(/\S/),
  });
});

it('fails when main.ts itself fails, and reports the error', async () => {
  await using own = await sandbox();
  const input = {
    rotationFile: await own.write('rotation.yaml', ROTATION),
    name: 'payroll',
    workDirectory: own.path,
    env: { ...process.env, NODE_OPTIONS: '--require=/missing/module' },
  };
  await expect(synthesize(input)).rejects.toMatchObject({
    code: 'synthesis-failed',
    facts: { reported: expect.stringContaining('/missing/module') },
  });
});

it('stops when interrupted', async () => {
  await using own = await sandbox();
  const rotationFile = await own.write('rotation.yaml', ROTATION);
  const input = {
    rotationFile,
    name: 'payroll',
    workDirectory: own.path,
    env: process.env,
    signal: AbortSignal.abort(),
  };
  await expect(synthesize(input)).rejects.toMatchObject({ code: 'interrupted' });
});
