import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CancelKeyDeletionCommand,
  CreateGrantCommand,
  DeleteAliasCommand,
  DeleteImportedKeyMaterialCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { importedKey } from '../conformance/byok';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** What `status`, `post-apply` and `propose retire` say of the versions that a rotation moves objects away from. */
const DAY = 86_400_000;
const HELD = { ObjectLockLegalHoldStatus: 'ON' } as const;
let site: SwitchedSite;

beforeEach(async () => {
  site = await switchedSite();
});
afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...more]);
const rotationFile = () => path.join(site.directory, 'rotation.yaml');

async function status() {
  const { exitCode, stdout } = await speak(site.directory, ['status', '--detailed-exitcode', '--json']);
  const { next, versions, drift } = JSON.parse(stdout);
  const verdict = (name: string) => versions.find((one: { name: string }) => one.name === name)?.verdict;
  const fixes = drift.map((one: { fix: string }) => one.fix);
  return { exitCode, next, verdict, fixes, drift };
}

async function edit(from: string, to: string) {
  const text = await readFile(rotationFile(), 'utf8');
  if (!text.includes(from)) throw new Error(`the rotation file does not say ${from}`);
  await writeFile(rotationFile(), text.replace(from, to));
}

async function pointAt(keyArn: string) {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
    BucketKeyEnabled: true,
  } as const;
  await site.s3.send(
    new PutBucketEncryptionCommand({ Bucket: site.bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
  );
  await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId: keyArn }));
}

/** What the rollback command does, without Terraform. */
async function activate(version: 'v1' | 'v2') {
  const keyArn = site.arns[version === 'v1' ? 0 : 1];
  await site.kms.send(new EnableKeyCommand({ KeyId: keyArn }));
  const text = await readFile(rotationFile(), 'utf8');
  await writeFile(rotationFile(), text.replace(/activeVersion: v\d/, `activeVersion: ${version}`));
  await pointAt(keyArn);
}

const forget = () => rm(path.join(site.directory, '.keyturn'), { recursive: true, force: true });

/** An object under an imported key behind v1's alias, and the switch to v2. */
async function importedV1(validTo?: Date): Promise<string> {
  const key = await importedKey(
    site.kms,
    validTo ? { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: validTo } : undefined,
  );
  await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger/v1', TargetKeyId: key.id }));
  await site.put('under the imported key', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key.arn });
  await site.switch();
  return key.arn;
}

