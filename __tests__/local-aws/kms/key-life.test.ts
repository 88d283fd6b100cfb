import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { KeyState } from '../../../local-aws/kms/key-states';
import { createKey, deleteMaterial, earliestExpiry, stateOf } from '../../../local-aws/kms/state/key';
import { newMaterial } from '../../../local-aws/kms/state/material';
import { runs } from '../../runner/slow';

const hour = 3_600_000;

function externalKey() {
  return createKey({
    accountId: '123456789012',
    region: 'ap-northeast-1',
    origin: 'EXTERNAL',
    manager: 'CUSTOMER',
    createdAt: 0,
    description: '',
    policy: '{}',
    lag: 0,
    tags: new Map(),
  });
}

function material(keyId: string, validTo: number | undefined, state: 'CURRENT' | 'PENDING_ROTATION' = 'CURRENT') {
  return { ...newMaterial(keyId, randomBytes(32), state), validTo };
}

it('starts without material, pending import', () => {
  expect(stateOf(externalKey(), 0)).toBe('PendingImport');
});

it('is pending import from the millisecond its material expires, and the bytes are gone', () => {
  const key = externalKey();
  const imported = material(key.id, hour);
  key.materials.push(imported);
  key.enabled = true;
  expect(stateOf(key, hour - 1)).toBe('Enabled');
  expect(earliestExpiry(key)).toBe(hour);
  const bytes = imported.bytes;
  expect(stateOf(key, hour)).toBe('PendingImport');
  expect(bytes?.equals(Buffer.alloc(32))).toBe(true);
  expect(earliestExpiry(key)).toBeUndefined();
});

it('does not depend on material that waits for a rotation', () => {
  const key = externalKey();
  key.materials.push(material(key.id, undefined), material(key.id, hour, 'PENDING_ROTATION'));
  key.enabled = true;
  expect(earliestExpiry(key)).toBeUndefined();
  expect(stateOf(key, 2 * hour)).toBe('Enabled');
});

it('is in the one state that its facts make, whatever they are', () => {
  const facts = fc.record({
    validTo: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    imported: fc.boolean(),
    deleted: fc.boolean(),
    enabled: fc.boolean(),
    deletionAt: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    now: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(facts, ({ validTo, imported, deleted, enabled, deletionAt, now }) => {
      const key = externalKey();
      const only = material(key.id, validTo);
      if (imported) key.materials.push(only);
      if (deleted) deleteMaterial(only);
      key.enabled = enabled;
      key.deletionAt = deletionAt;
      const usable = imported && !deleted && (validTo === undefined || now < validTo);
      const expected: KeyState =
        deletionAt !== undefined ? 'PendingDeletion' : !usable ? 'PendingImport' : enabled ? 'Enabled' : 'Disabled';
      expect(stateOf(key, now)).toBe(expected);
    }),
    { numRuns: runs(500) },
  );
});
