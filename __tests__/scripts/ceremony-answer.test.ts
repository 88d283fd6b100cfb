import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DisableKeyCommand } from '@aws-sdk/client-kms';
import { sha256Hex } from '../../lib/key-material/wrap';
import { wrap } from '../conformance/byok';
import { type CustodySite, datedText, errorOf, inDays, openSiteOfV1 } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';

/** What comes back from the machine without AWS access is believed only as far as two people compared it. */
jest.setTimeout(60_000);

let site: CustodySite;
let keyArn: string;
let fingerprint: string;
let vault: readonly string[];
const at = (name: string) => path.join(site.directory, name);
const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));
const material = (...args: readonly string[]) => site.run('material', ...args, '--json', '--yes');
const importing = (answer: string, ...more: readonly string[]) =>
  material('import', '--request', 'request.json', '--answer', answer, ...more);

beforeEach(async () => {
  const opened = await openSiteOfV1();
  site = opened;
  keyArn = opened.keyArn;
  await material('prepare', '--out', 'request.json');
  const [, recipient = ''] = /recipients: \[(\S+)\]/.exec(await site.readRotation()) ?? [];
  const heard = read('request.json').publicKeySha256;
  vault = ['--request', 'request.json', '--recipient', recipient, '--directory', 'vault', '--out', 'answer.json'];
  const wrapped = await material('wrap', ...vault, '--fingerprint', heard);
  fingerprint = JSON.parse(wrapped.stdout).answerSha256;
});
afterEach(() => site.close());

it('refuses to wrap for a request that nobody compared, also with --yes, and keeps nothing in custody', async () => {
  const unseen = vault.map((one) => (one === 'vault' ? 'other-vault' : one === 'answer.json' ? 'unseen.json' : one));
  expect(errorOf(await material('wrap', ...unseen)).code).toBe('usage');
  expect(errorOf(await material('wrap', ...unseen, '--fingerprint', 'ab'.repeat(32))).code).toBe('ceremony-mismatch');
  expect([existsSync(at('other-vault')), existsSync(at('unseen.json'))]).toEqual([false, false]);
});

/** The carrier's own answer: his bytes under the request's public key, everything else as in the true one. */
function forged(changes: object = {}): string {
  const wrapped = wrap(randomBytes(32), Buffer.from(read('request.json').publicKey, 'base64'));
  const answer = { ...read('answer.json'), wrapped: wrapped.toString('base64'), wrappedSha256: sha256Hex(wrapped) };
  writeFileSync(at('forged.json'), JSON.stringify({ ...answer, ...changes }));
  return 'forged.json';
}

it("refuses a carrier's own answer, also with --yes, and imports the true one", async () => {
  expect(errorOf(await importing(forged())).code).toBe('usage');
  expect(errorOf(await importing(forged(), '--fingerprint', fingerprint)).code).toBe('ceremony-mismatch');
  expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
  expect(await importing('answer.json', '--fingerprint', fingerprint)).toMatchObject({ exitCode: 0 });
  expect(await site.describe(keyArn)).toMatchObject({ state: 'Enabled' });
});

it("refuses an answer whose copy is for a carrier's own recipients", async () => {
  const error = errorOf(await importing(forged({ recipients: ['age1carrier'] }), '--fingerprint', fingerprint));
  expect([error.code, error.facts.reason]).toEqual(['ceremony-mismatch', expect.stringContaining('age1carrier')]);
});

it('records the copy that is on this machine, which status then misses, and none that is not', async () => {
  const locationAfter = async () => {
    expect(await importing('answer.json', '--fingerprint', fingerprint)).toMatchObject({ exitCode: 0 });
    return read('custody/rotation-test-v1.record.json').custody.location;
  };
  expect(await locationAfter()).toBeNull();
  cpSync(at('vault/rotation-test-v1.age'), at('custody/rotation-test-v1.age'));
  expect(await locationAfter()).toBe('rotation-test-v1.age');
  rmSync(at('custody/rotation-test-v1.age'));
  const { drift } = JSON.parse((await site.run('status', '--json')).stdout);
  expect(drift.map((one: { code: string }) => one.code)).toContain('custody-lost');
});

it('refuses to import what custody on this machine holds otherwise', async () => {
  site.endpoint.faults.inject({
    match: { operation: 'ImportKeyMaterial' },
    // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
    then: { kind: 'reset-before' },
  });
  await site.run('pre-apply', '--yes');
  site.endpoint.faults.clear();
  expect(existsSync(at('custody/rotation-test-v1.age'))).toBe(true);
  const error = errorOf(await importing('answer.json', '--fingerprint', fingerprint));
  expect([error.code, error.facts.reason]).toEqual(['ceremony-mismatch', expect.stringContaining('another copy')]);
  expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
});

