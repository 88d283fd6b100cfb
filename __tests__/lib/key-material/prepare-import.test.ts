import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { type ErrorCode, KeyturnError } from '../../../lib/errors';
import { generateIdentity } from '../../../lib/key-material/age-identity';
import { abandonImport, type ConfirmedImport, completeImport } from '../../../lib/key-material/complete-import';
import { createAgeCustodian } from '../../../lib/key-material/custody/age-custodian';
import { createCommandCustodian } from '../../../lib/key-material/custody/command-custodian';
import type { MaterialCustodian } from '../../../lib/key-material/custody/custodian';
import { nodeFiles } from '../../../lib/key-material/custody/file-operations';
import { createNoCustodian } from '../../../lib/key-material/custody/no-custodian';
import { type PrepareRequest, pendingImportOf, prepareImport } from '../../../lib/key-material/prepare-import';
import { KeyMaterial } from '../../../lib/key-material/secret';
import { KEY_ARN, OTHER_KEY_ARN, parametersFor, temporaryFolder, unwrap } from './kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const identityFile = join(folder.path, 'identity.txt');
let recipient: string;
beforeAll(async () => {
  ({ recipient } = await generateIdentity(identityFile));
});

let count = 0;
const newDirectory = () => {
  count += 1;
  return join(folder.path, `custody${count}`);
};
const custodianIn = (directory: string) => createAgeCustodian({ rotation: 'test', directory, recipients: [recipient] });
const request = (changes: Partial<PrepareRequest> = {}): PrepareRequest => ({
  version: 'v1',
  keyArn: KEY_ARN,
  parameters: async () => parametersFor(changes.keyArn ?? KEY_ARN),
  source: { kind: 'generate' },
  ...changes,
});
const confirmed: ConfirmedImport = {
  keyMaterialId: 'a'.repeat(64),
  importType: 'NEW_KEY_MATERIAL',
  expirationModel: 'KEY_MATERIAL_EXPIRES',
  validTo: new Date('2027-11-01T00:00:00Z'),
  importedAt: new Date('2026-11-24T00:00:00Z'),
};
const inCustody = async (custodian: MaterialCustodian): Promise<Buffer> => {
  using material = await custodian.open('v1', KEY_ARN, identityFile);
  return material.withBytes('test', (bytes) => Buffer.from(bytes));
};
/** A custodian whose copies are stored in another way. */
const storing = (
  custodian: MaterialCustodian,
  how: (store: () => Promise<void>) => Promise<void>,
): MaterialCustodian => ({
  ...custodian,
  async seal(version, material) {
    const sealed = await custodian.seal(version, material);
    return { ...sealed, store: () => how(sealed.store) };
  },
});
const codeOf = async (work: Promise<unknown>): Promise<ErrorCode | 'done'> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof KeyturnError) return error.code;
    throw error;
  }
};
const tomorrow = () => new Date(Date.now() + 25 * 60 * 60 * 1000);

describe('with nothing in custody', () => {
  test('generates, and puts into custody what it wraps', async () => {
    const custodian = await custodianIn(newDirectory());
    const prepared = await prepareImport(custodian, request());
    expect(prepared).toMatchObject({ from: 'generated', keyArn: KEY_ARN, recipients: [recipient] });
    expect(await inCustody(custodian)).toEqual(unwrap(prepared.wrapped));
  });

  test('takes the material from a file', async () => {
    const path = join(folder.path, 'material');
    const bytes = randomBytes(32);
    writeFileSync(path, bytes);
    const custodian = await custodianIn(newDirectory());
    const prepared = await prepareImport(custodian, request({ source: { kind: 'file', path } }));
    expect(prepared.from).toBe('file');
    expect(unwrap(prepared.wrapped)).toEqual(bytes);
    expect(await inCustody(custodian)).toEqual(bytes);
  });

  test('generates again when a pending import has no copy, since that one never reached KMS', async () => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    const first = await prepareImport(custodian, request());
    rmSync(custodian.locate('v1'));
    const second = await prepareImport(custodian, request());
    expect(second.from).toBe('generated');
    expect(unwrap(second.wrapped)).not.toEqual(unwrap(first.wrapped));
    expect(await inCustody(custodian)).toEqual(unwrap(second.wrapped));
  });

  test('refuses when the record names a copy', async () => {
    const custodian = await custodianIn(newDirectory());
    await completeImport(custodian, await prepareImport(custodian, request()), confirmed);
    rmSync(custodian.locate('v1'));
    expect(await codeOf(prepareImport(custodian, request()))).toBe('custody-damaged');
  });
});