describe('an earlier key that is out of use with objects left under it', () => {
  const worlds: Readonly<Record<string, () => Promise<unknown>>> = {
    'disabled by hand': async () => {
      await site.put('left');
      await site.switch();
      return site.kms.send(new DisableKeyCommand({ KeyId: site.arns[0] }));
    },
    'pending deletion': async () => {
      await site.put('left');
      await site.switch();
      return site.kms.send(new ScheduleKeyDeletionCommand({ KeyId: site.arns[0], PendingWindowInDays: 7 }));
    },
    'deleted for good': async () => {
      await site.put('left');
      await site.switch();
      await site.kms.send(new ScheduleKeyDeletionCommand({ KeyId: site.arns[0], PendingWindowInDays: 7 }));
      site.endpoint.clock.advance(8 * DAY);
    },
    'without its material, which was deleted': async () =>
      site.kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: await importedV1() })),
    'without its material, which expired': async () => {
      await importedV1(new Date(Date.now() + 10 * DAY));
      site.endpoint.clock.advance(11 * DAY);
    },
    'disabled, and recorded as retired': async () => {
      await site.put('left');
      await site.switch();
      await edit('{ name: v1 }', '{ name: v1, disabled: true }');
      return site.kms.send(new DisableKeyCommand({ KeyId: site.arns[0] }));
    },
  };

  it.each(Object.keys(worlds))('keeps post-apply, status and propose from green when it is %s', async (world) => {
    await worlds[world]?.();
    const before = await status();
    expect([before.exitCode, before.verdict('v1').kind]).toEqual([2, 'not-verified']);
    // Nothing shows that no object needs it, so a plain status is not green either.
    expect((await speak(site.directory, ['status'])).exitCode).toBe(1);
    expect(before.fixes.join()).not.toContain('propose retire');
    const { exitCode, stdout } = await postApply();
    expect([3, 4]).toContain(exitCode);
    expect(JSON.parse(stdout).error.message).toMatch(/holds 1 object version/);
    const after = await status();
    expect([after.exitCode, after.verdict('v1').kind]).toEqual([2, 'left']);
    expect(after.next.command).not.toContain('propose retire');
    expect(after.fixes.join()).not.toContain('propose retire');
    const proposed = await speak(site.directory, ['propose', 'retire', '--name', 'v1', '--yes', '--no-forecast']);
    expect(proposed.exitCode).not.toBe(0);
  });

  it('is an outage with the command that ends it, and that command leads to done', async () => {
    await worlds['disabled by hand']?.();
    await postApply();
    const down = await status();
    expect(down.next).toMatchObject({ step: 'restore', command: `aws kms enable-key --key-id ${site.arns[0]}` });
    expect((await speak(site.directory, ['status'])).exitCode).toBe(1);
    await site.kms.send(new EnableKeyCommand({ KeyId: site.arns[0] }));
    expect((await status()).next.command).toBe('npx keyturn post-apply');
    expect((await postApply()).exitCode).toBe(0);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
  });

  it('leads from a scheduled deletion to done, one command at a time', async () => {
    await worlds['pending deletion']?.();
    await postApply();
    expect((await status()).next.command).toBe(`aws kms cancel-key-deletion --key-id ${site.arns[0]}`);
    await site.kms.send(new CancelKeyDeletionCommand({ KeyId: site.arns[0] }));
    expect((await status()).next.command).toBe(`aws kms enable-key --key-id ${site.arns[0]}`);
    await site.kms.send(new EnableKeyCommand({ KeyId: site.arns[0] }));
    expect((await postApply()).exitCode).toBe(0);
    expect((await status()).exitCode).toBe(0);
  });

  it('states the dead end when the key is gone for good', async () => {
    await worlds['deleted for good']?.();
    await postApply();
    const { next } = await status();
    expect(next.command).toContain('nothing brings this key back');
  });
});

describe('a version that is off', () => {
  it('is done when the gate disabled it, not by ignorance, and done again after a new verification', async () => {
    await site.put('one');
    await site.switch();
    expect((await postApply()).exitCode).toBe(0);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
    expect((await status()).fixes).toEqual(['npx keyturn propose retire --name v1']);
    await forget();
    const fresh = await status();
    expect([fresh.exitCode, fresh.verdict('v1').kind]).toEqual([2, 'not-verified']);
    expect(fresh.next.command).toBe('npx keyturn post-apply');
    expect(fresh.fixes.join()).not.toContain('propose retire');
    expect((await postApply()).exitCode).toBe(0);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
  });

  it('may be proposed as retired on a fresh checkout once a verification made now finds it empty', async () => {
    await site.put('one');
    await site.switch();
    await postApply();
    await forget();
    const args = ['propose', 'retire', '--name', 'v1', '--yes', '--no-forecast'];
    expect((await speak(site.directory, args)).exitCode).toBe(0);
    expect(await readFile(rotationFile(), 'utf8')).toContain('disabled: true');
  });

  it('is not accounted for by a verification of fewer buckets, or of another key behind its alias', async () => {
    await site.put('one');
    await site.switch();
    await postApply();
    await site.createBucket('ledger-copies');
    await edit('custody:', 'retire: { verifyOnlyBuckets: [ledger-copies] }\ncustody:');
    expect((await status()).verdict('v1').text).toContain('ledger-copies');
    await postApply();
    expect((await status()).exitCode).toBe(0);
    const other = await importedKey(site.kms);
    await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger/v1', TargetKeyId: other.id }));
    expect((await status()).verdict('v1').kind).toBe('not-verified');
  });
});

