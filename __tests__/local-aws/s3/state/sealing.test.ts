import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CiphertextBuffer } from '../../../../local-aws/s3/state/ciphertext-buffer';
import { openPart, sealedBytes, sealPart, unwrapKey, wrapKey } from '../../../../local-aws/s3/state/sealing';
import { runs } from '../../../runner/slow';

const SEGMENT = 256 * 1024;

test.each([0, 1, 1000, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 7])(
  'a body of %i bytes opens whole and in any range',
  (size) => {
    const [key, body] = [randomBytes(32), randomBytes(size)];
    const part = sealPart(new CiphertextBuffer(), key, 0, body);
    expect(openPart(part, key, 0, size).equals(body)).toBe(true);
    fc.assert(
      fc.property(fc.nat(size), fc.nat(size), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect(openPart(part, key, start, end).equals(body.subarray(start, end))).toBe(true);
      }),
      { numRuns: runs(30) },
    );
  },
);

test('many bodies share slabs without touching one another', () => {
  const ciphertextBuffer = new CiphertextBuffer();
  const key = randomBytes(32);
  const bodies = Array.from({ length: 3000 }, (_unused, at) => Buffer.alloc(at % 900, `body ${at}`));
  const parts = bodies.map((body, at) => sealPart(ciphertextBuffer, key, at, body));
  parts.forEach((part, at) => {
    expect(openPart(part, key, 0, part.size).equals(bodies[at] ?? Buffer.alloc(0))).toBe(true);
  });
  expect(new Set(parts.map(({ slab }) => slab)).size).toBeLessThan(10);
});

test('equal bodies under one key differ as ciphertext when their serials do', () => {
  const [ciphertextBuffer, key, body] = [new CiphertextBuffer(), randomBytes(32), Buffer.from('same')];
  const bytes = (serial: number) => {
    return sealedBytes(sealPart(ciphertextBuffer, key, serial, body)).toString('hex');
  };
  expect(bytes(1)).not.toBe(bytes(2));
});

test('fails when a byte of the ciphertext is flipped, or the key or serial is another', () => {
  const key = randomBytes(32);
  const part = sealPart(new CiphertextBuffer(), key, 0, Buffer.from('secret'));
  expect(() => openPart(part, randomBytes(32), 0, 6)).toThrow();
  expect(() => openPart({ ...part, serial: 1 }, key, 0, 6)).toThrow();
  const sealed = sealedBytes(part);
  sealed[0] = (sealed[0] ?? 0) ^ 1;
  expect(() => openPart(part, key, 0, 6)).toThrow();
});

test('a wrapped key opens under its wrapping key alone', () => {
  const [wrapping, key] = [randomBytes(32), randomBytes(32)];
  const wrapped = wrapKey(wrapping, key);
  expect(unwrapKey(wrapping, wrapped).equals(key)).toBe(true);
  expect(() => unwrapKey(randomBytes(32), wrapped)).toThrow();
});
