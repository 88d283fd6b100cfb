import {
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  KMSClient,
  ListKeyRotationsCommand,
} from '@aws-sdk/client-kms';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { actionsFor } from '../../lib/permissions/command-permissions';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { flowInPlace } from '../../lib/workflow';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';
import { type LimitedUser, limitedUser } from '../support/least-privilege';

/** One key rotated in place, told in order, by real Terraform; `pre-apply` and `post-apply` under their own policies. */
jest.setTimeout(900_000);

const BUCKET = 'kms-key-rotation-test-bucket';
const ALIAS = 'alias/rotation-test-key';

let site: Site;
let kms: KMSClient;
let s3: S3Client;
let users: Readonly<Record<'pre-apply' | 'post-apply', LimitedUser>>;

beforeAll(async () => {
  site = await openSite();
  await site.keepProvider();
  const { accessKey, url: endpoint, region } = site.endpoint;
  kms = new KMSClient({ endpoint, region, credentials: accessKey });
  s3 = new S3Client({ endpoint, region, credentials: accessKey, forcePathStyle: true });
  users = {
    'pre-apply': limitedUser(site.endpoint, 'pre-apply'),
    'post-apply': limitedUser(site.endpoint, 'post-apply'),
  };
});

afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await site.close();
});

it('brings up one key with the material of v1, and an object under it', async () => {
  await declare(['v1'], 'v1');
  const steps = await rotate();
  expect(steps.map(({ id }) => id)).toEqual(flowInPlace.map(({ id }) => id));
  expect(outcomes(steps)).toMatchObject({ 'declare-keys': 'changed', 'import-material': 'changed', switch: 'changed' });
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'of v1', Body: 'of v1' }));
  expect(await materials()).toEqual(['CURRENT keyturn:rotation-test/v1']);
});

it('imports the material of v2 beside it, which nothing uses yet', async () => {
  await declare(['v1', 'v2'], 'v1');
  const { stderr } = await command('pre-apply', ['pre-apply', '--yes']);
  expect(stderr).toContain('waits to be rotated into use');
  expect(await materials()).toEqual(['CURRENT keyturn:rotation-test/v1', 'PENDING_ROTATION keyturn:rotation-test/v2']);
  expect(await keyStates()).toEqual(['Enabled']);
});

it('says what follows from it before the first rotation, and asks', async () => {
  await declare(['v1', 'v2'], 'v2');
  const asked = await run('post-apply', ['post-apply']);
  expect(asked.exitCode).toBe(64);
  expect(asked.stderr).toContain('must live as long as any object');
  expect(asked.stderr).toContain('Nothing can be retired');
  expect((await materials())[1]).toMatch(/^PENDING_ROTATION/);
});

it('rotates to v2, proves it with a data key, and says what a rotation in place leaves undone', async () => {
  const { stderr, stdout } = await command('post-apply', ['post-apply', '--yes', '--json']);
  const { steps } = JSON.parse(stdout);
  expect(outcomes(steps)).toEqual({
    'rotate-material': 'changed',
    're-encrypt': 'unchanged',
    verify: 'unchanged',
    retire: 'unchanged',
    record: 'unchanged',
  });
  expect(stderr).toContain('rotation 1 of 25');
  expect(stderr).toContain('a data key was encrypted and decrypted under material');
  expect(stderr).toContain('nothing can be retired');
  expect(await materials()).toEqual(['NON_CURRENT keyturn:rotation-test/v1', 'CURRENT keyturn:rotation-test/v2']);
});

it('keeps every object readable, old and new, under the one key', async () => {
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'of v2', Body: 'of v2' }));
  const keys = new Set<string | undefined>();
  for (const Key of ['of v1', 'of v2']) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    expect(await Body?.transformToString()).toBe(Key);
    keys.add((await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key }))).SSEKMSKeyId);
  }
  expect(keys.size).toBe(1);
});

it('shows versions as materials, the budget, and nothing left to do', async () => {
  const { exitCode, stdout } = await run('reviewer', ['status', '--detailed-exitcode']);
  expect(stdout).toContain('the key encrypts with v2; 1 of 25 rotations used');
  expect(stdout).toContain('objects keep their data keys');
  expect(exitCode).toBe(0);
});

it('refuses to go back, by the file and by rollback, and changes nothing', async () => {
  const rolledBack = await run('owner', ['rollback', '--yes']);
  expect(rolledBack.exitCode).toBe(4);
  expect(rolledBack.stderr).toContain('rollback-in-place');
  await declare(['v1', 'v2'], 'v1');
  const refused = await run('post-apply', ['post-apply', '--yes']);
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('rotation-only-forward');
  expect((await materials())[1]).toBe('CURRENT keyturn:rotation-test/v2');
});

