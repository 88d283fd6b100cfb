import promises, { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';

/**
 * `post-apply`, `stragglers` and `blocked` on a switched bucket. Keys and bucket come from ordinary clients, not
 * Terraform.
 */
const BUCKET = 'ledger-of-the-team';
const outside = { ...process.env };
let endpoint: LocalAws;
let kms: KMSClient;
let s3: S3Client;
let directory: string;
let arns: readonly [string, string];

beforeEach(async () => {
  endpoint = await startTestAws();
  const { url, region, accessKey: credentials } = endpoint;
  kms = new KMSClient({ endpoint: url, region, credentials });
  s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, endpoint.environment());
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-post-apply-'));
  arns = [await key('v1'), await key('v2')];
  await createBucket(arns[0]);
});

afterEach(async () => {
  process.env = { ...outside };
  kms.destroy();
  s3.destroy();
  await endpoint.close();
  await rm(directory, { recursive: true, force: true });
});

/** Enabled keys of KMS's own: what the objects are under matters here, not where the material came from. */
async function key(version: string): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const TargetKeyId = KeyMetadata?.KeyId;
  await kms.send(new CreateAliasCommand({ AliasName: `alias/ledger/${version}`, TargetKeyId }));
  if (version === 'v2') await kms.send(new CreateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId }));
  return KeyMetadata?.Arn ?? '';
}

async function createBucket(defaultKey: string): Promise<void> {
  const location = { LocationConstraint: endpoint.region as 'eu-west-1' };
  await s3.send(
    new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: location, ObjectLockEnabledForBucket: true }),
  );
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  await setDefault(defaultKey);
}

async function setDefault(keyArn: string): Promise<void> {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
    BucketKeyEnabled: true,
  } as const;
  await s3.send(
    new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
  );
}

async function switched(): Promise<void> {
  await setDefault(arns[1]);
  const { recipient } = await generateIdentity(path.join(directory, 'identity.txt'));
  await writeFile(
    path.join(directory, 'rotation.yaml'),
    `name: ledger
region: ap-northeast-1
alias: alias/ledger
keyVersions: [{ name: v1 }, { name: v2 }]
activeVersion: v2
buckets: [{ name: ${BUCKET}, manage: encryption }]
custody: { age: { recipients: [${recipient}] } }
`,
  );
}

const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Buffer.from(Key) }));
const stateOf = async (arn: string) => (await kms.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata?.KeyState;

it('moves every object version, leaves a journal and the outcomes, and retires v1', async () => {
  for (let index = 0; index < 30; index += 1) await put(`object ${index}`);
  await switched();
  const { exitCode, stdout, stderr } = await speak(directory, [
    'post-apply',
    '--yes',
    '--relist-delay',
    '0s',
    '--json',
    '--read-all',
  ]);
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  const [pass] = JSON.parse(stdout).steps[0].facts.passes;
  expect(pass).toMatchObject({ bucket: BUCKET, method: 'rewrap', objectVersions: 30, moved: 30, complete: true });
  expect(JSON.parse(stdout).steps[1].facts.buckets[0].read.versions).toBe(30);
  expect(await stateOf(arns[0])).toBe('Disabled');
  const evidence = await readdir(path.join(directory, '.keyturn', 'evidence'), { recursive: true });
  expect(evidence.filter((name) => name.endsWith('.ndjson.gz'))).toHaveLength(1);
});

it('forecasts in a dry run and changes nothing', async () => {
  await put('one');
  await switched();
  const { exitCode, stderr } = await speak(directory, ['post-apply', '--dry-run']);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/1 version\(s\), 3 bytes to move from arn:aws:kms/);
  expect(stderr).toMatch(/USD at list prices of \d{4}-\d{2}/);
  expect((await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'one' }))).SSEKMSKeyId).toBe(arns[0]);
  expect(await stateOf(arns[0])).toBe('Enabled');
});

it('says in a dry run what it would do while the active version has no key yet', async () => {
  await switched();
  await kms.send(new DeleteAliasCommand({ AliasName: 'alias/ledger/v2' }));
  const { exitCode, stderr } = await speak(directory, ['post-apply', '--dry-run']);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('the gate would stay closed for v1 as things stand')]);
});

it('keeps v1 Enabled, exits 4 and names a locked object; stragglers and blocked list it', async () => {
  await put('held');
  await put('free');
  await s3.send(new PutObjectLegalHoldCommand({ Bucket: BUCKET, Key: 'held', LegalHold: { Status: 'ON' } }));
  await switched();
  const refused = await speak(directory, ['post-apply', '--yes', '--relist-delay', '0s']);
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('error gate-refused: ');
  expect(refused.stderr).toContain('"held"');
  expect(await stateOf(arns[0])).toBe('Enabled');
  const left = await speak(directory, ['stragglers', '--json', '--detailed-exitcode']);
  expect(left.exitCode).toBe(2);
  expect(JSON.parse(left.stdout).buckets[0]).toMatchObject({ leftTotal: 1, left: [{ key: 'held', keyArn: arns[0] }] });
  const blocked = await speak(directory, ['blocked']);
  expect(blocked.stdout).toMatch(/"held".*legal-hold/);
});

it('keeps v1 Enabled while an upload is open, and aborts it only with an age', async () => {
  endpoint.clock.advance(-2 * 86_400_000);
  await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'half' }));
  endpoint.clock.advance(2 * 86_400_000);
  await switched();
  const refused = await speak(directory, ['post-apply', '--yes', '--relist-delay', '0s']);
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('open multipart upload');
  const aborted = await speak(directory, [
    'post-apply',
    '--yes',
    '--relist-delay',
    '0s',
    '--abort-uploads-older-than',
    '1d',
  ]);
  expect(aborted.stderr).toContain('aborted the upload of "half"');
  expect(aborted.exitCode).toBe(0);
  expect(await stateOf(arns[0])).toBe('Disabled');
});

it('prints a hostile key as text', async () => {
  await put('\u001b[31m\u009b2J\u202eevil');
  await switched();
  const { stdout } = await speak(directory, ['stragglers']);
  expect(stdout).toContain('evil');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern matches control characters
  expect(stdout).not.toMatch(/[\u001b\u009b\u202e]/);
  const json = await speak(directory, ['stragglers', '--json']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  expect(json.stdout).not.toMatch(/[\u001b\u009b\u202e]/);
  expect(JSON.parse(json.stdout).buckets[0].left[0].key).toBe('\u001b[31m\u009b2J\u202eevil');
});

it.each([
  ['ENOSPC', 'free space there'],
  ['EROFS', 'in a folder that can be written'],
])('fails when the disk answers %s, with advice, and changes nothing', async (code, advice) => {
  await switched();
  const fault = Object.assign(new Error(`${code}: write`), {
    code,
    path: path.join(directory, '.keyturn'),
    syscall: 'link',
  });
  const failing = jest.spyOn(promises, 'link').mockRejectedValue(fault);
  const { exitCode, stderr } = await speak(directory, ['post-apply', '--yes']);
  failing.mockRestore();
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(advice)]);
  expect(stderr).toContain('disk-unwritable: cannot use');
  expect(await stateOf(arns[0])).toBe('Enabled');
});
