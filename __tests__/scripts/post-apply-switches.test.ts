import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, EnableKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { PutBucketEncryptionCommand, UpdateObjectEncryptionCommand } from '@aws-sdk/client-s3';
import { batchRolePolicy } from '../../stacks/batch-role-policy';
import { EVERYTHING, permit } from '../local-aws/s3-control/iam-role';
import { speak } from '../support/command-line';
import { JOBS_BUCKET, type SwitchedSite, switchedSite } from '../support/switched-site';

/** Jobs of S3 Batch Operations belong to one switch: what an earlier one reported says nothing after a rollback. */

const DAY = 86_400_000;
const OBJECTS = 5;
let site: SwitchedSite;
/** ARNs by version. */
let keys: Record<string, string>;

beforeEach(async () => {
  site = await switchedSite();
  site.endpoint.jobs.stepMs = 0;
  // Older than any listing of a job, so that only a job or its report accounts for them.
  site.endpoint.clock.offset = -DAY;
  for (let index = 0; index < OBJECTS; index += 1) await site.put(`object ${index}`);
  site.endpoint.clock.offset = 0;
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({}));
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/ledger/v3', TargetKeyId: KeyMetadata?.KeyId }));
  keys = { v1: site.arns[0], v2: site.arns[1], v3: KeyMetadata?.Arn ?? '' };
  await site.switch(await site.jobs({ may: [EVERYTHING] }));
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

/** What the storage stack and the rotation file do in a switch or a rollback. */
async function switchTo(version: string, versions = ['v1', 'v2', 'v3']): Promise<void> {
  const key = keys[version] ?? '';
  await site.kms.send(new EnableKeyCommand({ KeyId: key }));
  await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId: key }));
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
    BucketKeyEnabled: true,
  } as const;
  await site.s3.send(
    new PutBucketEncryptionCommand({ Bucket: site.bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
  );
  const file = path.join(site.directory, 'rotation.yaml');
  const text = (await readFile(file, 'utf8'))
    .replace(/keyVersions: .*/, `keyVersions: [${versions.map((name) => `{ name: ${name} }`).join(', ')}]`)
    .replace(/activeVersion: .*/, `activeVersion: ${version}`);
  await writeFile(file, text);
}

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...more]);
const passOf = (stdout: string) => JSON.parse(stdout).steps[0].facts.passes[0];

async function keysInUse(): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  for (let index = 0; index < OBJECTS; index += 1) {
    const arn = await site.keyOf(`object ${index}`);
    const name = Object.entries(keys).find(([, one]) => one === arn)?.[0] ?? 'none';
    count[name] = (count[name] ?? 0) + 1;
  }
  return count;
}

it('moves everything again after two switches by jobs and a rollback to the middle version', async () => {
  expect((await postApply('--confirm')).exitCode).toBe(0);
  await switchTo('v3');
  expect((await postApply('--confirm')).exitCode).toBe(0);
  expect(await keysInUse()).toEqual({ v3: OBJECTS });
  const before = [...site.endpoint.jobs.ids];
  await switchTo('v2');
  const { exitCode, stdout, stderr } = await postApply('--confirm');
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  expect(await keysInUse()).toEqual({ v2: OBJECTS });
  const pass = passOf(stdout);
  expect(pass).toMatchObject({ moved: OBJECTS, alreadyThere: 0, complete: true });
  const used: { jobId: string }[] = pass.jobs;
  expect(used.filter(({ jobId }) => before.includes(jobId))).toEqual([]);
});

it('ends after a rollback and a second switch forward with two versions', async () => {
  const two = ['v1', 'v2'];
  expect((await postApply('--confirm')).exitCode).toBe(0);
  await switchTo('v1', two);
  expect((await postApply('--confirm')).exitCode).toBe(0);
  expect(await keysInUse()).toEqual({ v1: OBJECTS });
  await switchTo('v2', two);
  const { exitCode, stdout } = await postApply('--confirm');
  expect(exitCode).toBe(0);
  expect(passOf(stdout)).toMatchObject({ moved: OBJECTS, complete: true });
  expect(await keysInUse()).toEqual({ v2: OBJECTS });
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
});

it('cancels and names the waiting job of a switch that was rolled back', async () => {
  const waiting = await postApply();
  expect(waiting.exitCode).toBe(3);
  const [jobId = ''] = site.endpoint.jobs.ids;
  await switchTo('v1', ['v1', 'v2']);
  const { stderr } = await postApply();
  expect(stderr).toContain(`job ${jobId} (keyturn ledger: `);
  expect(stderr).toContain('is cancelled: it belongs to another switch');
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Cancelled');
});

it('creates new jobs unasked by a flag once verification found under v1 what a report calls moved', async () => {
  await postApply();
  const [jobId = ''] = site.endpoint.jobs.ids;
  await speak(site.directory, ['job', 'resume', '--yes']);
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Complete');
  const back = { SSEKMS: { KMSKeyArn: keys.v1, BucketKeyEnabled: true } };
  await site.s3.send(
    new UpdateObjectEncryptionCommand({ Bucket: site.bucket, Key: 'object 3', ObjectEncryption: back }),
  );
  const contradicted = await postApply('--confirm');
  expect(contradicted.exitCode).toBe(4);
  expect(contradicted.stderr).toContain('attempt 1 of its jobs is over: "object 3"');
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
  const next = await postApply('--confirm');
  expect(next.exitCode).toBe(0);
  expect(passOf(next.stdout).jobs).toMatchObject([{ attempt: 2, status: 'Complete' }]);
  expect(await keysInUse()).toEqual({ v2: OBJECTS });
});

it('may read the later key after a rollback to the middle of three versions', async () => {
  const policy = { partition: 'aws', region: site.endpoint.region, method: 'rewrap', buckets: [site.bucket] } as const;
  const store = { bucket: JOBS_BUCKET, prefix: 'keyturn/ledger/' };
  const anyKey = `arn:aws:kms:${site.endpoint.region}:${site.endpoint.accountId}:key/*`;
  /** As the storage stack declares it. */
  const roleFor = async (newKey: string, oldKeys: string[]) => {
    const laterKeys = { anyKey, aliases: 'alias/ledger/*' };
    const { Statement } = batchRolePolicy({ ...policy, listedByS3: [site.bucket], store, oldKeys, newKey, laterKeys });
    await permit(site.endpoint, 'keyturn-ledger-batch', Statement);
  };
  const { v1 = '', v2 = '', v3 = '' } = keys;
  await switchTo('v3');
  await roleFor(v3, [v1, v2]);
  expect((await postApply('--confirm')).exitCode).toBe(0);
  expect(await keysInUse()).toEqual({ v3: OBJECTS });
  await switchTo('v2');
  await roleFor(v2, [v1]);
  const { exitCode, stdout, stderr } = await postApply('--confirm');
  expect(stderr).not.toContain('denied');
  expect(exitCode).toBe(0);
  expect(passOf(stdout).jobs).toMatchObject([{ succeeded: OBJECTS, failed: 0 }]);
  expect(await keysInUse()).toEqual({ v2: OBJECTS });
});
