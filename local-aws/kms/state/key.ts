import { randomBytes, randomUUID } from 'node:crypto';
import type { KeyState } from '../key-states';
import type { Grant } from './grant';
import { type KeyMaterial, keyMaterialId } from './material';

export type Origin = 'EXTERNAL' | 'AWS_KMS';

/** The last successful use of a key to encrypt or decrypt. */
export interface LastUsage {
  readonly operation: string;
  readonly timestamp: number;
  readonly requestId: string;
  readonly eventId: string;
}

/** One KMS key. Times are milliseconds since the epoch. */
export interface Key {
  readonly id: string;
  readonly arn: string;
  readonly origin: Origin;
  readonly manager: 'CUSTOMER' | 'AWS';
  readonly createdAt: number;
  description: string;
  policy: string;
  /** What EnableKey and DisableKey last said; counts only while the key has all its material. */
  enabled: boolean;
  deletionAt: number | undefined;
  /** Every material that was ever imported, in order. */
  readonly materials: KeyMaterial[];
  readonly tags: Map<string, string>;
  readonly grants: Map<string, Grant>;
  lastUsage: LastUsage | undefined;
  /** How many more calls find that the key does not exist yet. */
  lag: number;
}

/** What a new key is made with. */
export type KeyProperties = Pick<Key, 'origin' | 'manager' | 'createdAt' | 'description' | 'policy' | 'lag'> & {
  readonly accountId: string;
  readonly region: string;
  readonly tags: ReadonlyMap<string, string>;
};

export function createKey({ accountId, region, tags, ...properties }: KeyProperties): Key {
  const id = randomUUID();
  const key: Key = {
    ...properties,
    id,
    arn: `arn:aws:kms:${region}:${accountId}:key/${id}`,
    enabled: properties.origin === 'AWS_KMS',
    deletionAt: undefined,
    materials: [],
    tags: new Map(tags),
    grants: new Map(),
    lastUsage: undefined,
  };
  if (key.origin === 'AWS_KMS') {
    const bytes = randomBytes(32);
    key.materials.push({
      id: keyMaterialId(id, bytes),
      state: 'CURRENT',
      bytes,
      validTo: undefined,
      description: undefined,
    });
  }
  return key;
}

/** The state of the key at `now`. Material past its expiry is deleted as the time is seen to be over. */
export function stateOf(key: Key, now: number): KeyState {
  deleteExpired(key, now);
  if (key.deletionAt !== undefined) return 'PendingDeletion';
  const associated = key.materials.filter((material) => material.state !== 'PENDING_ROTATION');
  if (associated.length === 0 || associated.some((material) => material.bytes === undefined)) return 'PendingImport';
  return key.enabled ? 'Enabled' : 'Disabled';
}

export function currentMaterial(key: Key): KeyMaterial | undefined {
  return key.materials.find((material) => material.state === 'CURRENT');
}

/** The earliest expiry of the materials that the key depends on. */
export function earliestExpiry(key: Key): number | undefined {
  const times = key.materials.flatMap(({ state, bytes, validTo }) =>
    state !== 'PENDING_ROTATION' && bytes !== undefined && validTo !== undefined ? [validTo] : [],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

function deleteExpired(key: Key, now: number): void {
  for (const material of key.materials) {
    if (material.validTo !== undefined && material.validTo <= now) deleteMaterial(material);
  }
}

/** Overwrites the bytes; the material stays known by its ID, and only the same bytes bring it back. */
export function deleteMaterial(material: KeyMaterial): void {
  material.bytes?.fill(0);
  material.bytes = undefined;
  material.validTo = undefined;
}
