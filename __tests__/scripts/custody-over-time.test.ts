import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createClients } from '../../lib/aws/clients';
import { endpointsOf } from '../../lib/aws/endpoints';
import { generateIdentity } from '../../lib/key-material/age-identity';
import { createAgeCustodian } from '../../lib/key-material/custody/age-custodian';
import { generateKeyMaterial } from '../../lib/key-material/secret';
import { importMaterial } from '../../lib/kms/import-key-material';
import { importParameters } from '../../lib/kms/import-parameters';
import { type CustodySite, datedText, errorOf, inDays, openSiteOfV1 } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';
import { tlsRelay } from '../support/tls-relay';

/** Custody that changes its kind, drills of many versions, endpoints that are not AWS's. */
jest.setTimeout(60_000);

let site: CustodySite;
let keyArn: string;
beforeEach(async () => {
  const opened = await openSiteOfV1();
  site = opened;
  keyArn = opened.keyArn;
});
afterEach(() => site.close());

const at = (...parts: readonly string[]) => path.join(site.directory, ...parts);
const drill = (...args: readonly string[]) => site.run('drill', '--yes', '--json', ...args);

async function twoVersionsOfTwoKinds(): Promise<void> {
  await site.run('pre-apply', '--yes');
  await site.declareKey('v2');
  const sample = path.resolve(__dirname, '../../docs/samples/custodian.mjs');
  const command = `  command: { run: [${process.execPath}, ${sample}] }`;
  await site.declare(rotationText(['v1', 'v2'], 'v1').replace(/ {2}age:\n.*\n/, `${command}\n`));
  Object.assign(process.env, { CUSTODIAN_FOLDER: at('vault'), CUSTODIAN_KEY_FILE: at('vault.key') });
  writeFileSync(at('vault.key'), randomBytes(32));
  const finished = await site.run('pre-apply', '--yes', '--json');
  expect([finished.exitCode, errorOf(finished).code]).toEqual([0, 'done']);
}

it('opens each version by the kind that its record names, after the rotation file changed from age to a command', async () => {
  await twoVersionsOfTwoKinds();
  const { exitCode, stdout } = await drill('--identity', site.identityFile);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).drills.map((one: { custody: { kind: string } }) => one.custody.kind)).toEqual([
    'age',
    'command',
  ]);
});

it('drills every version and reports each, also after one that failed', async () => {
  await twoVersionsOfTwoKinds();
  await site.declareKey('v3');
  await site.declare((await site.readRotation()).replace('  - name: v2\n', '  - name: v2\n  - name: v3\n'));
  await site.run('pre-apply', '--yes');
  rmSync(at('custody', 'rotation-test-v1.age'));
  const { exitCode, stdout, stderr } = await drill('--identity', site.identityFile);
  expect([exitCode, errorOf({ stdout }).code]).toEqual([1, 'custody-absent']);
  expect(stderr).toContain('drill v3');
  const versions = JSON.parse((await site.run('status', '--json')).stdout).versions;
  expect(versions.map((one: { drilledAt?: string }) => one.drilledAt !== undefined)).toEqual([false, true, true]);
});

