/** @jest-environment ./__tests__/support/soft-hsm-environment.ts */
import { constants, privateDecrypt, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PKCS11 } from 'pkcs11js';
import type { HsmCustodian } from '../../../../lib/key-material/custody/custodian';
import {
  createPkcs11Custodian,
  type Pkcs11CustodyOptions,
} from '../../../../lib/key-material/custody/pkcs11-custodian';
import { destroy, generateInside, keysOf } from '../../../../lib/key-material/custody/pkcs11-keys';
import { attempt, findObjects, withToken } from '../../../../lib/key-material/custody/pkcs11-module';
import { prepareImport } from '../../../../lib/key-material/prepare-import';
import { wrapFromCustody } from '../../../../lib/key-material/wrap-from-custody';
import { copyState } from '../../../../lib/observation/observed-custody';
import { makeToken, PIN, softHsm, withSoftHsm, writeSoftHsmConfiguration } from '../../../support/soft-hsm';
import { KEY_ARN, parametersFor, rsaPair, temporaryFolder } from '../kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const home = path.dirname(process.env.SOFTHSM2_CONF ?? '/nowhere/softhsm2.conf');

let count = 0;
/** A custodian of a rotation of its own, on the same token. */
function custodian(changes: Partial<Pkcs11CustodyOptions> = {}) {
  count += 1;
  return createPkcs11Custodian({
    rotation: `test${count}`,
    directory: path.join(folder.path, String(count)),
    module: softHsm(),
    token: 'keyturn',
    pinFile: path.join(folder.path, 'pin'),
    pin: undefined,
    ...changes,
  });
}

const parameters = async (algorithm: 'RSAES_OAEP_SHA_256' | 'RSAES_OAEP_SHA_1' = 'RSAES_OAEP_SHA_256') => ({
  ...parametersFor(KEY_ARN),
  algorithm,
});
const request = { version: 'v1', keyArn: KEY_ARN, parameters, source: { kind: 'generate' } } as const;

function unwrapped(wrapped: Buffer): Buffer {
  const key = rsaPair('RSA_2048').privateKey;
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, wrapped);
}

/** What `status` takes the copy of v1 for, which has no record. */
const seenBy = (hsm: HsmCustodian) => {
  const pkcs11 = { module: softHsm(), token: 'keyturn', pinFile: undefined, directory: '/nowhere' };
  const rotation = { name: hsm.rotation, custody: { age: undefined, command: undefined, pkcs11 } };
  return copyState({ rotation, custodian: async () => hsm }, '/nowhere', 'v1', undefined);
};

/** As the native package throws it. */
const refusal = (name: string, code: number) => Object.assign(new Error(name), { code });

