import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { openEvidence } from '../../lib/evidence/evidence';
import type { LocalAws } from '../../local-aws';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';

const BUCKET = 'photos-originals';
const FILE = `name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions:
  - name: v1
activeVersion: v1
buckets:
  - name: ${BUCKET} # \u001b[31m::error::
    manage: encryption
`;

let endpoint: LocalAws;
let directory: string;
const outer = { ...process.env };

beforeAll(async () => {
  endpoint = await startTestAws({ region: 'ap-northeast-1' });
  Object.assign(process.env, endpoint.environment());
  const client = { endpoint: endpoint.url, region: endpoint.region, credentials: endpoint.accessKey };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const Key of ['a', 'b', 'c']) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
  s3.destroy();
  const kms = new KMSClient(client);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/photos/v1', TargetKeyId: KeyMetadata?.KeyId }));
  kms.destroy();
});

afterAll(async () => {
  process.env = outer;
  await endpoint.close();
});

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-propose-'));
  writeFileSync(path.join(directory, 'rotation.yaml'), FILE);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const rotationFile = () => readFileSync(path.join(directory, 'rotation.yaml'), 'utf8');

it('declares the next version: file, diff, and a body with what AWS holds', async () => {
  const said = await speak(directory, ['propose', 'version', '--valid-days', '100', '--body', 'body.md', '--yes']);
  expect(said.stderr).not.toContain('error ');
  expect(said.exitCode).toBe(0);
  expect(rotationFile()).toMatch(/ {2}- name: v1\n {2}- name: v2\n {4}materialValidTo: \d{4}-.*Z\nactiveVersion: v1\n/);
  expect(said.stdout).toContain('+  - name: v2');
  const body = readFileSync(path.join(directory, 'body.md'), 'utf8');
  expect(body).toContain(`| \`${BUCKET}\` | 3 |`);
  expect(body + said.stdout + said.stderr).not.toContain('\u001b');
});

it('changes nothing in a dry run, and gives the body as data', async () => {
  const said = await speak(directory, ['propose', 'version', '--dry-run', '--no-forecast', '--json']);
  const data = JSON.parse(said.stdout);
  expect(data).toMatchObject({ exitCode: 0, phase: 'version', version: 'v2', written: false, changed: true });
  expect(data.body).toContain('### Why this is safe');
  expect(rotationFile()).toBe(FILE);
});

it('fails without a terminal and without --yes, and leaves the file', async () => {
  expect((await speak(directory, ['propose', 'version', '--offline'])).exitCode).toBe(64);
  expect(rotationFile()).toBe(FILE);
});

it.each([
  [['propose', 'upgrade'], 'there is no phase'],
  [['propose', 'switch', '--valid-days', '3'], 'belong to the phase version'],
  [['propose', 'version', '--valid-days', '366'], 'from 1 to 365'],
  [['propose', 'version', '--valid-days', '0'], 'from 1 to 365'],
  [['propose', 'version', '--valid-to', '2027-02-30T00:00:00Z'], 'accepts a UTC time'],
  [['propose', 'version', '--valid-days', '3', '--valid-to', '2027-01-01T00:00:00Z'], 'given both'],
])('refuses %j', async (args, problem) => {
  const said = await speak(directory, [...args, '--yes']);
  expect(said.exitCode).toBe(64);
  expect(said.stderr).toContain(problem);
  expect(rotationFile()).toBe(FILE);
});

describe('recording a retirement', () => {
  const switched = FILE.replace('activeVersion: v1', '  - name: v2\nactiveVersion: v2');

  beforeEach(() => writeFileSync(path.join(directory, 'rotation.yaml'), switched));

  it('refuses while the key is not Disabled in AWS: the file records a retirement, the gate carries it out', async () => {
    const said = await speak(directory, ['propose', 'retire', '--yes']);
    expect(said.exitCode).toBe(4);
    expect(said.stderr).toContain('only the retire gate turns a key off');
    expect(rotationFile()).toBe(switched);
  });

  it('refuses offline without evidence, takes sound evidence, and refuses it with a flipped byte', async () => {
    const propose = () => speak(directory, ['propose', 'retire', '--offline', '--dry-run', '--json']);
    expect((await propose()).exitCode).toBe(4);
    const evidence = await openEvidence({
      directory: path.join(directory, '.keyturn/evidence'),
      command: 'post-apply',
    });
    await evidence.record('run', 'begin', { rotation: 'photos' });
    await evidence.record('gate', 'retire', { version: 'v1', open: true });
    await evidence.record('outcome', 'retire', { outcome: 'changed', summary: 'v1 is Disabled' });
    await evidence.close('finished');
    expect(JSON.parse((await propose()).stdout)).toMatchObject({ exitCode: 0, version: 'v1' });
    writeFileSync(evidence.file, readFileSync(evidence.file, 'utf8').replace('photos', 'photoz'));
    expect((await propose()).exitCode).toBe(4);
  });
});

it('fails on a file that a merge conflict was left in, and names the lines', async () => {
  writeFileSync(
    path.join(directory, 'rotation.yaml'),
    FILE.replace('  - name: v1\n', '<<<<<<< ours\n  - name: v1\n=======\n>>>>>>> theirs\n'),
  );
  const said = await speak(directory, ['propose', 'version', '--yes', '--offline']);
  expect(said.exitCode).toBe(78);
  expect(said.stderr).toContain('rotation.yaml:5:1');
});