describe('a rollback', () => {
  it.each(['with its evidence', 'on a fresh runner'])('calls for post-apply, seen %s', async (where) => {
    await site.put('one');
    await site.switch();
    await postApply();
    site.endpoint.clock.advance(60_000);
    await activate('v1');
    if (where === 'on a fresh runner') await forget();
    const back = await status();
    expect([back.exitCode, back.next?.command]).toEqual([2, 'npx keyturn post-apply']);
    expect(back.verdict('v2').kind).toBe('not-verified');
    expect((await postApply()).exitCode).toBe(0);
    expect(await site.keyOf('one')).toBe(site.arns[0]);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
    site.endpoint.clock.advance(60_000);
    await activate('v2');
    expect((await status()).next?.command).toBe('npx keyturn post-apply');
  });

  it('there and back at once is seen by the date of the alias, whatever evidence says', async () => {
    await site.put('one');
    await site.switch();
    await postApply();
    site.endpoint.clock.advance(60_000);
    await activate('v1');
    await site.put('written meanwhile');
    await activate('v2');
    await site.kms.send(new DisableKeyCommand({ KeyId: site.arns[0] }));
    const after = await status();
    expect([after.exitCode, after.verdict('v1').kind]).toEqual([2, 'not-verified']);
    expect([3, 4]).toContain((await postApply()).exitCode);
  });

  it('fails when objects stay under the version that was left', async () => {
    await site.switch();
    await site.put('held', HELD);
    await activate('v1');
    const { exitCode } = await postApply();
    expect(exitCode).toBe(4);
    expect((await status()).exitCode).toBe(2);
  });
});

describe('an adopted version', () => {
  const adopt = async (more = '') => {
    await site.switch();
    await site.kms.send(new DeleteAliasCommand({ AliasName: 'alias/ledger/v1' }));
    await edit('{ name: v1 }', `{ name: legacy, keyArn: "${site.arns[0]}"${more} }`);
  };

  it('gets the verdict and keeps its key on', async () => {
    await site.put('one');
    await adopt();
    expect((await status()).exitCode).toBe(2);
    const { exitCode, stdout, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('legacy may be disabled: empty since ')]);
    expect(JSON.parse(stdout).steps.at(-2).facts.verdicts).toMatchObject([{ name: 'legacy', empty: true }]);
    expect(await site.stateOf(site.arns[0])).toBe('Enabled');
    const after = await status();
    expect([after.exitCode, after.verdict('legacy').text]).toEqual([
      0,
      expect.stringMatching(/^may be disabled: empty since 2/),
    ]);
  });

  it('is done with when it is empty and others use it, and its verdict names them', async () => {
    await site.put('one');
    await adopt();
    const KeyId = site.arns[0];
    const GranteePrincipal = 'arn:aws:iam::123456789012:root';
    await site.kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Decrypt'] }));
    const { exitCode, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/legacy is empty since .*not to be disabled yet: .*grant/),
    ]);
    const { exitCode: seen, verdict } = await status();
    expect([seen, verdict('legacy').text]).toEqual([0, expect.stringContaining('not to be disabled yet')]);
  });

  it('is disabled behind the gate where the file says retire: true', async () => {
    await site.put('one');
    await adopt(', retire: true');
    expect((await postApply()).exitCode).toBe(0);
    expect(await site.stateOf(site.arns[0])).toBe('Disabled');
    expect((await status()).exitCode).toBe(0);
  });

  it.each(['', ', retire: true'])('fails when objects stay under it%s', async (more) => {
    await site.put('held', HELD);
    await adopt(more);
    const { exitCode, stdout } = await postApply();
    expect([exitCode, JSON.parse(stdout).error.message]).toEqual([4, expect.stringContaining('"held"')]);
    expect(await site.stateOf(site.arns[0])).toBe('Enabled');
    expect((await status()).exitCode).toBe(2);
  });
});