withSoftHsm('custody in SoftHSM2 (needs softhsm2 and a built pkcs11js)', () => {
  beforeAll(() => {
    makeToken(writeSoftHsmConfiguration(home), 'keyturn');
    writeFileSync(path.join(folder.path, 'pin'), `${PIN}\n`, { mode: 0o600 });
  });
  beforeEach(() => void writeSoftHsmConfiguration(home));

  it('negotiates OAEP with SHA-1, the only one that SoftHSM2 can do', async () => {
    expect(await custodian().wrapping()).toBe('RSAES_OAEP_SHA_1');
  });

  it('makes the material inside, wraps it there, and wraps the same material again', async () => {
    const hsm = custodian();
    expect(await hsm.copyBinding('v1')).toBeUndefined();
    const first = await prepareImport(hsm, request);
    expect(first).toMatchObject({ from: 'generated', algorithm: 'RSAES_OAEP_SHA_1' });
    const material = unwrapped(first.wrapped);
    expect(material).toHaveLength(32);
    expect(await prepareImport(hsm, request)).toMatchObject({ from: 'pending', wrapped: first.wrapped });
    const again = await wrapFromCustody(hsm, request);
    expect(again.wrapped.equals(first.wrapped)).toBe(false);
    expect(unwrapped(again.wrapped).equals(material)).toBe(true);
  });

  it('keeps a key that nobody reads in clear, not even with the PIN', async () => {
    const hsm = custodian();
    await hsm.generate('v1');
    const address = { module: softHsm(), token: 'keyturn', pinFile: undefined, pin: PIN };
    await withToken(address, (session) => {
      const [key] = findObjects(session, [{ type: 3, value: `${hsm.rotation}-v1` }]);
      const value = () =>
        session.library.C_GetAttributeValue(session.session, key ?? Buffer.alloc(8), [{ type: 0x11 }]);
      expect(value).toThrow('CKR_ATTRIBUTE_SENSITIVE');
    });
  });

  it('never makes a second material for a version', async () => {
    const hsm = custodian();
    const binding = await hsm.generate('v1');
    await expect(hsm.generate('v1')).rejects.toMatchObject({ code: 'custody-exists' });
    expect(await hsm.copyBinding('v1')).toBe(binding);
  });

  it('refuses a key under its label that somebody else made, whether it is looked for or wrapped', async () => {
    const hsm = custodian();
    const address = { module: softHsm(), token: 'keyturn', pinFile: undefined, pin: PIN };
    await withToken(address, ({ library, session }) =>
      library.C_CreateObject(session, [
        { type: 0x000, value: 4 },
        { type: 0x100, value: 0x1f },
        { type: 0x003, value: `${hsm.rotation}-v1` },
        { type: 0x102, value: Buffer.from('known') },
        { type: 0x001, value: true },
        { type: 0x011, value: randomBytes(32) },
        { type: 0x103, value: false },
        { type: 0x162, value: true },
      ]),
    );
    const foreign = { code: 'hsm-key-foreign', facts: { reason: 'the module did not generate it' } };
    await expect(hsm.copyBinding('v1')).rejects.toMatchObject(foreign);
    await expect(hsm.wrap('v1', await parameters('RSAES_OAEP_SHA_1'))).rejects.toMatchObject(foreign);
    await expect(prepareImport(hsm, request)).rejects.toMatchObject(foreign);
    expect(await seenBy(hsm)).toMatchObject({ is: 'gone', text: expect.stringContaining('did not generate it') });
  });

  it('counts two keys under one label for no copy, and one that was replaced for another', async () => {
    const hsm = custodian();
    const binding = await hsm.generate('v1');
    expect(await seenBy(hsm)).toMatchObject({ is: 'there', binding });
    const options = { module: softHsm(), token: 'keyturn', pinFile: path.join(folder.path, 'pin'), pin: undefined };
    const label = `${hsm.rotation}-v1`;
    await withToken(options, (session) => generateInside(session, label, randomBytes(16)));
    expect(await seenBy(hsm)).toMatchObject({ is: 'gone', text: expect.stringContaining('2 keys with that label') });
    await withToken(options, (session) => {
      const first = keysOf(session, label).find(({ id }) => id === binding);
      if (first) destroy(session, first.handle);
    });
    const replaced = await seenBy(hsm);
    expect([replaced.is, replaced.binding === binding]).toEqual(['there', false]);
  });

  it('refuses material from a file', async () => {
    const file = path.join(folder.path, 'material.bin');
    writeFileSync(file, randomBytes(32));
    const given = { ...request, source: { kind: 'file', path: file } } as const;
    const hsm = custodian();
    await expect(prepareImport(hsm, given)).rejects.toMatchObject({ code: 'hsm-refuses-file' });
    expect(await hsm.copyBinding('v1')).toBeUndefined();
  });

  it('refuses an algorithm that the token cannot do, with its own word for it', async () => {
    const hsm = custodian();
    await hsm.generate('v1');
    const wrapping = hsm.wrap('v1', await parameters('RSAES_OAEP_SHA_256'));
    await expect(wrapping).rejects.toMatchObject({
      code: 'hsm-failed',
      facts: { action: 'wrap with RSAES_OAEP_SHA_256' },
    });
  });

  it.each([
    ['the library is not there', { module: '/nowhere/pkcs11.so' }, 'hsm-unavailable', /nowhere/],
    ['the token is absent', { token: 'other' }, 'hsm-unavailable', /no token other; it has keyturn/],
    ['no PIN is given', { pinFile: undefined }, 'hsm-pin', /neither/],
    ['the PIN file is missing', { pinFile: '/nowhere/pin' }, 'hsm-pin', /cannot be read/],
    ['the PIN is wrong', { pinFile: undefined, pin: '000000' }, 'hsm-pin', /the PIN is wrong/],
  ] as const)('fails when %s', async (_, changes, code, message) => {
    const error = await custodian(changes)
      .copyBinding('v1')
      .catch((one: unknown) => one);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('never shows the PIN', async () => {
    const error = await custodian({ pinFile: undefined, pin: 'secret-pin-1' })
      .copyBinding('v1')
      .catch((one: unknown) => one);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-pin-1');
  });

  it('fails when the token lacks the mechanism, and makes nothing', async () => {
    const hsm = custodian();
    writeSoftHsmConfiguration(home, 'CKM_AES_KEY_GEN,CKM_RSA_PKCS');
    const refusal = expect.objectContaining({
      code: 'hsm-unsupported',
      message: expect.stringContaining('CKM_RSA_PKCS_OAEP'),
    });
    await expect(prepareImport(hsm, request)).rejects.toEqual(refusal);
    writeSoftHsmConfiguration(home);
    expect(await hsm.copyBinding('v1')).toBeUndefined();
  });

  it('fails when the token is full, and reports it', () => {
    const C_GenerateKey = () => {
      throw refusal('CKR_DEVICE_MEMORY', 49);
    };
    const library = { C_GenerateKey } as unknown as PKCS11;
    const session = { library, slot: Buffer.alloc(8), session: Buffer.alloc(8), token: 'full' };
    expect(() => generateInside(session, 'label', Buffer.alloc(16))).toThrow('its memory is full');
  });

  it('passes on the messages of a module', () => {
    const fails = () => {
      throw refusal('CKR_GENERAL_ERROR', 5);
    };
    expect(() => attempt('t', 'work', fails)).toThrow('token t failed to work: CKR_GENERAL_ERROR');
  });

  it('writes no plain material into the ledger', async () => {
    const hsm = custodian();
    const prepared = await prepareImport(hsm, request);
    const pending = readFileSync(path.join(hsm.ledger.directory, `${hsm.rotation}-v1.pending.json`), 'utf8');
    expect(pending).not.toContain(unwrapped(prepared.wrapped).toString('base64'));
  });
});
