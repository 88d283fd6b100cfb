import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateGrantCommand, DisableKeyCommand, EnableKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
} from '@aws-sdk/client-s3';
import { greenRetirements } from '../../lib/plan-bundle/green-evidence';
import { importedKey } from '../conformance/byok';
import { speak, speakWithPerson } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/**
 * `post-apply` on the last stretch: the question, the verification, DisableKey, and what others write between them. A writer is an ordinary
 * client that names v1.
 */
let site: SwitchedSite;
let v1: string;

beforeEach(async () => {
  site = await switchedSite();
  [v1] = site.arns;
  await site.put('moved');
  await site.switch();
});

afterEach(async () => {
  jest.useRealTimers();
  await site[Symbol.asyncDispose]();
});

const ARGS = ['post-apply', '--relist-delay', '0s', '--json'];
const postApply = (...more: string[]) => speak(site.directory, [...ARGS, '--yes', ...more]);
const underV1 = () => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
const writeUnderV1 = (key: string) => site.put(key, underV1());
const operations = () => [...site.endpoint.requests].map(({ operation }) => operation);
const times = (name: string) => operations().filter((one) => one === name).length;

/** Runs something once, before or after an operation takes effect. */
function once(when: 'before' | 'after', operation: string, act: () => Promise<void> | void): void {
  const remove = site.endpoint.requests.hook({
    [when]: async (event: { operation: string }) => {
      if (event.operation !== operation) return undefined;
      remove();
      await act();
      return undefined;
    },
  });
}

/** Only the date is another one; timers go on as they are. */
function advanceDate(minutes: number): void {
  const doNotFake = [
    ...(['nextTick', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout'] as const),
    ...(['clearTimeout', 'queueMicrotask', 'performance', 'hrtime'] as const),
  ];
  jest.useFakeTimers({ now: Date.now() + minutes * 60_000, doNotFake: [...doNotFake] });
}

async function recordsOf(type: string) {
  const folder = path.join(site.directory, '.keyturn', 'evidence');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  const records = texts.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
  return records.filter((one) => one.type === type && one.step === 'retire');
}

it('asks before it verifies: an object that is written while the question stands keeps v1 on', async () => {
  const questions: string[] = [];
  const { exitCode, stderr } = await speakWithPerson(site.directory, ARGS, async (question) => {
    questions.push(question);
    if (question.includes('disable v1')) await writeUnderV1('while the question stands');
  });
  expect(questions).toHaveLength(2);
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"while the question stands"')]);
  expect(times('DisableKey')).toBe(0);
});

it('verifies again when the verification is older than 15 minutes before the key is disabled', async () => {
  // Its last request before it decides: what comes later is in no fact of the gate.
  once('after', 'ListGrants', () =>
    once('after', 'ListAliases', async () => {
      await writeUnderV1('late');
      advanceDate(16);
    }),
  );
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"late"')]);
  expect(stderr).toContain('verified again');
  expect(times('DisableKey')).toBe(0);
});

it('does not verify again what is 14 minutes old', async () => {
  once('after', 'ListAliases', () => advanceDate(14));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('verified again')]);
  expect(await site.stateOf(v1)).toBe('Disabled');
});

it('enables v1 again, exits 3 and says why, when a writer is faster than DisableKey', async () => {
  once('before', 'DisableKey', () => writeUnderV1('in between'));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('"in between"')]);
  expect(stderr).toContain('retire-taken-back');
  expect(await site.stateOf(v1)).toBe('Enabled');
  expect(await recordsOf('look')).toMatchObject([
    { data: { version: 'v1', keyArn: v1, clean: false, reasons: [{ code: 'objects-left' }] } },
  ]);
  expect(await recordsOf('taken-back')).toMatchObject([{ data: { keyArn: v1, enabled: true } }]);
  expect(await greenRetirements({ path: path.join(site.directory, '.keyturn/evidence'), env: {} })).toEqual([]);
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(v1)).toBe('Disabled');
  const evidence = { path: path.join(site.directory, '.keyturn/evidence'), env: process.env };
  const origins = async (more: Partial<Parameters<typeof greenRetirements>[0]> = {}) =>
    (await greenRetirements({ ...evidence, ...more })).map(({ keyArn, origin }) => [keyArn, origin]);
  expect(await origins()).toEqual([[v1, 'here']]);
  // Nobody signed it: with a key it counts nowhere, and without one it does not count where a commit may have brought it.
  expect(await origins({ publicKeys: [generateKeyPairSync('ed25519').publicKey] })).toEqual([]);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: site.directory });
  git('init', '-q');
  git('add', '--force', '.keyturn');
  git('commit', '-qm', 'Bring evidence');
  expect(await origins()).toEqual([[v1, 'commit']]);
  expect(await origins({ base: 'HEAD' })).toEqual([[v1, 'base']]);
  expect((await postApply()).exitCode).toBe(4);
});