describe('with a copy in custody', () => {
  test('hands out the pending import again, with no identity and no call to KMS', async () => {
    const custodian = await custodianIn(newDirectory());
    const first = await prepareImport(custodian, request());
    const parameters = jest.fn();
    const again = await prepareImport(custodian, request({ parameters }));
    expect(again).toEqual({ ...first, from: 'pending' });
    expect(parameters).not.toHaveBeenCalled();
  });

  test.each([
    ['the token has run out', { now: tomorrow() }],
    ['the pending import is gone', { pending: 'remove' }],
    ['the pending import is damaged', { pending: 'damage' }],
    ['the wrapped blob was altered', { pending: 'alter' }],
  ])('needs the identity when %s, and then wraps the same material', async (_name, how) => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    const first = await prepareImport(custodian, request());
    const path = join(directory, 'test-v1.pending.json');
    if ('pending' in how) {
      if (how.pending === 'remove') rmSync(path);
      if (how.pending === 'damage') writeFileSync(path, '{');
      if (how.pending === 'alter') {
        const text = readFileSync(path, 'utf8');
        writeFileSync(
          path,
          text.replace(/("wrapped": ")(.)/, (_all, head, one) => head + (one === 'A' ? 'B' : 'A')),
        );
      }
    }
    const now = 'now' in how ? how.now : undefined;
    expect(await codeOf(prepareImport(custodian, request({ now })))).toBe('custody-identity-needed');
    const again = await prepareImport(custodian, request({ now, identityFile }));
    expect(again.from).toBe('custody');
    expect(unwrap(again.wrapped)).toEqual(unwrap(first.wrapped));
  });

  test('after a completed import the same material is wrapped again, for another expiry', async () => {
    const custodian = await custodianIn(newDirectory());
    const first = await prepareImport(custodian, request());
    await completeImport(custodian, first, confirmed);
    const again = await prepareImport(custodian, request({ identityFile }));
    expect(unwrap(again.wrapped)).toEqual(unwrap(first.wrapped));
    expect(again.recipients).toEqual([recipient]);
  });

  test('an abandoned import is not handed out again', async () => {
    const custodian = await custodianIn(newDirectory());
    const first = await prepareImport(custodian, request());
    await abandonImport(custodian, first);
    expect(await codeOf(prepareImport(custodian, request()))).toBe('custody-identity-needed');
  });

  test("refuses another key's material, known from the pending import or from the record", async () => {
    const custodian = await custodianIn(newDirectory());
    const prepared = await prepareImport(custodian, request());
    const other = request({ keyArn: OTHER_KEY_ARN, identityFile });
    expect(await codeOf(prepareImport(custodian, other))).toBe('custody-other-key');
    await completeImport(custodian, prepared, confirmed);
    expect(await codeOf(prepareImport(custodian, other))).toBe('custody-other-key');
  });

  test('refuses a material file that holds something else', async () => {
    const path = join(folder.path, 'other-material');
    writeFileSync(path, randomBytes(32));
    const custodian = await custodianIn(newDirectory());
    await completeImport(custodian, await prepareImport(custodian, request()), confirmed);
    const given = request({ identityFile, source: { kind: 'file', path } });
    expect(await codeOf(prepareImport(custodian, given))).toBe('custody-material-differs');
  });
});

test('two runs at once: the loser stops, and its import is never used with the winner’s copy', async () => {
  const custodian = await custodianIn(newDirectory());
  const slow = storing(custodian, async (store) => {
    await prepareImport(custodian, request());
    await store();
  });
  expect(await codeOf(prepareImport(slow, request()))).toBe('custody-exists');

  const crossed = storing(custodian, async () => {
    throw new KeyturnError('custody-exists', { file: custodian.locate('v2') });
  });
  const winner = await prepareImport(custodian, request({ version: 'v2' }));
  rmSync(custodian.locate('v2'));
  await codeOf(prepareImport(crossed, request({ version: 'v2' })));
  const { wrapped } = JSON.parse(readFileSync(join(custodian.ledger?.directory ?? '', 'test-v2.pending.json'), 'utf8'));
  expect(wrapped).not.toBe(winner.wrapped.toString('base64'));
  using material = KeyMaterial.take(unwrap(winner.wrapped), 'a test');
  await (await custodian.seal('v2', material)).store();
  expect(await codeOf(prepareImport(custodian, request({ version: 'v2' })))).toBe('custody-identity-needed');
});

describe('an unsettled import', () => {
  const subject = { version: 'v1', keyArn: KEY_ARN };

  test('is the pending one, even with a stale token, until its record is written', async () => {
    const custodian = await custodianIn(newDirectory());
    expect(await pendingImportOf(custodian, subject)).toBeUndefined();
    const prepared = await prepareImport(custodian, request());
    expect(await pendingImportOf(custodian, subject)).toEqual({ ...prepared, from: 'pending' });
    await completeImport(custodian, prepared, confirmed);
    expect(await pendingImportOf(custodian, subject)).toBeUndefined();
  });

  test('stays the old one where a run ends while it is wrapped afresh, and is the new one afterwards', async () => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    const prepared = await prepareImport(custodian, request());
    const afresh = request({ identityFile, afresh: true });
    const dead = async () => {
      throw new Error('killed');
    };
    await expect(prepareImport(custodian, { ...afresh, parameters: dead })).rejects.toThrow('killed');
    for (const step of ['makeDirectory', 'writeNew', 'rename'] as const) {
      const ledger = { directory, files: { ...nodeFiles, [step]: dead } };
      expect(await codeOf(prepareImport({ ...custodian, ledger }, afresh))).toBe('custody-write-failed');
      expect(await pendingImportOf(custodian, subject)).toEqual({ ...prepared, from: 'pending' });
    }
    const again = await prepareImport(custodian, afresh);
    expect(again.wrapped.equals(prepared.wrapped)).toBe(false);
    expect(await pendingImportOf(custodian, subject)).toEqual({ ...again, from: 'pending', opened: false });
  });

  test('is none where the record was written and only the pending import was left', async () => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    const prepared = await prepareImport(custodian, request());
    const pending = readFileSync(join(directory, 'test-v1.pending.json'));
    await completeImport(custodian, prepared, confirmed);
    writeFileSync(join(directory, 'test-v1.pending.json'), pending);
    expect(await pendingImportOf(custodian, subject)).toBeUndefined();
    expect(readdirSync(directory)).not.toContain('test-v1.pending.json');
  });

  test('of another key is refused, and without its copy there is none', async () => {
    const custodian = await custodianIn(newDirectory());
    await prepareImport(custodian, request());
    const other = pendingImportOf(custodian, { version: 'v1', keyArn: OTHER_KEY_ARN });
    expect(await codeOf(other)).toBe('custody-other-key');
    rmSync(custodian.locate('v1'));
    expect(await pendingImportOf(custodian, subject)).toBeUndefined();
  });
});