describe('an endpoint that is not AWS’s', () => {
  it('stands in what people read, in JSON, in the evidence and in the custody record', async () => {
    const { stdout, stderr } = await site.run('pre-apply', '--yes', '--json');
    const { url } = site.endpoint;
    expect(stderr).toContain(`this is not AWS: kms ${url}`);
    const { endpoints, evidence } = JSON.parse(stdout);
    expect(endpoints).toEqual({ kms: url, s3: url, sts: url });
    expect(readFileSync(evidence, 'utf8').split('\n')[1]).toContain(`"endpoints":{"kms":"${url}"`);
    const record = JSON.parse(readFileSync(at('custody', 'rotation-test-v1.record.json'), 'utf8'));
    expect(record.import.endpoint).toBe(url);
  });

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_KMS'])('refuses plain http off this machine in %s', async (name) => {
    process.env[name] = 'http://kms.example.com';
    const clients = createClients({ region: site.endpoint.region, env: process.env });
    const refused = { code: 'endpoint-insecure', facts: { url: 'http://kms.example.com' } };
    try {
      expect(await endpointsOf(clients)).toMatchObject({ kms: 'http://kms.example.com' });
      await expect(importParameters(clients.kms, keyArn)).rejects.toMatchObject(refused);
      const bytes = { importToken: Buffer.from('token'), wrapped: Buffer.from('bytes') };
      const request = { keyArn, ...bytes, importType: 'NEW_KEY_MATERIAL' } as const;
      await expect(importMaterial(clients.kms, request)).rejects.toMatchObject(refused);
    } finally {
      clients.destroy();
    }
  });

  it('refuses a certificate that nobody verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    const relay = await tlsRelay(site.endpoint.url);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: relay.url,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      AWS_MAX_ATTEMPTS: '1',
    });
    try {
      const refused = await site.run('pre-apply', '--yes', '--json');
      expect(errorOf(refused).code).toBe('aws-tls-untrusted');
      expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
    } finally {
      await relay.close();
    }
  });
});

describe('a custody folder and an identity file that others can use', () => {
  it('are warned of by the commands that use them, and by doctor', async () => {
    await site.run('pre-apply', '--yes');
    chmodSync(at('custody'), 0o777);
    chmodSync(site.identityFile, 0o644);
    const { stderr } = await site.run('drill', '--yes', '--identity', site.identityFile);
    expect(stderr).toContain(`can write to ${at('custody')}`);
    expect(stderr).toContain(`can read ${site.identityFile}`);
    const { findings } = JSON.parse((await site.run('doctor', '--json')).stdout);
    const found = findings.find((one: { check: string }) => one.check === 'custody folder');
    expect(found).toMatchObject({ sound: false, hint: expect.stringContaining('chmod go-rwx') });
    chmodSync(at('custody'), 0o700);
    expect(statSync(at('custody')).mode & 0o077).toBe(0);
  });
});