it.each([
  ['enables v1 again when a replica with an old date comes under it before DisableKey', () => v1, [3, 'Enabled']],
  ['does not mind one that comes under v2', () => site.arns[1], [0, 'Disabled']],
] as const)('%s', async (_title, keyArn, expected) => {
  once('before', 'DisableKey', async () => {
    site.endpoint.clock.offset = -86_400_000;
    await site.put('replica', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn() });
    site.endpoint.clock.offset = 0;
  });
  const { exitCode, stderr } = await postApply();
  expect([exitCode, await site.stateOf(v1)]).toEqual(expected);
  if (exitCode !== 0) expect(stderr).toContain('"replica"');
});

it.each([
  ['is denied', { kind: 'answer', status: 403, code: 'AccessDenied' }],
  ['is refused', { kind: 'answer', status: 501, code: 'NotImplemented' }],
] as const)('enables v1 again and exits 3 when the look after DisableKey %s', async (_title, then) => {
  once('after', 'DisableKey', () => {
    site.endpoint.faults.inject({ match: { service: 's3', operation: 'ListObjectVersions' }, then });
  });
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('could not be inspected')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
});

const moveAlias = () =>
  site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId: v1.split('/')[1] }));
async function makeDefault(Bucket: string, KMSMasterKeyID = v1): Promise<void> {
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } as const;
  const Rules = [{ ApplyServerSideEncryptionByDefault }];
  await site.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}
const grant = () =>
  site.kms.send(
    new CreateGrantCommand({
      KeyId: v1,
      GranteePrincipal: 'arn:aws:iam::123456789012:role/backup',
      Operations: ['Decrypt'],
    }),
  );

it.each([
  ['the alias is moved back', 'alias-not-switched', moveAlias],
  ['the default of its bucket is moved back', 'bucket-default-not-switched', () => makeDefault(site.bucket)],
  ['another bucket takes it as its default', 'default-elsewhere', () => makeDefault('of-somebody-else')],
  ['a grant is made on it', 'granted', grant],
] as const)('enables v1 again and exits 3 when %s before DisableKey', async (_title, code, act) => {
  await site.createBucket('of-somebody-else');
  once('before', 'DisableKey', async () => void (await act()));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('retire-taken-back')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
  expect(await recordsOf('look')).toMatchObject([{ data: { clean: false, reasons: [{ code }] } }]);
});

/** What anybody with the rights may do: the bucket of this name is another one then. */
async function makeBucketAnew(): Promise<void> {
  const Bucket = site.bucket;
  const { Versions = [] } = await site.s3.send(new ListObjectVersionsCommand({ Bucket }));
  for (const { Key, VersionId } of Versions) await site.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  await site.s3.send(new DeleteBucketCommand({ Bucket }));
  await site.createBucket(Bucket);
}

it.each([
  ['and nothing in it', 'bucket-default-not-switched', async (): Promise<void> => undefined],
  ['and the default of v2 and an object under v1', 'objects-left', (): Promise<void> => defaultAndObject()],
] as const)(
  'enables v1 again when the bucket was deleted and made again, %s',
  async (_title, code, then: () => Promise<void>): Promise<void> => {
    once('before', 'DisableKey', async () => {
      await makeBucketAnew();
      await then();
    });
    expect((await postApply()).exitCode).toBe(3);
    expect(await site.stateOf(v1)).toBe('Enabled');
    expect(await recordsOf('look')).toMatchObject([{ data: { clean: false, reasons: [{ code }] } }]);
  },
);

async function defaultAndObject(): Promise<void> {
  await writeUnderV1('in the new bucket');
  await makeDefault(site.bucket, site.arns[1]);
}

/** Another key behind the alias of a version, whose material KMS deletes in ten minutes. */
async function expiringSoon(version: 'v1' | 'v2'): Promise<string> {
  const ValidTo = new Date(Date.now() + 600_000);
  const { arn, id } = await importedKey(site.kms, { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo });
  const aliases = version === 'v1' ? ['alias/ledger/v1'] : ['alias/ledger/v2', 'alias/ledger'];
  for (const AliasName of aliases) await site.kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: id }));
  const until = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await site.switch(`retire: { waivers: [{ what: expiry, until: "${until}", reason: a test of the last stretch }] }\n`);
  const file = path.join(site.directory, 'rotation.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('{ name: v2 }', '{ name: v2, custodyWaiver: a test of the last stretch }'));
  if (version === 'v2') await makeDefault(site.bucket, arn);
  once('before', 'DisableKey', () => void site.endpoint.clock.advance(660_000));
  return arn;
}

