import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DisableKeyCommand } from '@aws-sdk/client-kms';
import { type CustodySite, datedText, inDays, openCustodySite } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';
import { dateAhead, HostDate } from '../support/moved-clock';

/** Dates, expiry and drills of material that is in age custody, by the commands a person types. */
jest.setTimeout(120_000);

const DAY = 86_400_000;
let site: CustodySite;
let keyArn: string;
const soon = inDays(20);
const later = inDays(300);

beforeEach(async () => {
  site = await openCustodySite();
  keyArn = await site.declareKey('v1');
  await site.declare(datedText('v1', soon));
  expect(await site.run('pre-apply', '--yes')).toMatchObject({ exitCode: 0 });
});

afterEach(() => site.close());

const extend = (...args: readonly string[]) =>
  site.run('extend', '--version', 'v1', '--yes', '--json', '--identity', site.identityFile, ...args);
const drill = (...args: readonly string[]) =>
  site.run('drill', '--yes', '--json', '--identity', site.identityFile, ...args);
const imports = () => [...site.endpoint.requests].filter((one) => one.operation === 'ImportKeyMaterial').length;
const custodyFile = (name: string) => path.join(site.directory, 'custody', name);

async function drilledAt(): Promise<string | undefined> {
  const { stdout } = await site.run('status', '--json');
  return JSON.parse(stdout).versions[0].drilledAt;
}

describe('extend', () => {
  it('moves the date in KMS and in one line of the rotation file', async () => {
    const before = await site.readRotation();
    const { exitCode, stdout } = await extend('--valid-to', later);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 'v1', recovered: false, outcome: 'changed' });
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(later) });
    expect(await site.readRotation()).toBe(before.replace(soon, later));
  });

  it('changes nothing when it is run again', async () => {
    await extend('--valid-to', later);
    const sent = imports();
    expect(JSON.parse((await extend('--valid-to', later)).stdout)).toMatchObject({ outcome: 'unchanged' });
    expect(imports()).toBe(sent);
  });

  it('finishes what a run began that ended between KMS and the rotation file', async () => {
    const before = await site.readRotation();
    await extend('--valid-to', later);
    const sent = imports();
    await site.declare(before);
    expect(JSON.parse((await extend('--valid-to', later)).stdout)).toMatchObject({ outcome: 'changed' });
    expect(imports()).toBe(sent);
    expect(await site.readRotation()).toBe(before.replace(soon, later));
  });

  it('brings an expired key back in one command', async () => {
    site.endpoint.clock.advance(25 * DAY);
    expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
    const { exitCode, stdout } = await extend('--valid-to', later);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ recovered: true, from: null });
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(later) });
  });

  it('refuses a date too far ahead in a dry run too', async () => {
    const { stdout } = await extend('--valid-to', inDays(366), '--dry-run');
    expect(JSON.parse(stdout).error.code).toBe('kms-import-expiry');
  });

  it('changes nothing in a dry run', async () => {
    const before = await site.readRotation();
    const sent = imports();
    expect(await extend('--valid-to', later, '--dry-run')).toMatchObject({ exitCode: 0 });
    expect(imports()).toBe(sent);
    expect(await site.readRotation()).toBe(before);
  });

  it.each([
    ['an earlier date', ['--valid-to', inDays(10)], 'extend-refused'],
    ['no date', [], 'usage'],
    ['two dates', ['--valid-to', later, '--valid-days', '30'], 'usage'],
    ['a date that is none', ['--valid-to', '2027-02-30T00:00:00Z'], 'usage'],
    ['more than 365 days', ['--valid-to', inDays(366)], 'kms-import-expiry'],
    ['a version that is not declared', ['--valid-to', later, '--version', 'v9'], 'usage'],
  ])('refuses %s, and changes nothing', async (_, args, code) => {
    const before = await site.readRotation();
    const { exitCode, stdout } = await extend(...args);
    expect(exitCode).not.toBe(0);
    expect(JSON.parse(stdout).error.code).toBe(code);
    expect(await site.readRotation()).toBe(before);
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(soon) });
  });

  it('refuses a version whose key is off', async () => {
    await site.kms.send(new DisableKeyCommand({ KeyId: keyArn }));
    const { stdout } = await extend('--valid-to', later);
    const { code, message } = JSON.parse(stdout).error;
    expect([code, message]).toEqual(['extend-refused', expect.stringContaining(`enable-key --key-id ${keyArn}`)]);
    expect(await site.describe(keyArn)).toMatchObject({ state: 'Disabled' });
  });

  it('refuses custody that is not here, and makes no other material', async () => {
    const elsewhere = (await site.readRotation()).replace(
      'custody:\n  age:\n',
      'custody:\n  age:\n    directory: elsewhere\n',
    );
    await site.declare(elsewhere);
    const { stdout } = await extend('--valid-to', later);
    expect(JSON.parse(stdout).error.code).toBe('custody-absent');
    expect(existsSync(path.join(site.directory, 'elsewhere'))).toBe(false);
  });
});

