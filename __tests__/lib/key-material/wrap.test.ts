import { constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import forge from 'node-forge';

import { isCode } from '../../../lib/errors';
import { KeyMaterial } from '../../../lib/key-material/secret';
import { wrapKeyMaterial } from '../../../lib/key-material/wrap';
import type { WrappingKeySpec } from '../../../lib/key-material/wrapping-key';
import { runs } from '../../runner/slow';
import { KEY_ARN, parametersFor, rsaPair, sha256, unwrap } from './kms-stand-in';

const SPECS: WrappingKeySpec[] = ['RSA_2048', 'RSA_3072', 'RSA_4096'];
const materials = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => new Set(bytes).size > 1);

function forgePrivateKey(spec: WrappingKeySpec): forge.pki.rsa.PrivateKey {
  const pem = rsaPair(spec).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return forge.pki.privateKeyFromPem(pem) as forge.pki.rsa.PrivateKey;
}

const reasonOf = (publicKey: Uint8Array, spec: WrappingKeySpec = 'RSA_2048'): string => {
  const parameters = { ...parametersFor(), publicKey, spec };
  using material = KeyMaterial.take(randomBytes(32), 'a test');
  try {
    wrapKeyMaterial(material, parameters);
  } catch (error) {
    if (isCode(error, 'wrapping-key-rejected')) return error.facts.reason;
    throw error;
  }
  return 'accepted';
};

describe.each(SPECS)('under %s', (spec) => {
  const bits = Number(spec.slice(4));
  // node-forge takes a quarter of a second for a 4096-bit key.
  const numRuns = runs(spec === 'RSA_2048' ? 5 : 2);
  const sha = { md: forge.md.sha256.create(), mgf1: { md: forge.md.sha256.create() } };

  test('node-forge unwraps what was wrapped, for any material', () => {
    const key = forgePrivateKey(spec);
    fc.assert(
      fc.property(materials, (bytes) => {
        using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
        const { ciphertext } = wrapKeyMaterial(material, parametersFor(KEY_ARN, spec));
        const opened = key.decrypt(ciphertext.toString('binary'), 'RSA-OAEP', sha);
        expect(Buffer.from(opened, 'binary').equals(bytes)).toBe(true);
        expect(ciphertext.length).toBe(bits / 8);
      }),
      { numRuns },
    );
  });

  test('node:crypto unwraps what node-forge wrapped, for any material', () => {
    const pem = rsaPair(spec).publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const key = forge.pki.publicKeyFromPem(pem);
    fc.assert(
      fc.property(materials, (bytes) => {
        const wrapped = Buffer.from(key.encrypt(Buffer.from(bytes).toString('binary'), 'RSA-OAEP', sha), 'binary');
        expect(unwrap(wrapped, spec).equals(bytes)).toBe(true);
      }),
      { numRuns },
    );
  });
});

test('RSAES_OAEP_SHA_1 uses SHA-1 for both hashes', () => {
  const bytes = randomBytes(32);
  using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
  const { ciphertext } = wrapKeyMaterial(material, { ...parametersFor(), algorithm: 'RSAES_OAEP_SHA_1' });
  const opened = forgePrivateKey('RSA_2048').decrypt(ciphertext.toString('binary'), 'RSA-OAEP', {
    md: forge.md.sha1.create(),
    mgf1: { md: forge.md.sha1.create() },
  });
  expect(Buffer.from(opened, 'binary').equals(bytes)).toBe(true);
});

test('reports the fingerprints that a person can compute again', () => {
  using material = KeyMaterial.take(randomBytes(32), 'a test');
  const parameters = parametersFor();
  const wrapped = wrapKeyMaterial(material, parameters);
  expect(wrapped.publicKeySha256).toBe(createHash('sha256').update(parameters.publicKey).digest('hex'));
  expect(wrapped.wrappedSha256).toBe(sha256(wrapped.ciphertext));
  expect(wrapped).toMatchObject({ algorithm: 'RSAES_OAEP_SHA_256', wrappingKeySpec: 'RSA_2048' });
});

test('wrapping leaves the material usable and wraps differently each time', () => {
  const bytes = randomBytes(32);
  using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
  const first = wrapKeyMaterial(material, parametersFor()).ciphertext;
  const second = wrapKeyMaterial(material, parametersFor()).ciphertext;
  expect(first.equals(second)).toBe(false);
  expect([unwrap(first), unwrap(second)]).toEqual([bytes, bytes]);
});

describe('the public key is refused when', () => {
  const spki = (key: ReturnType<typeof rsaPair>['publicKey']) => key.export({ type: 'spki', format: 'der' });

  test('it has another modulus size than was asked for', () => {
    expect(reasonOf(spki(rsaPair('RSA_2048').publicKey), 'RSA_4096')).toContain(
      '2048 bits, but RSA_4096 was requested',
    );
  });

  test('its exponent is 3', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey;
    expect(reasonOf(spki(weak))).toContain('exponent is 3');
  });

  test('it is an elliptic-curve key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(reasonOf(spki(publicKey))).toContain('not an RSA public key');
  });

  test('it is an RSA-PSS key, which encrypts nothing', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(reasonOf(spki(publicKey))).not.toBe('accepted');
  });

  test.each([
    ['PKCS#1', rsaPair('RSA_2048').publicKey.export({ type: 'pkcs1', format: 'der' })],
    ['PEM', Buffer.from(rsaPair('RSA_2048').publicKey.export({ type: 'spki', format: 'pem' }))],
    ['empty', Buffer.alloc(0)],
    ['noise', randomBytes(294)],
  ])('it is %s instead of SubjectPublicKeyInfo', (_name, bytes) => {
    expect(reasonOf(bytes)).not.toBe('accepted');
  });

  test('something follows it, or its end is missing', () => {
    const der = spki(rsaPair('RSA_2048').publicKey);
    expect(reasonOf(Buffer.concat([der, Buffer.from([0])]))).not.toBe('accepted');
    expect(reasonOf(der.subarray(0, -1))).not.toBe('accepted');
  });
});

test('refuses disposed material', () => {
  const material = KeyMaterial.take(randomBytes(32), 'a test');
  material[Symbol.dispose]();
  expect(() => wrapKeyMaterial(material, parametersFor())).toThrow('after it was zeroed');
});

test('the wrapped blob opens with no other padding or hash', () => {
  using material = KeyMaterial.take(randomBytes(32), 'a test');
  const { ciphertext } = wrapKeyMaterial(material, parametersFor());
  const key = rsaPair('RSA_2048').privateKey;
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  expect(() => privateDecrypt({ key, padding, oaepHash: 'sha1' }, ciphertext)).toThrow();
});
