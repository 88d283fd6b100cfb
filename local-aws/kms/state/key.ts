import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import type { KeyState } from '../key-states';
import type { Grant } from './grant';
import { type KeyMaterial, materialLength, newMaterial } from './material';

export type Origin = 'EXTERNAL' | 'AWS_KMS';

/** The last successful use of a key to encrypt or decrypt. */
export interface LastUsage {
  readonly operation: string;
  readonly timestamp: number;
  readonly requestId: string;
  readonly eventId: string;
}

export interface Rotation {
  readonly startedAt: number;
  readonly doneAt: number;
}

/** One KMS key. Times are milliseconds since the epoch. */
export interface Key {
  readonly id: string;
  readonly arn: string;
  readonly origin: Origin;
  /** The private key of a key that signs (ECC_NIST_P256, SIGN_VERIFY); undefined: a symmetric key, which encrypts. */
  readonly signing: KeyObject | undefined;
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
  /** The on-demand rotation that is under way. */
  rotation: Rotation | undefined;
  /** How many more calls find that the key does not exist yet. */
  lag: number;
}

/** What a new key is made with. */
export type KeyProperties = Pick<Key, 'origin' | 'manager' | 'createdAt' | 'description' | 'policy' | 'lag'> & {
  readonly accountId: string;
  readonly region: string;
  readonly tags: ReadonlyMap<string, string>;
  /** True: it signs and does not encrypt. Default false. */
  readonly signs?: boolean;
};

export function createKey({ accountId, region, tags, signs = false, ...properties }: KeyProperties): Key {
  const id = randomUUID();
  const key: Key = {
    ...properties,
    id,
    signing: signs ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : undefined,
    arn: `arn:aws:kms:${region}:${accountId}:key/${id}`,
    enabled: properties.origin === 'AWS_KMS',
    deletionAt: undefined,
    materials: [],
    tags: new Map(tags),
    grants: new Map(),
    lastUsage: undefined,
    rotation: undefined,
  };
  if (key.origin === 'AWS_KMS') {
    key.materials.push(newMaterial(id, randomBytes(materialLength), 'CURRENT'));
  }
  return key;
}

/** The state of the key at `now`. Expiries and rotations whose time has come are carried out first. */
export function stateOf(key: Key, now: number): KeyState {
  deleteExpired(key, now);
  if (key.rotation !== undefined && now >= key.rotation.doneAt) finishRotation(key, key.rotation.doneAt);
  if (key.deletionAt !== undefined) return 'PendingDeletion';
  const associated = key.materials.filter((material) => material.state !== 'PENDING_ROTATION');
  if (associated.length === 0 || associated.some((material) => material.bytes === undefined)) return 'PendingImport';
  return key.enabled ? 'Enabled' : 'Disabled';
}

/** The account that a key belongs to. */
export const accountOf = ({ arn }: Pick<Key, 'arn'>): string => arn.split(':')[4] ?? '';

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

/** Puts the waiting material in the place of the current one, which goes on decrypting. */
function finishRotation(key: Key, rotatedAt: number): void {
  key.rotation = undefined;
  const next = key.materials.find((material) => material.state === 'PENDING_ROTATION');
  const current = currentMaterial(key);
  if (next === undefined || current === undefined) return;
  current.state = 'NON_CURRENT';
  next.state = 'CURRENT';
  next.rotatedAt = rotatedAt;
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
