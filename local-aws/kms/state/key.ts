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

/** A multi-Region key: keys of one ID and the same material, each in a Region of its own and in a state of its own. */
export interface Family {
  /** The Region of the primary key, at which new material, rotations and replicas begin. */
  primaryRegion: string;
  /** By their Regions, the primary too. */
  readonly members: Map<string, Key>;
}

/** How the ID of a multi-Region key begins. */
export const MULTI_REGION = 'mrk-';

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
  /** Days that a primary key will wait for its deletion once its last replica is gone. */
  deletionWindow: number | undefined;
  /** Undefined for a key of one Region. */
  readonly family: Family | undefined;
  /** Until when a replica is being made. */
  readonly creatingUntil: number;
  /** Until when it is becoming the primary key, or ceasing to be it. */
  updatingUntil: number;
  /** Every material that was ever imported, in order. Replicas share KMS's own with their primary; imported ones are imported into each. */
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
  /** True: it is the primary key of a multi-Region key. Default false. */
  readonly multiRegion?: boolean;
  /** The primary key that it is a replica of. */
  readonly replicaOf?: Key;
  /** Until when a replica is being made. */
  readonly creatingUntil?: number;
};

export function createKey(given: KeyProperties): Key {
  const { accountId, region, tags, signs = false, multiRegion = false, replicaOf, ...properties } = given;
  const id = replicaOf?.id ?? (multiRegion ? `${MULTI_REGION}${randomBytes(16).toString('hex')}` : randomUUID());
  const family = replicaOf?.family ?? (multiRegion ? { primaryRegion: region, members: new Map() } : undefined);
  const key: Key = {
    creatingUntil: 0,
    ...properties,
    id,
    family,
    deletionWindow: undefined,
    updatingUntil: 0,
    signing: signs ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : undefined,
    arn: `arn:aws:kms:${region}:${accountId}:key/${id}`,
    enabled: properties.origin === 'AWS_KMS',
    deletionAt: undefined,
    materials: replicaOf === undefined ? [] : replicated(replicaOf),
    tags: new Map(tags),
    grants: new Map(),
    lastUsage: undefined,
    rotation: undefined,
  };
  family?.members.set(region, key);
  if (key.origin === 'AWS_KMS' && replicaOf === undefined) {
    key.materials.push(newMaterial(id, randomBytes(materialLength), 'CURRENT'));
  }
  return key;
}

/** What a new replica knows of its primary's material: KMS's own as it is, imported material without its bytes. */
function replicated({ origin, materials }: Key): KeyMaterial[] {
  if (origin === 'AWS_KMS') return materials;
  return materials.map((material) => ({ ...material, bytes: undefined, validTo: undefined }));
}

/** The primary of a multi-Region key; a key of one Region itself. */
export const primaryOf = (key: Key): Key => key.family?.members.get(key.family.primaryRegion) ?? key;

/** Whether it is a replica of a key in another Region. */
export const isReplica = (key: Key): boolean => primaryOf(key) !== key;

/** The replicas of a primary key; none for any other key. */
export function replicasOf(key: Key): readonly Key[] {
  return isReplica(key) ? [] : [...(key.family?.members.values() ?? [])].filter((one) => one !== key);
}

/** The state of the key at `now`. Expiries, rotations and deletions whose time has come are carried out first. */
export function stateOf(key: Key, now: number): KeyState {
  deleteExpired(key, now);
  const { rotation } = primaryOf(key);
  if (rotation !== undefined && now >= rotation.doneAt) finishRotation(primaryOf(key), rotation.doneAt);
  loseReplicas(key, now);
  if (key.deletionAt !== undefined) return 'PendingDeletion';
  if (key.deletionWindow !== undefined) return 'PendingReplicaDeletion';
  if (now < key.creatingUntil) return 'Creating';
  if (now < key.updatingUntil) return 'Updating';
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

const DAY = 86_400_000;

/** Replicas go when their deletion is due; the deletion of a primary that waits for it begins when the last one is gone. */
export function loseReplicas(key: Key, now: number): void {
  const { members } = key.family ?? {};
  if (members === undefined || members.size === 1) return;
  const primary = primaryOf(key);
  let last = 0;
  for (const [region, { deletionAt = Number.POSITIVE_INFINITY }] of members) {
    if (deletionAt > now) continue;
    members.delete(region);
    last = Math.max(last, deletionAt);
  }
  if (members.size > 1 || primary.deletionWindow === undefined) return;
  primary.deletionAt = last + primary.deletionWindow * DAY;
  primary.deletionWindow = undefined;
}

/** Puts the waiting material in the place of the current one, which goes on decrypting; in the replicas too. */
function finishRotation(primary: Key, rotatedAt: number): void {
  primary.rotation = undefined;
  const imported = primary.origin === 'EXTERNAL' ? replicasOf(primary) : [];
  for (const key of [primary, ...imported]) promoteNext(key, rotatedAt);
}

function promoteNext(key: Key, rotatedAt: number): void {
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
