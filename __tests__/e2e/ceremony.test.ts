import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { openSite, rotationText, type Site } from '../support/keyturn-process';

/** A ceremony by three processes: two with AWS access, and one between them that has none and no rotation file. */
jest.setTimeout(180_000);

let site: Site;
let kms: KMSClient;
let keyArn: string;
/** Where the material is: nothing but what is carried there. */
let vault: string;
/** Of the answer, as the other person reads it out. */
let fingerprint: string;

beforeAll(async () => {
  site = await openSite();
  const { accessKey, url: endpoint, region } = site.endpoint;
  kms = new KMSClient({ endpoint, region, credentials: accessKey });
  keyArn = await declareKey('v1');
  await site.declare(rotationText(['v1'], 'v1'));
  vault = path.join(site.directory, 'vault');
  mkdirSync(vault);
});

afterAll(async () => {
  kms.destroy();
  await site.close();
});

async function declareKey(version: string): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  const AliasName = `alias/rotation-test-key/${version}`;
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata?.KeyId }));
  return KeyMetadata?.Arn ?? '';
}

const stateOf = async (arn: string) => (await kms.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata?.KeyState;
const carried = (name: string) => path.join(site.directory, name);
const material = (...args: readonly string[]) => site.run(['material', ...args, '--json', '--yes']);
const errorOf = (finished: { stdout: string }) => JSON.parse(finished.stdout).error;

/** No endpoint, no credentials, no Region, and a proxy that leads nowhere. */
function wrap(...args: readonly string[]) {
  const offline = Object.fromEntries(Object.keys(site.endpoint.environment()).map((name) => [name, undefined]));
  const nowhere = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
  const where = ['--directory', path.join(vault, 'custody')];
  return site.run(['material', 'wrap', ...where, ...args, '--json'], { env: { ...offline, ...nowhere } });
}

it('prepares a request that a person can check', async () => {
  const { exitCode, stdout, stderr } = await material('prepare', '--out', carried('request.json'));
  expect(exitCode).toBe(0);
  const { publicKeySha256, validTo } = JSON.parse(stdout);
  expect(stderr).toContain(keyArn);
  expect(stderr).toContain(validTo);
  expect(stderr.replaceAll(' ', '')).toContain(publicKeySha256);
});

it('is not wrapped where the fingerprint that was read out is another one', async () => {
  const wrong = 'ab'.repeat(32);
  const args = ['--request', carried('request.json'), '--recipient', site.recipient, '--fingerprint', wrong];
  expect(errorOf(await wrap(...args)).code).toBe('ceremony-mismatch');
  expect(existsSync(path.join(vault, 'custody'))).toBe(false);
});

it('wraps without AWS, without a network and without a rotation file, custody first', async () => {
  const before = [...site.endpoint.requests].length;
  const { publicKeySha256 } = JSON.parse(readFileSync(carried('request.json'), 'utf8'));
  const heard = publicKeySha256.replace(/.{4}/g, '$& ').toUpperCase();
  const args = ['--request', carried('request.json'), '--recipient', site.recipient, '--fingerprint', heard];
  const { exitCode, stdout, stderr } = await wrap(...args, '--out', carried('wrapped.json'));
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  ({ answerSha256: fingerprint } = JSON.parse(stdout));
  expect(stderr.replaceAll(' ', '')).toContain(fingerprint);
  expect(readdirSync(path.join(vault, 'custody')).sort()).toEqual([
    'rotation-test-v1.age',
    'rotation-test-v1.pending.json',
  ]);
  expect([...site.endpoint.requests].length).toBe(before);
});

it('answers a second time with the same material, and never over a file', async () => {
  const { publicKeySha256 } = JSON.parse(readFileSync(carried('request.json'), 'utf8'));
  const args = ['--request', carried('request.json'), '--recipient', site.recipient, '--fingerprint', publicKeySha256];
  expect(errorOf(await wrap(...args, '--out', carried('wrapped.json'))).code).toBe('ceremony-file');
  expect(await wrap(...args, '--out', carried('again.json'))).toMatchObject({ exitCode: 0 });
  const [one, two] = ['wrapped.json', 'again.json'].map((name) => JSON.parse(readFileSync(carried(name), 'utf8')));
  expect(two.wrapped).toBe(one.wrapped);
});

describe('material import refuses, and leaves the key empty', () => {
  afterEach(async () => expect(await stateOf(keyArn)).toBe('PendingImport'));

  it('wrapped material that was altered on the way', async () => {
    const answer = JSON.parse(readFileSync(carried('wrapped.json'), 'utf8'));
    const wrapped = Buffer.from(answer.wrapped, 'base64');
    wrapped.writeUInt8(wrapped.readUInt8(9) ^ 1, 9);
    writeFileSync(carried('altered.json'), JSON.stringify({ ...answer, wrapped: wrapped.toString('base64') }));
    const refused = await material('import', '--request', carried('request.json'), '--answer', carried('altered.json'));
    expect(errorOf(refused).code).toBe('ceremony-mismatch');
  });

  it('an answer to another request', async () => {
    await material('prepare', '--out', carried('second.json'));
    const refused = await material('import', '--request', carried('second.json'), '--answer', carried('wrapped.json'));
    expect(errorOf(refused).facts.reason).toContain('another request');
  });

  it('a request for another key than the version has now', async () => {
    const request = JSON.parse(readFileSync(carried('request.json'), 'utf8'));
    const other = await declareKey('v7');
    writeFileSync(carried('other-key.json'), JSON.stringify({ ...request, keyArn: other }));
    const refused = await material(
      'import',
      '--request',
      carried('other-key.json'),
      '--answer',
      carried('wrapped.json'),
    );
    expect(errorOf(refused).facts.reason).toContain(other);
  });

  it('a request that is past its time', async () => {
    const request = JSON.parse(readFileSync(carried('request.json'), 'utf8'));
    writeFileSync(carried('stale.json'), JSON.stringify({ ...request, validTo: '2026-01-01T00:00:00.000Z' }));
    const refused = await material('import', '--request', carried('stale.json'), '--answer', carried('wrapped.json'));
    expect(errorOf(refused).code).toBe('ceremony-stale');
    expect(errorOf(await wrap('--request', carried('stale.json'), '--recipient', site.recipient)).code).toBe(
      'ceremony-stale',
    );
  });

  it('an option of another part, and a part that there is not', async () => {
    expect(errorOf(await material('import', '--recipient', site.recipient)).code).toBe('usage');
    expect(errorOf(await material('unwrap')).code).toBe('usage');
    expect(errorOf(await wrap('--request', carried('request.json'), '--yes')).code).toBe('usage');
  });

  it('everything in a dry run', async () => {
    const args = ['--request', carried('request.json'), '--answer', carried('wrapped.json'), '--dry-run'];
    expect(await material('import', ...args)).toMatchObject({ exitCode: 0 });
  });
});

it('imports what fits, proves it, and keeps a record on this side', async () => {
  const args = ['--request', carried('request.json'), '--answer', carried('wrapped.json')];
  expect(errorOf(await material('import', ...args)).code).toBe('usage');
  const { exitCode, stdout } = await material('import', ...args, '--fingerprint', fingerprint);
  expect(exitCode).toBe(0);
  const { keyMaterialId } = JSON.parse(stdout);
  expect(await stateOf(keyArn)).toBe('Enabled');
  const record = readFileSync(path.join(site.directory, 'custody', 'rotation-test-v1.record.json'), 'utf8');
  expect(JSON.parse(record)).toMatchObject({
    keyArn,
    keyMaterialId,
    custody: { kind: 'age', recipients: [site.recipient] },
  });
});

it('holds material in the vault that is the material of the key', async () => {
  await site.declare(rotationText(['v1'], 'v1').replace('  age:\n', '  age:\n    directory: vault/custody\n'));
  const { exitCode, stdout } = await site.run(['drill', '--yes', '--json', '--identity', site.identityFile]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).drills).toMatchObject([{ version: 'v1', outcome: 'held' }]);
});