describe('drill', () => {
  it('proves what custody holds, leaves date and state alone, and status shows when', async () => {
    expect(await drilledAt()).toBeUndefined();
    const record = readFileSync(custodyFile('rotation-test-v1.record.json'), 'utf8');
    const { exitCode, stdout } = await drill();
    expect(exitCode).toBe(0);
    const { drills, evidence } = JSON.parse(stdout);
    expect(drills).toMatchObject([{ version: 'v1', keyArn, outcome: 'held' }]);
    expect(drills[0].keyMaterialId).toBe(JSON.parse(record).keyMaterialId);
    expect(readFileSync(evidence, 'utf8')).toContain('"drill"');
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(soon) });
    expect(readFileSync(custodyFile('rotation-test-v1.record.json'), 'utf8')).toBe(record);
    expect(await drilledAt()).toMatch(/^\d{4}-/);
  });

  it('goes up to the call in a dry run, and counts for nothing', async () => {
    const sent = imports();
    const { exitCode, stdout } = await drill('--dry-run');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).drills).toMatchObject([{ outcome: 'opened', keyMaterialId: null }]);
    expect(imports()).toBe(sent);
    expect(await drilledAt()).toBeUndefined();
  });

  it("fails when the custody file was swapped for another version's", async () => {
    const other = await site.declareKey('v2');
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    await site.run('pre-apply', '--yes');
    copyFileSync(custodyFile('rotation-test-v2.age'), custodyFile('rotation-test-v1.age'));
    const { exitCode, stdout } = await drill();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'drill-failed', facts: { version: 'v1', keyArn } });
    expect(await drilledAt()).toBeUndefined();
    expect(await site.describe(keyArn)).toMatchObject({ state: 'Enabled' });
    expect(await site.run('drill', '--version', 'v2', '--yes', '--identity', site.identityFile)).toMatchObject({
      exitCode: 0,
    });
    expect(await site.describe(other)).toMatchObject({ state: 'Enabled' });
    expect(readdirSync(path.join(site.directory, 'custody')).filter((name) => name.includes('pending'))).toEqual([]);
  });

  it.each([
    ['no identity is given', ['drill', '--yes', '--json'], 'custody-identity-needed'],
    [
      'the identity opens nothing',
      ['drill', '--yes', '--json', '--identity', 'other.txt'],
      'custody-identity-mismatch',
    ],
    ['nobody can be asked', ['drill', '--json', '--identity', 'identity.txt'], 'confirmation-needed'],
  ])('fails when %s', async (_, args, code) => {
    await site.run('keygen', '--out', 'other.txt');
    const { stdout } = await site.run(...args);
    expect(JSON.parse(stdout).error.code).toBe(code);
  });

  it('refuses a key that is off: an import could enable it', async () => {
    await site.kms.send(new DisableKeyCommand({ KeyId: keyArn }));
    const { stdout } = await drill('--version', 'v1');
    expect(JSON.parse(stdout).error.code).toBe('drill-refused');
    expect(await site.describe(keyArn)).toMatchObject({ state: 'Disabled' });
    expect(await drill('--version', 'v1', '--dry-run')).toMatchObject({ exitCode: 0 });
  });
});

describe('a key that is rotated in place', () => {
  it('is drilled and extended a material at a time, each found again afterwards', async () => {
    const inPlace = (versions: readonly string[]) => `${rotationText(versions, 'v1')}strategy: in-place\n`;
    await site.declare(
      inPlace(['v1', 'v2'])
        .replace('- name: v1\n', `- name: v1\n    materialValidTo: ${soon}\n`)
        .replace('- name: v2\n', `- name: v2\n    materialValidTo: ${inDays(40)}\n`),
    );
    expect(await site.run('pre-apply', '--yes')).toMatchObject({ exitCode: 0 });
    const identity = ['--identity', site.identityFile, '--yes', '--json'];
    const both = await site.run('extend', '--version', 'v2', '--valid-to', later, ...identity);
    expect(both).toMatchObject({ exitCode: 0 });
    for (const version of ['v1', 'v2']) {
      const drilled = await site.run('drill', '--version', version, ...identity);
      expect(JSON.parse(drilled.stdout)).toMatchObject({ drills: [{ version, outcome: 'held' }] });
    }
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(soon) });
    const again = await site.run('extend', '--version', 'v2', '--valid-to', later, ...identity);
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'unchanged' });
  });
});

describe('doctor', () => {
  it('reports material that expires soon, and the custodian', async () => {
    const { findings } = JSON.parse((await site.run('doctor', '--json')).stdout);
    const found = (check: string) => findings.find((one: { check: string }) => one.check === check);
    expect(found('expiry')).toMatchObject({ sound: true, found: expect.stringContaining('v1 expires in 19 days') });
    expect(found('custody')).toMatchObject({ sound: true, found: '1 age recipient(s)' });
  });
});

describe('a clock of this machine that is wrong', () => {
  afterEach(() => {
    globalThis.Date = HostDate;
  });

  it('is named where it makes a date that KMS does not take', async () => {
    globalThis.Date = dateAhead(3 * 3_600_000);
    const { stdout } = await extend('--valid-days', '365');
    const { code, message } = JSON.parse(stdout).error;
    expect([code, message]).toEqual(['kms-import-expiry', expect.stringContaining("by this machine's it is not")]);
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(soon) });
  });
});
