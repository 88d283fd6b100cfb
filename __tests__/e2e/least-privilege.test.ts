import { readFile } from 'node:fs/promises';
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  type KeyMetadata,
  KMSClient,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { actionsFor, BEYOND_REHEARSAL, POLICY_NAMES, type PolicyName } from '../../lib/permissions/command-permissions';
import type { Rotation } from '../../lib/rotation/rotation';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { openWorkspace } from '../../lib/terraform/open-workspace';
import type { AccessKey } from '../../local-aws';
import { iam, newRole } from '../local-aws/s3-control/iam-role';
import { type Finished, openSite, type Site } from '../support/keyturn-process';
import { type LimitedUser, limitedUser } from '../support/least-privilege';

/**
 * One rotation with everything that takes a permission of its own, each command under an identity that has its policy and
 * nothing else.
 */
jest.setTimeout(900_000);

const READERS = 'arn:aws:iam::123456789012:role/app';
const ADOPTED = ['unversioned-bucket', 'locked-bucket'];
const UNDER_DEFAULT = ['owned-bucket', 'unversioned-bucket'];

interface Declared {
  readonly versions: readonly string[];
  readonly active: string;
  readonly tag: string;
  readonly users: string;
  readonly method: string;
  /** `reencrypt.engine`; with jobs, a bucket for evidence too. */
  readonly engine: 'local' | 'batch';
  /** Whether the disable is rehearsed as the readers' role. */
  readonly rehearses?: boolean;
}

let site: Site;
let kms: KMSClient;
let s3: S3Client;
let stateKey: string;
let stranger: AccessKey;
let signer: string;
let terraformBinary: string;
const users = new Map<PolicyName, LimitedUser>();
const rotations: Rotation[] = [];

beforeAll(async () => {
  site = await openSite();
  const { url: endpoint, region, accessKey: credentials } = site.endpoint;
  kms = new KMSClient({ endpoint, region, credentials });
  s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  stranger = site.endpoint.credentials.addUser('stranger');
  for (const name of POLICY_NAMES) users.set(name, limitedUser(site.endpoint, name));
  const planners = [users.get('plan'), users.get('terraform'), users.get('rollback')].flatMap(
    (user) => user?.key ?? [],
  );
  terraformBinary = await site.keepProvider({ keys: planners });
  const CreateBucketConfiguration = { LocationConstraint: 'ap-northeast-1' } as const;
  const keepsAcls = { CreateBucketConfiguration, ObjectOwnership: 'ObjectWriter' } as const;
  await s3.send(new CreateBucketCommand({ Bucket: 'unversioned-bucket', ...keepsAcls }));
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket: 'unversioned-bucket' }));
  const locks = { CreateBucketConfiguration, ObjectLockEnabledForBucket: true };
  await s3.send(new CreateBucketCommand({ Bucket: 'locked-bucket', ...locks }));
  for (const Bucket of ['state-bucket', 'elsewhere-bucket'])
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  await newRole(site.endpoint, 'app', {
    trust: { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::123456789012:root' }, Action: 'sts:AssumeRole' },
  });
  stateKey = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  const signs = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  signer = (await kms.send(signs)).KeyMetadata?.Arn ?? '';
});

afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await site.close();
});

const FIRST: Declared = { versions: ['v1'], active: 'v1', tag: 'team', users: '[]', method: 'rewrap', engine: 'local' };
const SECOND: Declared = {
  versions: ['v1', 'v2'],
  active: 'v2',
  tag: 'owner',
  users: '[arn:aws:iam::123456789012:role/app]',
  method: 'rewrap',
  engine: 'batch',
};

it('a fresh rotation: keys, material, aliases and buckets', async () => {
  await declare(FIRST);
  await terraform('keys');
  await command('pre-apply', ['pre-apply', '--yes']);
  await terraform('storage');
  await putObjects();
});

it('the next version: keys, material, switch, and repairs of what somebody changed by hand', async () => {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/rotation-test-key/v1' }));
  await kms.send(new UpdateKeyDescriptionCommand({ KeyId: KeyMetadata?.KeyId, Description: 'by hand' }));
  await declare(SECOND);
  await terraform('keys');
  await command('pre-apply', ['pre-apply', '--yes']);
  await terraform('storage');
  const { stderr } = await command('plan', ['drift']);
  expect(stderr).toContain('AWS is as both stacks declare it');
  await command('plan', ['leave']);
});

it('refuses to plan under a policy that cannot read the state, and names the missing permission', async () => {
  site.endpoint.credentials.limit(stranger.accessKeyId, [
    ...actionsFor('reviewer').filter((one) => !one.startsWith('s3:GetObject')),
  ]);
  const { exitCode, stderr } = await site.run(['drift'], { env: site.endpoint.environment(stranger) });
  expect([exitCode, stderr]).toEqual([77, expect.stringMatching(/aws-access-denied.*s3:GetObject/)]);
  expect(stderr).not.toContain('lock');
});

it('custody is drilled, under the policy that imports', async () => {
  const { stderr } = await command('pre-apply', ['drill', '--yes', '--identity', site.identityFile]);
  expect(stderr).toContain('custody holds the material');
});