describe('completing', () => {
  test('writes the record and removes the pending import', async () => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    const prepared = await prepareImport(custodian, request());
    const record = await completeImport(custodian, prepared, confirmed);
    expect(readdirSync(directory).sort()).toEqual(['test-v1.age', 'test-v1.record.json']);
    expect(JSON.parse(readFileSync(join(directory, 'test-v1.record.json'), 'utf8'))).toEqual(record);
    expect(record).toMatchObject({
      schemaVersion: 1,
      keyArn: KEY_ARN,
      keyMaterialId: confirmed.keyMaterialId,
      custody: { kind: 'age', location: 'test-v1.age', recipients: [recipient] },
      wrapping: { algorithm: 'RSAES_OAEP_SHA_256', wrappedSha256: prepared.wrappedSha256 },
      import: { type: 'NEW_KEY_MATERIAL', validTo: '2027-11-01T00:00:00.000Z' },
    });
  });

  test('a damaged record is an error and not a missing one', async () => {
    const directory = newDirectory();
    const custodian = await custodianIn(directory);
    await completeImport(custodian, await prepareImport(custodian, request()), confirmed);
    writeFileSync(join(directory, 'test-v1.record.json'), '{}');
    expect(await codeOf(prepareImport(custodian, request({ identityFile })))).toBe('custody-damaged');
  });
});

test('a custody directory that cannot be read is an error, not an empty custody', async () => {
  const blocked = join(folder.path, 'a-file');
  writeFileSync(blocked, '');
  const custodian = await custodianIn(join(blocked, 'custody'));
  expect(await codeOf(prepareImport(custodian, request()))).toBe('custody-read-failed');
});