describe('custody that was changed behind our back', () => {
  interface Seen {
    readonly code: string;
    readonly level: string;
    readonly text: string;
    readonly fix: string;
  }
  const COPY = 'custody/rotation-test-v1.age';
  const RECORD = 'custody/rotation-test-v1.record.json';
  const inRecord = (from: string | RegExp, to: string) =>
    writeFileSync(at(RECORD), readFileSync(at(RECORD), 'utf8').replace(from, to));
  const located = (where: string) => inRecord('"location": "rotation-test-v1.age"', `"location": "${where}"`);
  /** A sound age file in a place like custody: other bytes, or the same for others too. */
  async function forge(name: string, recipients: readonly string[]): Promise<void> {
    const directory = at('forged', name, 'custody');
    const custodian = await createAgeCustodian({ rotation: 'rotation-test', directory, recipients });
    using material = generateKeyMaterial();
    await (await custodian.seal('v1', material)).store();
  }
  const replaced = (make: (file: string) => void) => () => {
    rmSync(at(COPY));
    make(at(COPY));
  };
  const WORLDS: readonly (readonly [string, () => void, string])[] = [
    ['the copy is gone', () => rmSync(at(COPY)), 'custody-lost'],
    ['the copy is empty', replaced((file) => writeFileSync(file, '')), 'custody-lost'],
    ['the copy is no age file', replaced((file) => writeFileSync(file, 'no copy')), 'custody-lost'],
    ['the copy is cut short', () => writeFileSync(at(COPY), readFileSync(at(COPY)).subarray(0, -1)), 'custody-lost'],
    ['the copy is a folder', replaced((file) => mkdirSync(file)), 'custody-lost'],
    ['the copy is a link to nothing', replaced((file) => symlinkSync('/nowhere', file)), 'custody-lost'],
    ['the copy is a link to a folder', replaced((file) => symlinkSync('/', file)), 'custody-lost'],
    ['the folder is gone', () => rmSync(at('custody'), { recursive: true }), 'custody-folder-gone'],
    ['the record is gone', () => rmSync(at(RECORD)), 'custody-record-absent'],
    ['the record is of another account', () => inRecord('123456789012', '999999999999'), 'custody-other-key'],
    [
      'the record is of other material',
      () => inRecord(/("keyMaterialId": ")[0-9a-f]{64}/, `$1${'ab'.repeat(32)}`),
      'custody-of-other-material',
    ],
    [
      'the copy is for other recipients',
      () => cpSync(at('forged', 'stranger', COPY), at(COPY)),
      'custody-copy-differs',
    ],
    ['the copy holds other bytes', () => cpSync(at('forged', 'ours', COPY), at(COPY)), 'custody-copy-differs'],
    [
      'the copy is a link to other bytes',
      replaced((file) => symlinkSync(at('forged', 'ours', COPY), file)),
      'custody-copy-differs',
    ],
    ['the record names a file outside of custody', () => located('../rotation.yaml'), 'custody-copy-differs'],
    ['the record names another copy', () => located('rotation-test-v2.age'), 'custody-copy-differs'],
    [
      'the record names another binding',
      () => inRecord(/("binding": ")[0-9a-f]{64}/, '$1other'),
      'custody-copy-differs',
    ],
    ['the recipients are others', () => inRecord(/age1[a-z0-9]+/, 'age1former'), 'custody-recipients-differ'],
  ];

  const found = async (): Promise<readonly Seen[]> =>
    JSON.parse((await site.run('status', '--json')).stdout).drift.filter((one: Seen) => one.level === 'act');

  it('is found by status and by doctor, whatever was changed', async () => {
    await site.run('pre-apply', '--yes', '--identity', site.identityFile);
    await drill('--identity', site.identityFile);
    expect(await found()).toEqual([]);
    cpSync(at('custody'), at('backup'), { recursive: true });
    const stranger = await generateIdentity(at('stranger.txt'));
    await forge('stranger', [stranger.recipient]);
    await forge('ours', JSON.parse(readFileSync(at(RECORD), 'utf8')).custody.recipients);
    for (const [what, change, code] of WORLDS) {
      change();
      const seen = await found();
      expect([what, seen.map((one) => one.code)]).toEqual([what, expect.arrayContaining([code])]);
      const { findings } = JSON.parse((await site.run('doctor', '--json')).stdout);
      const faults = findings.filter((one: { check: string; sound: boolean }) => one.check === 'keys' && !one.sound);
      const { text } = seen.find((one) => one.code === code) ?? { text: 'no finding' };
      expect([what, faults.map((one: { found: string }) => one.found)]).toEqual([what, expect.arrayContaining([text])]);
      rmSync(at('custody'), { recursive: true, force: true });
      cpSync(at('backup'), at('custody'), { recursive: true });
    }
    inRecord(/("keyMaterialId": ")[0-9a-f]{64}/, `$1${'ab'.repeat(32)}`);
    expect((await drill('--identity', site.identityFile)).exitCode).toBe(0);
    expect(await found()).toEqual([]);
  });

  it('is proven again by a drill, and for whom a replaced copy is sealed is asked until it is sealed anew', async () => {
    await site.run('pre-apply', '--yes');
    await drill('--identity', site.identityFile);
    const { import: first } = JSON.parse(readFileSync(at(RECORD), 'utf8'));
    // The same bytes, sealed by somebody for whomever.
    const { recipients } = JSON.parse(readFileSync(at(RECORD), 'utf8')).custody;
    const custodian = await createAgeCustodian({ rotation: 'rotation-test', directory: at('custody'), recipients });
    {
      using material = await custodian.open('v1', keyArn, site.identityFile);
      await custodian.reseal?.('v1', material);
    }
    expect((await found()).map(({ code }) => code)).toEqual(['custody-copy-differs']);
    expect((await drill('--identity', site.identityFile)).exitCode).toBe(0);
    const [unknown] = await found();
    expect(unknown).toMatchObject({ code: 'custody-recipients-differ', text: expect.stringContaining('is not known') });
    expect((await drill('--identity', site.identityFile, '--reseal')).exitCode).toBe(0);
    expect(await found()).toEqual([]);
    const record = JSON.parse(readFileSync(at(RECORD), 'utf8'));
    expect(record.custody.recipients).toEqual(recipients);
    // The age of the key counts from its first import, not from the last drill.
    expect(record.import.firstImportedAt).toBe(first.importedAt);
  });

  it('is called for by status and doctor when nobody drilled it for a year, until somebody does', async () => {
    await site.run('pre-apply', '--yes');
    inRecord(/("importedAt": ")[^"]*/, `$1${inDays(-366)}`);
    rmSync(at('rotation.lock.json'));
    await site.run('pre-apply', '--yes');
    const doctor = async () => JSON.parse((await site.run('doctor', '--json')).stdout).findings;
    const [due] = await found();
    expect(due).toMatchObject({ code: 'drill-due', text: expect.stringContaining('since its import 366 days ago') });
    expect(await doctor()).toContainEqual({ check: 'keys', sound: false, found: due?.text, hint: due?.fix });
    expect((await drill('--identity', site.identityFile)).exitCode).toBe(0);
    expect(await found()).toEqual([]);
    expect(await doctor()).toContainEqual(expect.objectContaining({ check: 'keys', sound: true }));
  });

  it('is found where a command keeps the copies, and advice names an identity for age alone', async () => {
    await twoVersionsOfTwoKinds();
    expect(await found()).toEqual([]);
    // A command that does not answer shows nothing: said, and gone where it can be reached.
    const notAsked = async () =>
      JSON.parse((await site.run('status', '--json')).stdout).drift.filter(
        (one: Seen) => one.code === 'custody-not-asked',
      );
    const { CUSTODIAN_FOLDER } = process.env;
    delete process.env.CUSTODIAN_FOLDER;
    expect(await notAsked()).toMatchObject([{ level: 'act', fix: expect.stringContaining('npx keyturn status') }]);
    Object.assign(process.env, { CUSTODIAN_FOLDER });
    expect(await notAsked()).toEqual([]);
    // Another copy in its place has another binding.
    const copy = at('vault', 'rotation-test-v2.json');
    const sealed = readFileSync(copy, 'utf8');
    writeFileSync(copy, sealed.replace(/"binding":"[0-9a-f]+"/, `"binding":"${'0'.repeat(32)}"`));
    expect((await found()).map(({ code }) => code)).toEqual(['custody-copy-differs']);
    writeFileSync(copy, sealed);
    rmSync(at('vault'), { recursive: true });
    const lost = (await found()).filter(({ code }) => code === 'custody-lost');
    expect(lost.map(({ fix }) => fix)).toEqual([expect.stringContaining('npx keyturn drill --version v2`')]);
  });

  it('stops a dry run of extend, of drill and of pre-apply, in words of its own', async () => {
    await site.declare(datedText('v1', inDays(20)));
    await site.run('pre-apply', '--yes');
    rmSync(at(COPY));
    const dry = (...args: readonly string[]) => site.run(...args, '--dry-run', '--json');
    const extended = await dry('extend', '--version', 'v1', '--valid-days', '300');
    const drilled = await drill('--dry-run', '--identity', site.identityFile);
    site.endpoint.clock.advance(21 * 86_400_000);
    await site.declare(datedText('v1', inDays(100)));
    const imported = await dry('pre-apply');
    for (const said of [extended, drilled, imported])
      expect([said.exitCode, errorOf(said).code]).toEqual([1, 'custody-absent']);
    rmSync(at(RECORD));
    expect(errorOf(await site.run('pre-apply', '--yes', '--json')).code).toBe('custody-absent');
  });
});
