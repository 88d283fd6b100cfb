import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';
import { rotationText } from '../support/keyturn-process';

/** Each bad input: one clear error with a code and the next thing to do; nothing changed, nothing lost. */
let endpoint: LocalAws;
let directory: string;
let recipient: string;
const outside = { ...process.env };

beforeAll(async () => {
  endpoint = await startTestAws();
});

afterAll(() => endpoint.close());

beforeEach(async () => {
  endpoint.requests.clear();
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-bad-input-'));
  ({ recipient } = await generateIdentity(path.join(directory, 'identity.txt')));
  useEnvironment(endpoint.environment());
});

afterEach(async () => {
  endpoint.faults.clear();
  process.env = { ...outside };
  await rm(directory, { recursive: true, force: true });
});

function useEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, variables);
}

async function declare(text: string): Promise<void> {
  await writeFile(path.join(directory, 'rotation.yaml'), text.replaceAll('RECIPIENT', recipient));
}

const good = rotationText(['v1'], 'v1');
const inAYearAndMore = new Date(Date.now() + 400 * 86_400_000).toISOString().replace(/\.\d+Z/, 'Z');

const badFiles: readonly [string, string | undefined, string, string][] = [
  ['the rotation file is missing', undefined, 'rotation-file-missing', 'rotation.yaml'],
  ['the rotation file is no YAML', 'name: [', 'rotation-file-invalid', ':1:'],
  ['a field is unknown', `${good}activVersion: v1\n`, 'rotation-file-invalid', 'activeVersion'],
  ['a version is declared twice', rotationText(['v1', 'v1'], 'v1'), 'rotation-file-invalid', 'v1'],
  ['the active version is not declared', rotationText(['v1'], 'v3'), 'rotation-file-invalid', 'v3'],
  [
    'the alias is reserved by AWS',
    good.replace('alias/rotation-test-key', 'alias/aws/s3'),
    'rotation-file-invalid',
    'alias/aws/',
  ],
  [
    'an expiry lies in the past',
    good.replace('- name: v1', '- name: v1\n    materialValidTo: 2020-01-01T00:00:00Z'),
    'rotation-file-invalid',
    'materialValidTo',
  ],
  [
    'an expiry is over 365 days ahead',
    good.replace('- name: v1', `- name: v1\n    materialValidTo: ${inAYearAndMore}`),
    'rotation-file-invalid',
    '365',
  ],
  [
    'a recipient is no age recipient',
    good.replace('RECIPIENT', 'age1notarecipient'),
    'rotation-file-invalid',
    'recipients',
  ],
  ['two faults stand in the file', `${rotationText(['v1'], 'v9')}extra: 1\n`, 'rotation-file-invalid', 'extra'],
];

it.each(badFiles)('refuses when %s', async (_title, text, code, named) => {
  if (text !== undefined) await declare(text);
  const { exitCode, stdout, stderr } = await speak(directory, ['rotate', '--yes', '--json']);
  expect(exitCode).toBe(78);
  expect(stderr).toContain(`error ${code}: `);
  expect(stderr).toContain(named);
  expect(stderr).toContain('next ');
  expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, exitCode: 78, error: { code } });
  expect(await left()).toEqual([]);
});

it.each([
  ['rotate', ['--yes'], 'npx cdktf deploy security`, `npx keyturn pre-apply`, `npx cdktf deploy data reports`'],
  ['apply', ['keyturn-plan', '--yes'], '`npx cdktf deploy security`'],
  ['plan', ['--out', 'plan'], '`npx cdktf diff security data reports`'],
  ['review-plan', ['keys.json'], '`npx cdktf diff security data reports`'],
  ['drift', [], '`npx cdktf diff security data reports`'],
  ['rollback', ['--yes'], '`npx keyturn propose rollback`, `npx cdktf deploy data reports`'],
  ['leave', [], 'docs/leave.md'],
])('refuses %s when stacks of a team’s own declare the rotation, before it asks AWS', async (command, args, next) => {
  await declare(`${good}terraform: { stacks: { keys: security, storage: [data, reports] } }\n`);
  const { exitCode, stderr } = await speak(directory, [command, ...args]);
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining('error own-stacks: ')]);
  expect(stderr).toContain(next);
  expect([...endpoint.requests]).toEqual([]);
  expect(await left()).toEqual([]);
});

it.each(['bye/now', '/elsewhere/bye', '..', 'cdktf.out'])(
  'refuses leave --out %s, where Terraform would find no state to forget from',
  async (out) => {
    await declare(good);
    const { exitCode, stderr } = await speak(directory, ['leave', '--out', out]);
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining('beside the rotation file')]);
    expect(await left()).toEqual([]);
  },
);

it('names the stacks of a team’s own as the next command', async () => {
  await declare(`${good}terraform: { stacks: { keys: security, storage: [data] } }\n`);
  expect((await speak(directory, ['status'])).stdout).toContain('npx cdktf deploy security');
  expect((await speak(directory, ['pre-apply', '--yes'])).stderr).toContain('`npx cdktf deploy security`');
});

