import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';

import { isCode } from '../../../lib/errors';
import { generateKeyMaterial, KeyMaterial, zeroAllKeyMaterial } from '../../../lib/key-material/secret';

const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0);
const failureOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('redaction', () => {
  const shown = (material: KeyMaterial) => [
    String(material),
    `${material}`,
    JSON.stringify(material),
    JSON.stringify({ nested: { material } }),
    inspect(material),
    inspect({ material }, { showHidden: true, depth: 10, getters: true }),
    Object.values(material).join(),
    Object.keys(material).join(),
  ];

  test('shows the bytes in no form, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        fc.pre(new Set(bytes).size > 1);
        using material = KeyMaterial.take(Buffer.from(bytes), 'test');
        const text = shown(material).join('\n');
        const raw = Buffer.from(bytes);
        for (const encoding of ['hex', 'base64', 'latin1'] as const) expect(text).not.toContain(raw.toString(encoding));
        expect(text).not.toContain(Array.from(bytes.subarray(0, 4)).join(','));
      }),
    );
  });

  test('refuses structured cloning, so that no worker or message port gets it', () => {
    using material = generateKeyMaterial();
    expect(() => structuredClone(material)).toThrow(/could not be cloned/);
  });
});

describe('length', () => {
  test.each([0, 1, 16, 31, 33, 44, 64])('refuses %i bytes, names the length and zeroes what was given', (length) => {
    const bytes = randomBytes(length);
    const hex = bytes.toString('hex');
    const error = failureOf(() => KeyMaterial.take(bytes, 'a test'));
    expect(isCode(error, 'key-material-length') && error.facts.length).toBe(length);
    expect(isZero(bytes)).toBe(true);
    if (length > 4) expect(inspect(error)).not.toContain(hex);
  });

  test.each([
    [33, 'trailing newline'],
    [64, 'hex'],
    [44, 'base64'],
  ])('hints at the usual reason for %i bytes', (length, reason) => {
    const error = failureOf(() => KeyMaterial.take(randomBytes(length), 'a test'));
    expect(isCode(error, 'key-material-length') && error.hint).toContain(reason);
  });
});

test.each([0, 0xff])('refuses 32 times the byte %i', (byte) => {
  const error = failureOf(() => KeyMaterial.take(Buffer.alloc(32, byte), 'a test'));
  expect(isCode(error, 'key-material-weak')).toBe(true);
});

describe('disposal', () => {
  test('takes the very buffer over and zeroes it at the end of the block', () => {
    const bytes = randomBytes(32);
    {
      using material = KeyMaterial.take(bytes, 'a test');
      expect(material.disposed).toBe(false);
      expect(isZero(bytes)).toBe(false);
    }
    expect(isZero(bytes)).toBe(true);
  });

  test('zeroes when the block ends with an error', () => {
    const bytes = randomBytes(32);
    expect(() => {
      using material = KeyMaterial.take(bytes, 'a test');
      material.withBytes('failing', () => {
        throw new Error('no');
      });
    }).toThrow('no');
    expect(isZero(bytes)).toBe(true);
  });

  test('refuses use after it', () => {
    const material = generateKeyMaterial();
    material[Symbol.dispose]();
    material[Symbol.dispose]();
    const error = failureOf(() => material.withBytes('wrapping', (bytes) => bytes));
    expect(isCode(error, 'key-material-disposed') && error.facts.during).toBe('wrapping');
    expect(material.disposed).toBe(true);
  });

  test('zeroAllKeyMaterial ends everything that is still held', () => {
    const buffers = [randomBytes(32), randomBytes(32)];
    const materials = buffers.map((bytes) => KeyMaterial.take(bytes, 'a test'));
    zeroAllKeyMaterial();
    expect(buffers.every(isZero)).toBe(true);
    expect(materials.every((material) => material.disposed)).toBe(true);
  });
});

test('generated material is 32 bytes, different every time', () => {
  using first = generateKeyMaterial();
  using second = generateKeyMaterial();
  expect(first.withBytes('test', (bytes) => bytes.length)).toBe(32);
  expect(first.equals(second)).toBe(false);
  expect(first.equals(first)).toBe(true);
});