it('refuses in place an answer that was relabelled for another version, and renames nothing', async () => {
  const inPlace = (versions: readonly string[]) => `${rotationText(versions, 'v1')}strategy: in-place\n`;
  await site.declare(inPlace(['v1']));
  expect(await importing('answer.json', '--fingerprint', fingerprint)).toMatchObject({ exitCode: 0 });
  await site.declare(inPlace(['v1', 'v2']));
  for (const file of ['request.json', 'answer.json'])
    writeFileSync(at(`v2-${file}`), JSON.stringify({ ...read(file), version: 'v2' }));
  const again = await material('import', '--request', 'v2-request.json', '--answer', 'v2-answer.json', '--dry-run');
  const spoken = /answer {8}([0-9a-f ]+)/.exec(again.stderr)?.[1] ?? '';
  const args = ['--request', 'v2-request.json', '--answer', 'v2-answer.json', '--fingerprint', spoken];
  expect(errorOf(await material('import', ...args)).code).toBe('material-in-key');
});

describe('a later date', () => {
  let rounds = 0;
  /** The same material, wrapped again by who keeps it. */
  async function again(...more: readonly string[]) {
    rounds += 1;
    const [request, answer] = [`request-${rounds}.json`, `answer-${rounds}.json`];
    await material('prepare', '--version', 'v1', '--out', request);
    const heard = ['--fingerprint', read(request).publicKeySha256, '--identity', site.identityFile];
    const files = vault.map((one) => ({ 'request.json': request, 'answer.json': answer })[one] ?? one);
    const { stdout } = await material('wrap', ...files, ...heard);
    const { answerSha256 } = JSON.parse(stdout);
    return material('import', '--request', request, '--answer', answer, '--fingerprint', answerSha256, ...more);
  }
  const [soon, later] = [inDays(30), inDays(200)];

  beforeEach(async () => {
    await site.declare(datedText('v1', soon));
    expect(await importing('answer.json', '--fingerprint', fingerprint)).toMatchObject({ exitCode: 0 });
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(soon) });
  });

  it('is given by a ceremony, which says what KMS has afterwards and writes it into the rotation file', async () => {
    const dry = await again('--valid-to', later, '--dry-run');
    expect([JSON.parse(dry.stdout).validTo, (await site.describe(keyArn)).validTo]).toEqual([
      new Date(later).toISOString(),
      new Date(soon),
    ]);
    const { exitCode, stdout, stderr } = await again('--valid-to', later);
    expect([exitCode, JSON.parse(stdout).validTo]).toEqual([0, new Date(later).toISOString()]);
    expect(stderr).toContain(`is valid to ${new Date(later).toISOString()} by KMS`);
    expect(await site.describe(keyArn)).toEqual({ state: 'Enabled', validTo: new Date(later) });
    expect(await site.readRotation()).toBe(
      datedText('v1', later).replace('RECIPIENT', /age1\w+/.exec(await site.readRotation())?.[0] ?? ''),
    );
  });

  it('is taken from the rotation file, and is never earlier than that of KMS', async () => {
    await site.declare(datedText('v1', later));
    expect(await again()).toMatchObject({ exitCode: 0 });
    expect((await site.describe(keyArn)).validTo).toEqual(new Date(later));
    await site.declare(datedText('v1', soon));
    expect(JSON.parse((await again()).stdout).validTo).toBe(new Date(later).toISOString());
  });

  it('is advised as a ceremony where another machine keeps the material', async () => {
    await site.declare(datedText('v1', later));
    const differing = JSON.parse((await site.run('status', '--json')).stdout).drift;
    expect(differing.map((one: { fix: string }) => one.fix).join()).toContain(
      'npx keyturn material prepare --version v1',
    );
  });

  it.each([
    ['an earlier date', ['--valid-to', inDays(10)], 'extend-refused'],
    ['a date too far ahead', ['--valid-to', inDays(400)], 'kms-import-expiry'],
    ['a date that is none', ['--valid-to', 'tomorrow'], 'usage'],
  ])('refuses %s, and changes nothing', async (_, more, code) => {
    expect(errorOf(await again(...more)).code).toBe(code);
    expect((await site.describe(keyArn)).validTo).toEqual(new Date(soon));
  });

  it('refuses a key that is off: an import would enable it', async () => {
    await site.kms.send(new DisableKeyCommand({ KeyId: keyArn }));
    expect(errorOf(await again('--valid-to', later)).code).toBe('extend-refused');
    expect((await site.describe(keyArn)).state).toBe('Disabled');
  });
});
