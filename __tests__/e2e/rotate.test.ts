import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { flow } from '../../lib/workflow';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';

/** One rotation, told in order: each test goes on from where the one before it left AWS and Terraform. */
const BUCKET = 'kms-key-rotation-test-bucket';
const KEYS = ['plain', 'names/with space + plus %41 ünïcode', 'nested/a/b', 'empty'];
const ALL_STEPS = flow.map((step) => step.id);

jest.setTimeout(600_000);

let site: Site;
let kms: KMSClient;
let s3: S3Client;

beforeAll(async () => {
  site = await openSite();
  const { accessKey, url: endpoint, region } = site.endpoint;
  kms = new KMSClient({ endpoint, region, credentials: accessKey });
  s3 = new S3Client({ endpoint, region, credentials: accessKey, forcePathStyle: true });
});

afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await site.close();
});

it('brings a fresh rotation up: key, material, alias, bucket', async () => {
  await site.declare(rotationText(['v1'], 'v1'));
  const steps = await rotate();
  expect(steps.map((step) => [step.id, step.outcome])).toEqual([
    ['declare-keys', 'changed'],
    ['import-material', 'changed'],
    ['switch', 'changed'],
    ['re-encrypt', 'unchanged'],
    ['verify', 'unchanged'],
    ['retire', 'unchanged'],
    ['record', 'unchanged'],
  ]);
  for (const Key of KEYS)
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Buffer.from(Key === 'empty' ? '' : Key) }));
  expect(await keysOfObjects()).toEqual([await arnOf('v1')]);
});

it('changes nothing in any step when it is run again', async () => {
  const steps = await rotate();
  expect(steps.map((step) => step.outcome)).toEqual(ALL_STEPS.map(() => 'unchanged'));
});

it('changes nothing in a dry run', async () => {
  await site.declare(rotationText(['v1', 'v2'], 'v2'));
  const before = await stateOf('v1');
  const { exitCode } = await site.run(['rotate', '--dry-run', '--json']);
  expect(exitCode).toBe(0);
  await expect(stateOf('v2')).rejects.toThrow();
  expect(await stateOf('v1')).toBe(before);
});

describe.each(flow.slice(1))('killed as the step "$title" begins', ({ title }) => {
  it('loses nothing, and every object stays readable', async () => {
    const killed = await site.run(['rotate', '--yes'], {
      interrupt: { when: new RegExp(`▸ ${title}\\n`), signal: 'SIGKILL' },
    });
    expect(killed.signal).toBe('SIGKILL');
    expect(await readable()).toEqual(KEYS);
  });
});

it('completes when it is run again after all of those', async () => {
  await rotate();
  expect(await stateOf('v1')).toBe('Disabled');
  expect(await stateOf('v2')).toBe('Enabled');
  expect(await keysOfObjects()).toEqual([await arnOf('v2')]);
  expect(await readable()).toEqual(KEYS);
});

it('has nothing left to do after that, in either stack', async () => {
  const steps = await rotate();
  expect(steps.map((step) => step.outcome)).toEqual(ALL_STEPS.map(() => 'unchanged'));
  const status = await site.run(['status', '--detailed-exitcode', '--json']);
  expect(status.exitCode).toBe(0);
});

it('keeps one copy of the material of each version in custody, and its record without a secret', async () => {
  const files = readdirSync(path.join(site.directory, 'custody')).sort();
  expect(files).toEqual([
    'rotation-test-v1.age',
    'rotation-test-v1.record.json',
    'rotation-test-v2.age',
    'rotation-test-v2.record.json',
  ]);
});

it('rolls back: v1 enabled and active again, and both plans empty', async () => {
  const back = await site.run(['rollback', '--yes', '--json']);
  expect(back.stderr).not.toContain('error');
  expect(back.exitCode).toBe(0);
  expect(await stateOf('v1')).toBe('Enabled');
  expect(await stateOf('v2')).toBe('Enabled');
  expect(readFileSync(site.rotationFile, 'utf8')).toContain('activeVersion: v1');
  const probe = { Bucket: BUCKET, Key: 'after-rollback' };
  await s3.send(new PutObjectCommand({ ...probe, Body: 'x' }));
  expect((await s3.send(new HeadObjectCommand(probe))).SSEKMSKeyId).toBe(await arnOf('v1'));
  const steps = await rotate();
  expect(steps.slice(0, 3).map((step) => step.outcome)).toEqual(['unchanged', 'unchanged', 'unchanged']);
});

it('leaves evidence of every run that ended by itself, sound from end to end', async () => {
  const directory = path.join(site.directory, '.keyturn', 'evidence');
  const closed = readdirSync(directory).filter(
    (file) => file.endsWith('.ndjson') && readFileSync(path.join(directory, file), 'utf8').includes('run-closed'),
  );
  expect(closed.length).toBeGreaterThanOrEqual(6);
  for (const file of closed) {
    const { exitCode } = await site.run(['verify-evidence', path.join(directory, file)]);
    expect(exitCode).toBe(0);
  }
});

async function rotate(): Promise<readonly { id: string; outcome: string }[]> {
  const finished = await site.run(['rotate', '--yes', '--json', '--relist-delay', '0s']);
  if (finished.exitCode !== 0) throw new Error(`rotate ended with ${finished.exitCode}:\n${finished.stderr}`);
  return stepsOf(finished);
}

function stepsOf({ stdout }: Finished): readonly { id: string; outcome: string }[] {
  return (JSON.parse(stdout) as { steps: { id: string; outcome: string }[] }).steps;
}

async function arnOf(version: string): Promise<string | undefined> {
  return (await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }))).KeyMetadata?.Arn;
}

async function stateOf(version: string): Promise<string | undefined> {
  return (await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }))).KeyMetadata
    ?.KeyState;
}

async function keysOfObjects(): Promise<readonly (string | undefined)[]> {
  const heads = await Promise.all(KEYS.map((Key) => s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key }))));
  return [...new Set(heads.map((head) => head.SSEKMSKeyId))];
}

/** The keys whose objects download with the content they were put with. */
async function readable(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const Key of KEYS) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    if ((await Body?.transformToString()) === (Key === 'empty' ? '' : Key)) found.push(Key);
  }
  return found;
}