it('takes one material at a time, and each in its turn, which is no change to Terraform in either stack', async () => {
  await declare(['v1', 'v2', 'v3', 'v4'], 'v4');
  const { stderr } = await command('pre-apply', ['pre-apply', '--yes']);
  expect(stderr).toContain('v4 can have material once v3 is in use');
  const early = await run('post-apply', ['post-apply', '--yes']);
  expect(early.exitCode).toBe(4);
  expect(early.stderr).toContain('material-not-ready');
  await declare(['v1', 'v2', 'v3', 'v4'], 'v3');
  await command('post-apply', ['post-apply', '--yes']);
  await declare(['v1', 'v2', 'v3', 'v4'], 'v4');
  const steps = await rotate();
  expect(outcomes(steps)).toMatchObject({
    'declare-keys': 'unchanged',
    'import-material': 'changed',
    switch: 'unchanged',
    'rotate-material': 'changed',
  });
  expect((await materials()).map((one) => one.split(' ')[0])).toEqual([
    'NON_CURRENT',
    'NON_CURRENT',
    'NON_CURRENT',
    'CURRENT',
  ]);
});

it('imports an earlier material again that was lost, from custody, and the key works again', async () => {
  const [first] = await listed();
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: `${ALIAS}/v1` }));
  await kms.send(
    new DeleteImportedKeyMaterialCommand({ KeyId: KeyMetadata?.KeyId, KeyMaterialId: first?.KeyMaterialId }),
  );
  expect(await keyStates()).toEqual(['PendingImport']);
  const { stderr } = await command('pre-apply', ['pre-apply', '--yes', '--identity', site.identityFile]);
  expect(stderr).toContain('Enabled; a data key was encrypted and decrypted');
  expect(await keyStates()).toEqual(['Enabled']);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'of v1' }));
  expect(await Body?.transformToString()).toBe('of v1');
});

it('has nothing left to do, and neither has Terraform', async () => {
  const steps = await rotate();
  expect(outcomes(steps)).toMatchObject({ 'declare-keys': 'unchanged', switch: 'unchanged' });
  expect(new Set(Object.values(outcomes(steps)))).toEqual(new Set(['unchanged']));
});

it.each(['pre-apply', 'post-apply'] as const)('needs what the policy for %s allows, and all of it', async (name) => {
  const rotation = await loadRotation(site.rotationFile, { now: new Date() });
  expect(users[name].shortfalls()).toEqual([]);
  expect(actionsFor(name, rotation).filter((action) => !users[name].used().has(action))).toEqual([]);
});

async function declare(versions: readonly string[], active: string): Promise<void> {
  await site.declare(rotationText(versions, active, 'strategy: in-place\n'));
  const rotation = await loadRotation(site.rotationFile, { now: new Date() });
  for (const user of Object.values(users)) user.limitTo(rotation);
}

async function run(as: string, args: readonly string[]): Promise<Finished> {
  const key = as === 'pre-apply' || as === 'post-apply' ? users[as].key : site.endpoint.accessKey;
  return site.run(args, { env: site.endpoint.environment(key) });
}

async function command(as: string, args: readonly string[]): Promise<Finished> {
  const finished = await run(as, args);
  if (finished.exitCode !== 0)
    throw new Error(`${args.join(' ')} ended with ${finished.exitCode}:\n${finished.stderr}`);
  return finished;
}

interface StepOutcome {
  readonly id: string;
  readonly outcome: string;
}

async function rotate(): Promise<readonly StepOutcome[]> {
  return JSON.parse((await command('owner', ['rotate', '--yes', '--json'])).stdout).steps;
}

const outcomes = (steps: readonly StepOutcome[]): Record<string, string> =>
  Object.fromEntries(steps.map(({ id, outcome }) => [id, outcome]));

async function listed() {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: `${ALIAS}/v1` }));
  const all = { KeyId: KeyMetadata?.KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' } as const;
  return (await kms.send(new ListKeyRotationsCommand(all))).Rotations ?? [];
}

/** State and description of every material of the key, in order. */
async function materials(): Promise<readonly string[]> {
  return (await listed()).map((one) => `${one.KeyMaterialState} ${one.KeyMaterialDescription}`);
}

/** The states of all keys that this rotation's aliases name. */
async function keyStates(): Promise<readonly (string | undefined)[]> {
  const states = new Map<string | undefined, string | undefined>();
  for (const KeyId of [ALIAS, `${ALIAS}/v1`]) {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    states.set(KeyMetadata?.KeyId, KeyMetadata?.KeyState);
  }
  return [...states.values()];
}
