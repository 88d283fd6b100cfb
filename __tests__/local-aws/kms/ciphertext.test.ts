import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { open, parseCiphertext, seal } from '../../../local-aws/kms/state/ciphertext';
import { newMaterial } from '../../../local-aws/kms/state/material';

const contexts = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 4 });
const payload = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));

it('opens to what was sealed, under the key and material it names', () => {
  fc.assert(
    fc.property(payload, contexts, (plaintext, context) => {
      const keyId = randomUUID();
      const material = newMaterial(keyId, randomBytes(32), 'CURRENT');
      const sealed = parseCiphertext(seal(keyId, material, plaintext, context));
      expect(sealed).toMatchObject({ keyId, materialId: material.id });
      expect(open(sealed, material, context).equals(plaintext)).toBe(true);
      const reordered = Object.fromEntries(Object.entries(context).reverse());
      expect(open(sealed, material, reordered).equals(plaintext)).toBe(true);
    }),
  );
});

it('fails when the context is not the one it was sealed with', () => {
  fc.assert(
    fc.property(payload, contexts, contexts, (plaintext, context, other) => {
      const same = JSON.stringify(Object.entries(context).sort()) === JSON.stringify(Object.entries(other).sort());
      fc.pre(!same);
      const keyId = randomUUID();
      const material = newMaterial(keyId, randomBytes(32), 'CURRENT');
      const sealed = parseCiphertext(seal(keyId, material, plaintext, context));
      expect(() => open(sealed, material, other)).toThrow(
        expect.objectContaining({ code: 'InvalidCiphertextException' }),
      );
    }),
  );
});

it('does not take a pair moved between name and value for the same context', () => {
  const keyId = randomUUID();
  const material = newMaterial(keyId, randomBytes(32), 'CURRENT');
  const sealed = parseCiphertext(seal(keyId, material, Buffer.from('x'), { ab: 'c' }));
  expect(() => open(sealed, material, { a: 'bc' })).toThrow(
    expect.objectContaining({ code: 'InvalidCiphertextException' }),
  );
});