test('without custody no file is written at all', async () => {
  const before = readdirSync(folder.path);
  const custodian = createNoCustodian('test');
  const prepared = await prepareImport(custodian, request());
  const record = await completeImport(custodian, prepared, confirmed);
  expect(record.custody).toEqual({ kind: 'none', location: null, recipients: [], opened: false });
  expect(unwrap(prepared.wrapped)).toHaveLength(32);
  expect(readdirSync(folder.path)).toEqual(before);
});

describe('every buffer of material is zeroed', () => {
  const buffers: Buffer[] = [];
  let take: jest.SpyInstance;
  beforeEach(() => {
    buffers.length = 0;
    const original = KeyMaterial.take.bind(KeyMaterial);
    take = jest.spyOn(KeyMaterial, 'take').mockImplementation((bytes, source) => {
      buffers.push(bytes);
      return original(bytes, source);
    });
  });
  afterEach(() => take.mockRestore());
  const allZero = () => buffers.length > 0 && buffers.every((bytes) => bytes.every((byte) => byte === 0));

  test('after success', async () => {
    const custodian = await custodianIn(newDirectory());
    const first = await prepareImport(custodian, request());
    await completeImport(custodian, first, confirmed);
    await prepareImport(custodian, request({ identityFile }));
    expect(buffers).toHaveLength(2);
    expect(allZero()).toBe(true);
  });

  test('on Ctrl-C while a custodian command has it', async () => {
    const stop = new AbortController();
    const hanging = 'process.stdin.resume(); setInterval(() => 0, 1000)';
    const directory = newDirectory();
    const custodian = createCommandCustodian({
      rotation: 'test',
      command: [process.execPath, '-e', hanging],
      directory,
      env: process.env,
      signal: stop.signal,
    });
    const held = async () => undefined;
    const seal: MaterialCustodian['seal'] = async (version, material) => {
      const { binding, store } = await custodian.seal(version, material);
      return {
        binding,
        store: () => {
          const stored = store();
          stop.abort();
          return stored;
        },
      };
    };
    expect(await codeOf(prepareImport({ ...custodian, copyBinding: held, seal }, request()))).toBe('interrupted');
    expect(buffers).toHaveLength(1);
    expect(allZero()).toBe(true);
  });

  const fail = () => Promise.reject(new Error('no space left'));
  const failures: [string, (custodian: MaterialCustodian) => MaterialCustodian, Partial<PrepareRequest>][] = [
    [
      'the public key is refused',
      (custodian) => custodian,
      { parameters: async () => ({ ...parametersFor(), spec: 'RSA_4096' }) },
    ],
    ['sealing fails', (custodian) => ({ ...custodian, seal: fail }), {}],
    ['storing fails', (custodian) => storing(custodian, fail), {}],
    ['the stored copy does not read back', (custodian) => storing(custodian, async () => undefined), {}],
    [
      'the pending import cannot be written',
      (custodian) => ({
        ...custodian,
        ledger: custodian.ledger && { ...custodian.ledger, files: { ...custodian.ledger.files, rename: fail } },
      }),
      {},
    ],
  ];
  test.each(failures)('when %s, and no error shows it', async (_name, change, changes) => {
    const custodian = change(await custodianIn(newDirectory()));
    const generated: string[] = [];
    const original = KeyMaterial.prototype.withBytes;
    const lend = jest.spyOn(KeyMaterial.prototype, 'withBytes').mockImplementation(function (
      this: KeyMaterial,
      during,
      work,
    ) {
      return original.call(this, during, (bytes: Buffer) => {
        generated.push(bytes.toString('hex'), bytes.toString('base64'));
        return work(bytes);
      });
    });
    const error = await prepareImport(custodian, request(changes)).catch((thrown: unknown) => thrown);
    lend.mockRestore();
    expect(error).toBeInstanceOf(Error);
    expect(allZero()).toBe(true);
    const text = `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`;
    for (const secret of generated) expect(text).not.toContain(secret);
  });

  test('when wrapping a copy from custody again fails', async () => {
    const custodian = await custodianIn(newDirectory());
    await completeImport(custodian, await prepareImport(custodian, request()), confirmed);
    const parameters = () => Promise.reject(new Error('throttled'));
    await expect(prepareImport(custodian, request({ identityFile, parameters }))).rejects.toThrow('throttled');
    expect(buffers).toHaveLength(2);
    expect(allZero()).toBe(true);
  });
});