it('asks for no second run of post-apply where only another user of the key keeps the gate closed', async () => {
  await site.put('one');
  await site.switch();
  const KeyId = site.arns[0];
  const GranteePrincipal = 'arn:aws:iam::123456789012:root';
  await site.kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Decrypt'] }));
  expect((await postApply()).exitCode).toBe(4);
  const { exitCode, next, verdict } = await status();
  expect([exitCode, verdict('v1').kind, next.step]).toEqual([2, 'empty', 'retire']);
  expect(next.command).toContain('retire.waivers');
  // Somebody goes past the gate, which left the key on for that user.
  await site.kms.send(new DisableKeyCommand({ KeyId }));
  const past = await status();
  expect([past.exitCode, past.verdict('v1').kind, past.next.step]).toEqual([2, 'empty', 'retire']);
  expect(past.verdict('v1').text).toMatch(/the gate left its key on, which is Disabled now: .*grant/);
  expect(past.fixes.join()).not.toContain('propose retire');
});

describe('a superseded key in a state that passes by itself', () => {
  /** KMS answers as if the key were in this state: the endpoint has none of custom key stores and of more than one Region. */
  function answerWith(keyArn: string, state: () => string | undefined): void {
    const { answer } = site.endpoint;
    jest.spyOn(site.endpoint, 'answer').mockImplementation(async (...asked) => {
      const outcome = await answer.apply(site.endpoint, asked);
      const text = outcome.kind === 'answer' ? String(outcome.response.body ?? '') : '';
      const now = state();
      if (now === undefined || outcome.kind !== 'answer' || !text.includes('"KeyMetadata"') || !text.includes(keyArn))
        return outcome;
      const body = text.replace(/"KeyState":"[^"]*"/, `"KeyState":"${now}"`);
      return { ...outcome, response: { ...outcome.response, body } };
    });
  }

  it('is not retired while it is Unavailable, and is once it is Enabled', async () => {
    await site.put('one');
    await site.switch();
    let now: string | undefined = 'Unavailable';
    answerWith(site.arns[0], () => now);
    const { exitCode, stdout } = await postApply();
    expect([exitCode, JSON.parse(stdout).error.facts.reasons]).toEqual([
      4,
      [expect.objectContaining({ code: 'key-not-enabled', text: expect.stringContaining('Unavailable') })],
    ]);
    const seen = await status();
    expect([seen.exitCode, seen.verdict('v1').kind, seen.next?.command]).toEqual([
      2,
      'empty',
      'npx keyturn post-apply',
    ]);
    expect(seen.fixes.join()).not.toContain('propose retire');
    now = undefined;
    expect((await postApply()).exitCode).toBe(0);
    expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  });

  it('is named with the way back while objects are under it', async () => {
    await site.put('left', HELD);
    await site.switch();
    let now = 'PendingReplicaDeletion';
    answerWith(site.arns[0], () => now);
    expect((await postApply()).exitCode).toBe(4);
    const { exitCode, fixes, verdict } = await status();
    expect([exitCode, verdict('v1').kind]).toEqual([2, 'left']);
    expect(fixes.join()).toContain(`aws kms cancel-key-deletion --key-id ${site.arns[0]}`);
    now = 'Unavailable';
    const away = await status();
    expect(away.fixes.join()).toContain('comes back once its key store is connected');
    expect(away.fixes.join()).not.toContain('nothing brings this key back');
    now = 'Updating';
    expect((await status()).drift.filter(({ level }: { level: string }) => level === 'outage')).toEqual([]);
  });
});

describe('a dry run', () => {
  it('says that changes are pending, and exits 2 where that is asked for', async () => {
    await site.put('one');
    await site.switch();
    const { exitCode, stdout, stderr } = await postApply('--dry-run');
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('changes are pending')]);
    expect(JSON.parse(stdout).pending.map((one: { step: string }) => one.step)).toEqual(['re-encrypt', 'retire']);
    expect((await postApply('--dry-run', '--detailed-exitcode')).exitCode).toBe(2);
    await postApply();
    const done = await postApply('--dry-run', '--detailed-exitcode');
    expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining('nothing to change')]);
  });

  it('names what is left under a key that is off', async () => {
    await site.put('one');
    await site.switch();
    await site.kms.send(new DisableKeyCommand({ KeyId: site.arns[0] }));
    expect((await postApply('--dry-run')).stderr).toContain('v1 is not empty as things stand');
    expect((await postApply('--dry-run', '--detailed-exitcode')).exitCode).toBe(2);
  });
});