// The objects were put by whom `keyPolicy.users` does not name any more: `access` says so.
it.each([
  ['status', 0],
  ['access', 4],
  ['stragglers', 0],
  ['blocked', 0],
])('a reviewer looks: %s', async (name, exitCode) => {
  await command('reviewer', [name], exitCode);
});

it('doctor tries the signer and the role of the readers, as whoever retires', async () => {
  await command('post-apply', ['doctor']);
});

it('objects are rewrapped by jobs, verified, old uploads aborted, and v1 retired', async () => {
  await declare({ ...SECOND, rehearses: true });
  await s3.send(new CreateMultipartUploadCommand({ Bucket: 'owned-bucket', Key: 'never finished' }));
  site.endpoint.jobs.hold(['Suspended']);
  await postApply([], 3);
  await command('reviewer', ['job', 'status']);
  await command('post-apply', ['job', 'pause', '--yes']);
  // Written under v1 once the bucket was listed for its job: for the local engine to move.
  const unhook = site.endpoint.requests.hook({
    async after({ operation }) {
      if (operation !== 'CreateJob') return undefined;
      unhook();
      await expect(putUnderV1('owned-bucket', 'meanwhile')).rejects.toMatchObject({ name: 'AccessDenied' });
      await withoutPolicy('owned-bucket', () => putUnderV1('owned-bucket', 'meanwhile'));
      return undefined;
    },
  });
  await command('post-apply', ['job', 'resume', '--yes']);
  const { stdout, stderr } = await postApply(['--confirm', '--abort-uploads-older-than', '0s', '--json']);
  expect(stderr).toContain(`v1: dress rehearsal as ${READERS}`);
  expect(pinsIn(await readFile(JSON.parse(stdout).evidence, 'utf8'))).toEqual([
    { bucket: 'owned-bucket', keyArn: await arnOf('v2'), inForce: true, at: expect.any(Number) },
  ]);
  expect(JSON.parse(stdout).steps.map((step: { outcome: string }) => step.outcome)).toContain('changed');
  await command('post-apply', ['watch']);
  expect(await stateOf('v1')).toBe('Disabled');
});

it('it is rolled back', async () => {
  const { stdout } = await command('rollback', ['rollback', '--yes', '--json']);
  // The key policy with its break-glass exception reads back as it was written: the keys stack has nothing to change.
  const steps: { id: string; outcome: string }[] = JSON.parse(stdout).steps;
  expect(steps.map(({ id, outcome }) => `${id} ${outcome}`).slice(0, 2)).toEqual([
    'declare-keys unchanged',
    'switch changed',
  ]);
  expect(await stateOf('v1')).toBe('Enabled');
});

it('objects are rewritten, with their tags and ACLs, while the role gets what somebody changed by hand back', async () => {
  await declare({ ...SECOND, active: 'v1', tag: 'team', method: 'rewrite' });
  const anybody = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
  await iam(site.endpoint, {
    Action: 'UpdateAssumeRolePolicy',
    RoleName: 'keyturn-rotation-test-batch',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [anybody] }),
  });
  await terraform('storage');
  // A rewrite leaves noncurrent versions under v2, which was rolled back from: they are left, and the exit code says so.
  const { stderr } = await postApply(['--engine', 'local'], 4);
  expect(stderr).toContain('v2 (Enabled) is not proven empty');
});

it('jobs copy where no object has an ACL or a lock, and refuse to elsewhere', async () => {
  await declare({ ...SECOND, tag: 'team', method: 'rewrite' });
  await terraform('storage');
  await s3.send(new PutObjectCommand({ Bucket: 'owned-bucket', Key: 'one more', Body: 'x' }));
  const { stderr } = await postApply(['--confirm'], 78);
  expect(stderr).toContain('job-copies-unsupported');
});

it('the evidence is checked where it is kept', async () => {
  const { stdout, stderr } = await command('reviewer', ['verify-evidence', '.keyturn/evidence', '--bucket']);
  expect(`${stdout}${stderr}`).toContain('evidence-bucket');
});

describe.each(POLICY_NAMES)('the policy for %s', (name) => {
  const needed = () => [...new Set(rotations.flatMap((rotation) => actionsFor(name, rotation)))].sort();

  it('allows every request, action and resource, that was made', () => {
    expect(users.get(name)?.shortfalls()).toEqual([]);
  });

  it('lists no action that was never used, but those that cannot be rehearsed', () => {
    // Terraform alone leaves no evidence here and compares no access; `apply` does as other commands do.
    const usedBy = (other: PolicyName) => users.get(other)?.used() ?? new Set<string>();
    const signing = ['kms:GetPublicKey', 'kms:Sign'].filter((one) => usedBy('pre-apply').has(one));
    const comparing = ['kms:GetKeyLastUsage', 'kms:ListGrants', 'cloudtrail:LookupEvents', 's3:GetBucketPolicy'].filter(
      (one) => usedBy('reviewer').has(one),
    );
    const used = new Set([...usedBy(name), ...(name === 'terraform' ? [...signing, ...comparing] : [])]);
    expect(needed().filter((action) => !used.has(action) && BEYOND_REHEARSAL[action] === undefined)).toEqual([]);
  });

  it('excuses no action that was used', () => {
    expect([...(users.get(name)?.used() ?? [])].filter((action) => BEYOND_REHEARSAL[action] !== undefined)).toEqual([]);
  });
});

