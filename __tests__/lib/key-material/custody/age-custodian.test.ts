import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { type ErrorCode, KeyturnError } from '../../../../lib/errors';
import { generateIdentity } from '../../../../lib/key-material/age-identity';
import { createAgeCustodian } from '../../../../lib/key-material/custody/age-custodian';
import type { MaterialCustodian } from '../../../../lib/key-material/custody/custodian';
import { KeyMaterial } from '../../../../lib/key-material/secret';
import { itWith } from '../../../support/requirement';
import { KEY_ARN, temporaryFolder } from '../kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const identityFile = join(folder.path, 'identity.txt');
const secondIdentity = join(folder.path, 'second.txt');
const quantumIdentity = join(folder.path, 'quantum.txt');
let recipients: string[];

beforeAll(async () => {
  recipients = [(await generateIdentity(identityFile)).recipient, (await generateIdentity(secondIdentity)).recipient];
});

let count = 0;
const custodianFor = (chosen = recipients): Promise<MaterialCustodian> => {
  count += 1;
  return createAgeCustodian({ rotation: 'test', directory: join(folder.path, `custody${count}`), recipients: chosen });
};

async function keep(custodian: MaterialCustodian, bytes: Buffer): Promise<string> {
  using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
  await (await custodian.seal('v1', material)).store();
  return custodian.locate('v1');
}

async function opened(custodian: MaterialCustodian, identity: string | undefined): Promise<Buffer> {
  using material = await custodian.open('v1', KEY_ARN, identity);
  return material.withBytes('test', (bytes) => Buffer.from(bytes));
}

const codeOf = async (work: Promise<unknown>): Promise<ErrorCode | 'done'> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof KeyturnError) return error.code;
    throw error;
  }
};

test('every recipient opens the copy, and it holds the very bytes', async () => {
  const bytes = randomBytes(32);
  const custodian = await custodianFor();
  await keep(custodian, bytes);
  expect(await opened(custodian, identityFile)).toEqual(bytes);
  expect(await opened(custodian, secondIdentity)).toEqual(bytes);
});

test('age-encryption itself reads the copy as 32 raw bytes', async () => {
  const bytes = randomBytes(32);
  const path = await keep(await custodianFor(), bytes);
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(readFileSync(identityFile, 'utf8').split('\n')[2] ?? '');
  expect(Buffer.from(await decrypter.decrypt(readFileSync(path)))).toEqual(bytes);
});

test('a copy that age-encryption made, armored or not, is opened too', async () => {
  const { Encrypter, armor } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipients[0] ?? '');
  const bytes = randomBytes(32);
  const file = await encrypter.encrypt(bytes);
  const custodian = await custodianFor();
  const path = await keep(custodian, randomBytes(32));
  writeFileSync(path, file);
  expect(await opened(custodian, identityFile)).toEqual(bytes);
  writeFileSync(path, armor.encode(file));
  expect(await opened(custodian, identityFile)).toEqual(bytes);
});

test('a post-quantum recipient opens the copy', async () => {
  const { recipient } = await generateIdentity(quantumIdentity, { postQuantum: true });
  expect(recipient).toMatch(/^age1pq1/);
  const bytes = randomBytes(32);
  const custodian = await custodianFor([recipient]);
  await keep(custodian, bytes);
  expect(await opened(custodian, quantumIdentity)).toEqual(bytes);
  expect(await codeOf(opened(custodian, identityFile))).toBe('custody-identity-mismatch');
});

const testWithAge = itWith({
  what: 'the age command',
  isMet: spawnSync('age', ['--version']).status === 0,
  install: 'apt-get install age',
});
testWithAge('the stock age command opens the copy', async () => {
  const bytes = randomBytes(32);
  const path = await keep(await custodianFor(), bytes);
  const { stdout, status } = spawnSync('age', ['--decrypt', '--identity', identityFile, path]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: bytes });
});

test('the copy is 0600 in a directory of 0700, and nothing else is left there', async () => {
  const path = await keep(await custodianFor(), randomBytes(32));
  const directory = join(path, '..');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory)).toEqual(['test-v1.age']);
});

test('no written byte shows the material, raw, hex or base64', async () => {
  const bytes = randomBytes(32);
  const written = readFileSync(await keep(await custodianFor(), bytes));
  for (const form of [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64').slice(0, 40))]) {
    expect(written.includes(form)).toBe(false);
  }
});

test('refuses to overwrite a copy, and leaves it as it was', async () => {
  const custodian = await custodianFor();
  const path = await keep(custodian, randomBytes(32));
  const before = readFileSync(path);
  expect(await codeOf(keep(custodian, randomBytes(32)))).toBe('custody-exists');
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(join(path, '..'))).toHaveLength(1);
});