it('enables v1 again when the material of v2 expires between the verification and DisableKey', async () => {
  await expiringSoon('v2');
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('is PendingImport, not Enabled')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
});

it('is not done when the material of v1 expires before DisableKey, and the next run finds it empty', async () => {
  await expiringSoon('v1');
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('retire-unproven')]);
  expect((await speak(site.directory, ['status', '--detailed-exitcode'])).exitCode).toBe(2);
  expect((await postApply()).exitCode).toBe(0);
});

it('says what is unproven and exits 3 when the key cannot be enabled again; the next run looks', async () => {
  once('after', 'DisableKey', () => {
    const then = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    site.endpoint.faults.inject({ match: { operation: 'ListObjectVersions' }, then });
    site.endpoint.faults.inject({ match: { operation: 'EnableKey' }, then });
  });
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('retire-unproven')]);
  expect(await site.stateOf(v1)).toBe('Disabled');
  site.endpoint.faults.clear();
  const status = await speak(site.directory, ['status', '--detailed-exitcode']);
  expect([status.exitCode, status.stdout]).toEqual([2, expect.stringContaining('no evidence here shows')]);
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(v1)).toBe('Disabled');
  expect((await speak(site.directory, ['status', '--detailed-exitcode'])).stdout).toContain('the rotation is done');
});

it('refuses before DisableKey when EnableKey is not permitted', async () => {
  const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
  site.endpoint.faults.inject({ match: { operation: 'EnableKey' }, then });
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([77, expect.stringContaining('kms:EnableKey')]);
  expect(times('DisableKey')).toBe(0);
});

it('looks in the next run when this one ends between DisableKey and the look, and enables v1 again', async () => {
  const stop = new AbortController();
  once('after', 'DisableKey', async () => {
    await site.put('under v2');
    const then = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    site.endpoint.faults.inject({ match: { operation: 'EnableKey' }, then });
    stop.abort();
  });
  once('before', 'DisableKey', () => writeUnderV1('in between'));
  const killed = await speak(site.directory, [...ARGS, '--yes'], stop.signal);
  expect(killed.exitCode).toBe(3);
  expect(await site.stateOf(v1)).toBe('Disabled');
  site.endpoint.faults.clear();
  const next = await postApply();
  expect([next.exitCode, next.stderr]).toEqual([3, expect.stringContaining('"in between"')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.keyOf('in between')).toBe(site.arns[1]);
});

/** What a run leaves that is killed right after DisableKey: its evidence ends with the intent. */
async function killAfterDisable(): Promise<void> {
  const folder = path.join(site.directory, '.keyturn', 'evidence');
  const name = (await readdir(folder)).find((one) => one.endsWith('.ndjson')) ?? '';
  const lines = (await readFile(path.join(folder, name), 'utf8')).split('\n');
  const intent = lines.findIndex((line) => line.includes('"step":"retire"') && line.includes('"type":"intent"'));
  await writeFile(path.join(folder, name), `${lines.slice(0, intent + 1).join('\n')}\n`);
}

describe('after a run that was killed between DisableKey and the look', () => {
  const status = () => speak(site.directory, ['status', '--detailed-exitcode']);

  it('is not done until the next run has looked', async () => {
    expect((await postApply()).exitCode).toBe(0);
    await killAfterDisable();
    const before = await status();
    expect([before.exitCode, before.stdout]).toEqual([2, expect.stringContaining('npx keyturn post-apply')]);
    expect((await postApply()).exitCode).toBe(0);
    expect(await recordsOf('look')).toMatchObject([{ data: { keyArn: v1, clean: true } }]);
    expect((await status()).stdout).toContain('the rotation is done');
  });

  it('enables v1 again where it is needed', async () => {
    expect((await postApply()).exitCode).toBe(0);
    await site.kms.send(new EnableKeyCommand({ KeyId: v1 }));
    await writeUnderV1('in between');
    await site.kms.send(new DisableKeyCommand({ KeyId: v1 }));
    await killAfterDisable();
    const { exitCode, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('"in between"')]);
    expect(await site.stateOf(v1)).toBe('Enabled');
  });
});

it('leaves a key as it is that somebody else disabled, and is not done while an object is under it', async () => {
  await site.put('held', { ...underV1(), ObjectLockLegalHoldStatus: 'ON' });
  expect((await postApply()).exitCode).toBe(4);
  await site.kms.send(new DisableKeyCommand({ KeyId: v1 }));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"held"')]);
  expect(stderr).toContain('disabled-not-empty');
  expect(await site.stateOf(v1)).toBe('Disabled');
});