async function declare(declared: Declared): Promise<void> {
  await site.declare(rotationText(declared));
  const rotation = await loadRotation(site.rotationFile, { now: new Date() });
  rotations.push(rotation);
  for (const user of users.values()) user.limitTo(rotation);
}

/** Rewrap by jobs on one listing of our own and one of S3's, and verification by what S3 lists. */
const SERVED = `engine: batch, batch: { bucket: jobs-bucket, verify: manifest, noConcurrentWrites: true }`;

function rotationText({ versions, active, tag, users: principals, method, engine, rehearses }: Declared): string {
  const served = engine === 'batch';
  return `name: rotation-test
region: ap-northeast-1
account: "123456789012"
alias: alias/rotation-test-key
keyVersions:
${versions.map((name) => `  - name: ${name}`).join('\n')}
activeVersion: ${active}
buckets:
  - { name: owned-bucket, manage: bucket, pinWriters: true }
${ADOPTED.map((name) => `  - { name: ${name}, manage: encryption }`).join('\n')}
tags: { ${tag}: a }
keyPolicy: { users: ${principals}, breakGlass: ${principals} }
reencrypt: { method: ${method}${served ? `, ${SERVED}` : ''} }
${served ? `evidence: { bucket: { name: evidence-bucket, retention: { days: 1 } }, signer: "${signer}" }\n` : ''}retire: { verifyOnlyBuckets: [elsewhere-bucket]${rehearses ? `, rehearseAs: "${READERS}"` : ''} }
custody: { age: { recipients: [RECIPIENT] } }
terraform:
  backend: s3
  s3: { bucket: state-bucket, kmsKeyId: "${stateKey}" }
`;
}

/** One object of each kind that takes a permission of its own. The locked one is under SSE-S3, so that v1 can retire. */
async function putObjects(): Promise<void> {
  const put = (input: Omit<PutObjectCommandInput, 'Body'>) => s3.send(new PutObjectCommand({ ...input, Body: 'x' }));
  for (const Bucket of UNDER_DEFAULT) {
    await put({ Bucket, Key: 'plain' });
    await put({ Bucket, Key: 'tagged', Tagging: 'a=b' });
    await put({ Bucket, Key: 'under S3’s own key', ServerSideEncryption: 'AES256' });
  }
  await put({ Bucket: 'unversioned-bucket', Key: 'shared', ACL: 'public-read' });
  await put({ Bucket: 'elsewhere-bucket', Key: 'elsewhere' });
  await put({
    Bucket: 'locked-bucket',
    Key: 'locked',
    ServerSideEncryption: 'AES256',
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
    ObjectLockLegalHoldStatus: 'ON',
  });
}

/** As whoever may change the policy of a bucket can: its pin is gone for a while. */
async function withoutPolicy(Bucket: string, work: () => Promise<void>): Promise<void> {
  const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
  await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
  await work();
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

/** What a run recorded of the pins that it looked at. */
function pinsIn(evidence: string): unknown {
  const records = evidence
    .trim()
    .split('\n')
    .map((line): { type: string; data: { pins: unknown } } => JSON.parse(line));
  return records.find(({ type }) => type === 'pinned-writers')?.data.pins;
}

async function putUnderV1(Bucket: string, Key: string): Promise<void> {
  const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: await arnOf('v1') } as const;
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...under }));
}

async function terraform(stack: 'keys' | 'storage'): Promise<void> {
  const user = users.get('terraform');
  const rotation = await loadRotation(site.rotationFile, { now: new Date() });
  const env = {
    ...process.env,
    ...site.endpoint.environment(user?.key),
    TERRAFORM_BINARY_NAME: terraformBinary,
  };
  const workspace = openWorkspace({ rotation, env, signal: new AbortController().signal });
  await workspace.apply(await workspace.plan(stack));
}

async function command(name: PolicyName, args: readonly string[], exitCode = 0): Promise<Finished> {
  const finished = await site.run(args, { env: site.endpoint.environment(users.get(name)?.key) });
  if (finished.exitCode !== exitCode)
    throw new Error(`${args.join(' ')} ended with ${finished.exitCode}:\n${finished.stdout}\n${finished.stderr}`);
  return finished;
}

/** Nobody else writes, so that no writer lags behind a pass over the objects. */
function postApply(args: readonly string[], exitCode = 0): Promise<Finished> {
  return command('post-apply', ['post-apply', '--yes', '--relist-delay', '0s', ...args], exitCode);
}

const stateOf = async (version: string) => (await keyOf(version))?.KeyState;
const arnOf = async (version: string) => (await keyOf(version))?.Arn;

async function keyOf(version: string): Promise<KeyMetadata | undefined> {
  return (await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }))).KeyMetadata;
}
