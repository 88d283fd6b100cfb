import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { flow } from '../../lib/workflow';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';
import { everyFile, type ProcessWatch, watchProcesses } from '../support/leak-search';
import { containsAny, needlesOf } from '../support/needles';
import { type Tap, tap } from '../support/tapped-endpoint';

/** One rotation, told in order: each test goes on from where the one before it left AWS and Terraform. */
const BUCKET = 'kms-key-rotation-test-bucket';
const KEYS = ['plain', 'names/with space + plus %41 ünïcode', 'nested/a/b', 'empty'];
const ALL_STEPS = flow.map((step) => step.id);
/** Steps that are killed under `rotate`: up to the first one that finds the switch applied. */
const WITH_TERRAFORM: readonly string[] = ['import-material', 'switch', 're-encrypt'];

jest.setTimeout(600_000);

/** Material of v1, which is looked for everywhere a rotation writes or sends. */
const material = randomBytes(32);
const needles = needlesOf(material);

let site: Site;
let relay: Tap;
let watch: ProcessWatch;
/** Where the material is, outside of all that is searched. */
let ceremony: string;
let first: Finished;
let kms: KMSClient;
let s3: S3Client;

beforeAll(async () => {
  site = await openSite();
  // The first run goes through the relay, so it starts a provider for each call, as ever.
  await site.keepProvider();
  relay = await tap(site.endpoint.url);
  ceremony = mkdtempSync(path.join(tmpdir(), 'keyturn-ceremony-'));
  writeFileSync(path.join(ceremony, 'material.bin'), material, { mode: 0o600 });
  const { accessKey, url: endpoint, region } = site.endpoint;
  kms = new KMSClient({ endpoint, region, credentials: accessKey });
  s3 = new S3Client({ endpoint, region, credentials: accessKey, forcePathStyle: true });
});

afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await relay.close();
  await site.close();
  rmSync(ceremony, { recursive: true, force: true });
});

it('brings a fresh rotation up: key, material, alias, bucket', async () => {
  await site.declare(rotationText(['v1'], 'v1'));
  const temporary = path.join(site.directory, 'temporary');
  mkdirSync(temporary);
  watch = watchProcesses();
  const file = path.join(ceremony, 'material.bin');
  first = await site.run(['rotate', '--yes', '--json', '--debug', '--material-file', file], {
    env: {
      AWS_ENDPOINT_URL: relay.url,
      TMPDIR: temporary,
      TF_LOG: 'TRACE',
      TF_LOG_PATH: path.join(site.directory, 'terraform.log'),
    },
  });
  watch.stop();
  const steps = stepsOf(succeeded(first));
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

describe('the material of v1', () => {
  it('is found by this test where it does stand', () => {
    const encoded = [
      material,
      material.toString('hex'),
      `xx${Buffer.concat([Buffer.from('a'), material, Buffer.from('b')]).toString('base64')}`,
    ];
    for (const one of encoded) expect(containsAny(Buffer.from(one), needles)).toBe(true);
    expect(containsAny(readFileSync(path.join(ceremony, 'material.bin')), needles)).toBe(true);
  });

  it('was imported by the run that is looked at', () => {
    expect(first.stderr).toContain('material read from the file and wrapped');
  });

  it('stands in no file under the working folder or the temporary folder, plans and archives unpacked', () => {
    const files = everyFile(site.directory);
    expect(files.filter((file) => /terraform\.log$/.test(file))).not.toEqual([]);
    expect(files.filter((file) => /\.tfstate$/.test(file))).not.toEqual([]);
    expect(files.filter((file) => /\.tfplan$/.test(file))).not.toEqual([]);
    expect(files.filter((file) => containsAny(readFileSync(file), needles))).toEqual([]);
  });

  it('stands in neither output, debug included', () => {
    expect(containsAny(Buffer.from(first.stdout), needles)).toBe(false);
    expect(containsAny(Buffer.from(first.stderr), needles)).toBe(false);
  });

  it('stands in no argument and no environment of any process', () => {
    const terraforms = [...watch.seen.keys()].filter((name) => name.includes('terraform'));
    expect(terraforms).not.toEqual([]);
    expect(
      [...watch.seen].filter(([, text]) => containsAny(Buffer.from(text, 'latin1'), needles)).map(([name]) => name),
    ).toEqual([]);
  });

  it('stands in nothing that was sent to the endpoint', () => {
    const sent = relay.sent();
    expect(Buffer.concat([...sent]).includes('TrentService.ImportKeyMaterial')).toBe(true);
    expect(sent.filter((one) => containsAny(one, needles))).toEqual([]);
  });
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

describe.each(flow.slice(1))('killed as the step "$title" begins', ({ id, title }) => {
  it('loses nothing, and every object stays readable', async () => {
    // Once the switch is applied, `post-apply` is the rest of the same flow.
    const command = WITH_TERRAFORM.includes(id) ? 'rotate' : 'post-apply';
    const killed = await site.run([command, '--yes', '--relist-delay', '0s'], {
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
  return stepsOf(succeeded(finished));
}

function succeeded(finished: Finished): Finished {
  if (finished.exitCode !== 0) throw new Error(`rotate ended with ${finished.exitCode}:\n${finished.stderr}`);
  return finished;
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