test('held reports whether there is a copy, and distinguishes copies', async () => {
  const custodian = await custodianFor();
  expect(await custodian.copyBinding('v1')).toBeUndefined();
  await keep(custodian, randomBytes(32));
  expect(await custodian.copyBinding('v1')).toMatch(/^[0-9a-f]{64}$/);
  expect(await custodian.copyBinding('v2')).toBeUndefined();
});

describe('opening fails when', () => {
  test('no identity is given, and says which file needs one', async () => {
    const custodian = await custodianFor();
    const path = await keep(custodian, randomBytes(32));
    const error = await custodian.open('v1', KEY_ARN, undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'custody-identity-needed', facts: { file: path, keyArn: KEY_ARN } });
    expect((error as KeyturnError).hint).toContain('--identity');
  });

  test('the identity belongs to nobody among the recipients', async () => {
    const custodian = await custodianFor([recipients[0] ?? '']);
    await keep(custodian, randomBytes(32));
    expect(await codeOf(opened(custodian, secondIdentity))).toBe('custody-identity-mismatch');
  });

  test.each([
    ['is missing', undefined],
    ['holds none', '# only a comment\n'],
    ['holds something else', 'age1notanidentity\n'],
    ['holds a mistyped identity', 'AGE-SECRET-KEY-1QQQQ\n'],
  ])('the identity file %s', async (_name, text) => {
    const custodian = await custodianFor();
    await keep(custodian, randomBytes(32));
    const path = join(folder.path, `identity-${count}`);
    if (text !== undefined) writeFileSync(path, text);
    const error = await opened(custodian, path).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'custody-identity-file' });
    if (text) expect(inspect(error)).not.toContain(text.trim());
  });

  test('any byte of the copy was altered', async () => {
    const custodian = await custodianFor([recipients[0] ?? '']);
    const bytes = randomBytes(32);
    const path = await keep(custodian, bytes);
    const whole = readFileSync(path);
    for (let index = 0; index < whole.length; index += 1) {
      const altered = Buffer.from(whole);
      altered[index] = (altered[index] ?? 0) ^ 1;
      writeFileSync(path, altered);
      expect(['custody-damaged', 'custody-identity-mismatch']).toContain(await codeOf(opened(custodian, identityFile)));
    }
  });

  test('the copy was cut anywhere, or is longer', async () => {
    const custodian = await custodianFor([recipients[0] ?? '']);
    const path = await keep(custodian, randomBytes(32));
    const whole = readFileSync(path);
    for (const cut of [0, 1, 20, whole.length - 70, whole.length - 33, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, cut));
      expect(await codeOf(opened(custodian, identityFile))).toBe('custody-damaged');
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.from([0])]));
    expect(await codeOf(opened(custodian, identityFile))).toBe('custody-damaged');
  });
});

test('what was decrypted is zeroed when the tag does not fit', async () => {
  const custodian = await custodianFor([recipients[0] ?? '']);
  const bytes = randomBytes(32);
  const path = await keep(custodian, bytes);
  const whole = readFileSync(path);
  whole[whole.length - 1] = (whole[whole.length - 1] ?? 0) ^ 1;
  writeFileSync(path, whole);
  const fill = jest.spyOn(Buffer.prototype, 'fill');
  const code = await codeOf(opened(custodian, identityFile));
  const zeroed = fill.mock.contexts.filter((buffer) => (buffer as Buffer).length === 32);
  fill.mockRestore();
  expect(code).toBe('custody-damaged');
  expect(zeroed.length).toBeGreaterThanOrEqual(2);
});

describe('a custodian is refused', () => {
  test.each([
    ['text', 'nonsense'],
    ['a mistyped recipient', 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq'],
    ['nothing', ''],
  ])('for %s instead of a recipient', async (_name, recipient) => {
    expect(await codeOf(custodianFor([recipient]))).toBe('custody-recipient-invalid');
  });

  test('for a classical recipient together with a post-quantum one', async () => {
    const { recipient } = await generateIdentity(join(folder.path, 'mixed.txt'), { postQuantum: true });
    expect(await codeOf(custodianFor([recipient]))).toBe('done');
    expect(await codeOf(custodianFor([recipient, ...recipients]))).toBe('custody-recipient-invalid');
  });

  test('without recipients', async () => {
    expect(await codeOf(custodianFor([]))).toBe('custody-recipients-missing');
  });

  test('for a secret identity in the place of a recipient, which is not shown', async () => {
    const identity = readFileSync(identityFile, 'utf8').split('\n')[2] ?? '';
    const error = await custodianFor([identity]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'custody-recipient-invalid' });
    expect(inspect(error)).not.toContain(identity);
  });
});

test('a directory that cannot be written is named with the reason', async () => {
  const blocked = join(folder.path, 'a-file');
  writeFileSync(blocked, '');
  chmodSync(blocked, 0o400);
  const custodian = await createAgeCustodian({ rotation: 'test', directory: join(blocked, 'custody'), recipients });
  expect(await codeOf(keep(custodian, randomBytes(32)))).toBe('custody-write-failed');
});
