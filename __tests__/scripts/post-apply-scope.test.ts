import { CreateKeyCommand, DisableKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** `post-apply` where a tenant with a key of its own, and objects that anybody may read, share the bucket of the rotation. */
let site: SwitchedSite;
let tenantKey: string;

beforeEach(async () => {
  site = await switchedSite();
  tenantKey = (await site.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  await site.put('common/a');
  await site.put('tenant7/a', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: tenantKey });
  await site.put('public/a', { ServerSideEncryption: 'AES256' });
});
afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const keyturn = (...args: string[]) => speak(site.directory, [...args, '--json']);
const postApply = (...more: string[]) => keyturn('post-apply', '--yes', '--relist-delay', '0s', ...more);
const keys = async () => Promise.all(['common/a', 'tenant7/a', 'public/a'].map((key) => site.keyOf(key)));

it('moves what is under v1 alone, says by key what it left alone, and retires v1', async () => {
  await site.switch();
  const outOfScope = { [tenantKey]: 1, 'SSE-S3': 1 };
  const status = async () => (await speak(site.directory, ['status'])).stdout;
  expect(await status()).toContain('out of scope: not counted yet');
  const dry = await keyturn('post-apply', '--dry-run');
  expect(JSON.parse(dry.stdout).steps[0].facts.passes[0]).toMatchObject({ moved: 1, outOfScope });
  expect(dry.stderr).toContain(`1 object version(s) out of scope, under ${tenantKey}: left alone`);
  const { exitCode, stdout, stderr } = await postApply();
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`1 object version(s) out of scope, under ${tenantKey}: left alone`);
  expect(stderr).toContain('1 object version(s) out of scope, under SSE-S3: left alone');
  const [moved, verified] = JSON.parse(stdout).steps;
  expect(moved.facts.passes[0]).toMatchObject({ moved: 1, outOfScope });
  expect(verified.facts.buckets[0]).toMatchObject({ leftTotal: 0, account: { underActive: 1, outOfScope: 2 } });
  expect(await keys()).toEqual([site.arns[1], tenantKey, undefined]);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  expect(await status()).toContain(
    `${site.bucket}: 2 object version(s) out of scope, under SSE-S3, ${tenantKey}, as of`,
  );
  const left = await keyturn('stragglers', '--detailed-exitcode');
  expect([left.exitCode, JSON.parse(left.stdout).buckets[0].leftTotal]).toEqual([0, 0]);
});

it('refuses while objects are under the key that v1 was before its alias was moved', async () => {
  await site.put('held', { ObjectLockLegalHoldStatus: 'ON' });
  await site.switch();
  expect((await postApply()).exitCode).toBe(4);
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({}));
  const TargetKeyId = KeyMetadata?.KeyId;
  await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger/v1', TargetKeyId }));
  const text = `under ${site.arns[0]}, which was the key of this version in earlier runs`;
  const refused = await postApply();
  expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining(text)]);
  expect(await site.stateOf(KeyMetadata?.Arn ?? '')).toBe('Enabled');
  await site.kms.send(new DisableKeyCommand({ KeyId: TargetKeyId }));
  const disabled = await postApply();
  expect([disabled.exitCode, disabled.stderr]).toEqual([4, expect.stringContaining(text)]);
});

it('moves what the rotation file names too', async () => {
  await site.switch(`reencrypt: { from: [sse-s3, "${tenantKey}"] }\n`);
  const { exitCode, stdout } = await postApply();
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).steps[0].facts.passes[0]).toMatchObject({ moved: 3, outOfScope: {} });
  expect(await keys()).toEqual([site.arns[1], site.arns[1], site.arns[1]]);
});

it('counts as left what the rotation file names and cannot be moved yet, exits 3, and retires v1', async () => {
  await site.put('tenant7/held', {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: tenantKey,
    ObjectLockLegalHoldStatus: 'ON',
  });
  await site.switch(`reencrypt: { from: ["${tenantKey}"] }\n`);
  const { exitCode, stdout, stderr } = await postApply();
  expect(JSON.parse(stdout).steps[1].facts.buckets[0]).toMatchObject({ leftTotal: 1, account: { outOfScope: 1 } });
  expect(stderr).toContain('"tenant7/held"');
  expect(exitCode).toBe(3);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
});