it('refuses when a bucket to adopt does not exist', async () => {
  await declare(good.replace('manage: bucket', 'manage: encryption'));
  const { exitCode, stderr } = await speak(directory, ['rotate', '--yes']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    'error bucket-missing: bucket kms-key-rotation-test-bucket does not exist in account 123456789012',
  );
  expect(keysMade()).toBe(0);
});

it('refuses when a bucket belongs to another account', async () => {
  const { url, region, accessKey } = endpoint;
  const s3 = new S3Client({ endpoint: url, region, credentials: accessKey });
  await s3.send(
    new CreateBucketCommand({
      Bucket: 'somebody-elses',
      CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' },
    }),
  );
  s3.destroy();
  const then = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
  endpoint.faults.inject({ match: { operation: 'HeadBucket' }, then });
  await declare(
    good.replace('kms-key-rotation-test-bucket', 'somebody-elses').replace('manage: bucket', 'manage: encryption'),
  );
  const { exitCode, stderr } = await speak(directory, ['rotate', '--yes']);
  expect(exitCode).toBe(77);
  expect(stderr).toContain('error bucket-of-another-account: ');
});

it('refuses when the Region differs from the one the endpoint answers for', async () => {
  await declare(good.replace('ap-northeast-1', 'eu-west-1'));
  const { exitCode, stderr } = await speak(directory, ['rotate', '--yes']);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('error aws-wrong-region: ');
  expect(stderr).toContain('eu-west-1');
});

it('refuses when the account is not the declared one', async () => {
  await declare(`account: "999999999999"\n${good}`);
  const { exitCode, stderr } = await speak(directory, ['rotate', '--yes']);
  expect(exitCode).toBe(78);
  expect(stderr).toContain('error account-mismatch: ');
});

it('refuses when nobody could read the custody copy, before a key is made', async () => {
  await declare(good.replace('[RECIPIENT]', '[]'));
  const { exitCode, stderr } = await speak(directory, ['rotate', '--yes']);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('error custody-recipients-missing: ');
  expect(keysMade()).toBe(0);
});

it('fails when the credentials are expired', async () => {
  await declare(good);
  useEnvironment(endpoint.environment(endpoint.credentials.addTemporary({ lifetime: -1000 })));
  const { exitCode, stderr } = await speak(directory, ['status']);
  expect(exitCode).toBe(77);
  expect(stderr).toContain('error aws-credentials-expired: ');
});

it('fails when the endpoint is down, and names it', async () => {
  await declare(good);
  useEnvironment({ ...endpoint.environment(), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' });
  const { exitCode, stderr } = await speak(directory, ['status']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('error aws-endpoint-unreachable: ');
  expect(stderr).toContain('127.0.0.1:9');
});

it('refuses to import before the keys stack is applied, and names the command', async () => {
  await declare(good);
  const { exitCode, stderr } = await speak(directory, ['pre-apply', '--yes']);
  expect(exitCode).toBe(4);
  expect(stderr).toContain('npx cdktf deploy rotation-test-keys');
});

it('refuses to re-encrypt before the switch', async () => {
  await declare(good);
  const { exitCode, stderr } = await speak(directory, ['post-apply', '--yes']);
  expect(exitCode).toBe(4);
  expect(stderr).toContain('error not-switched: ');
  expect(stderr).toContain('apply the storage stack: `npx cdktf deploy rotation-test-storage`');
  await declare(`${good}terraform: { stacks: { keys: security, storage: [data, reports] } }\n`);
  expect((await speak(directory, ['post-apply', '--yes'])).stderr).toContain('`npx cdktf deploy data reports`');
});

it('stops before anything is changed when it is interrupted at once', async () => {
  await declare(good);
  const { exitCode } = await speak(directory, ['rotate', '--yes'], AbortSignal.abort());
  expect(exitCode).toBe(130);
  expect(keysMade()).toBe(0);
});

it('fails when an action is denied, and names the action', async () => {
  await declare(good);
  const { url, region, accessKey } = endpoint;
  const kms = new KMSClient({ endpoint: url, region, credentials: accessKey });
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/rotation-test-key/v1', TargetKeyId: KeyMetadata?.KeyId }));
  kms.destroy();
  const key = endpoint.credentials.addUser('reader');
  endpoint.credentials.limit(key.accessKeyId, ['sts:*', 's3:*']);
  useEnvironment(endpoint.environment(key));
  const { exitCode, stderr } = await speak(directory, ['status']);
  expect(exitCode).toBe(77);
  expect(stderr).toMatch(/error aws-access-denied: .*kms:DescribeKey/);
});

function keysMade(): number {
  return [...endpoint.requests].filter((request) => request.operation === 'CreateKey' && request.status === 200).length;
}

/** Files that a refused command left, besides those the test put there. */
async function left(): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !['rotation.yaml', 'identity.txt'].includes(name));
}
