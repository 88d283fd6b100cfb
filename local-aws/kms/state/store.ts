import { type Caller, type Clock, KmsFault } from '../../message';
import { accessDenied, aliasNotFound, invalidArn, invalidKeyId, keyNotFound, otherRegion } from '../faults';
import { managedPolicy } from '../policy';
import { createKey, isReplica, type Key, type KeyProperties, loseReplicas, stateOf } from './key';

/** A name for a key. Times are milliseconds since the epoch. */
export interface Alias {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  targetKeyId: string;
  updatedAt: number;
}

export interface StoreOptions {
  /** Every Region that is served. */
  readonly regions: readonly string[];
  readonly clock: Clock;
  /** How many calls on a new key find nothing. */
  newKeyLag(): number;
}

/** What a caller may name a key by. */
export type Naming = 'key' | 'key-or-alias';

/** The actions that KMS lets another account have, by the pages of their operations. */
const ACROSS_ACCOUNTS: ReadonlySet<string> = new Set(
  [
    'CreateGrant',
    'Decrypt',
    'DescribeKey',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'GetKeyRotationStatus',
    'GetPublicKey',
    'ListGrants',
    'ReEncryptFrom',
    'ReEncryptTo',
    'RevokeGrant',
    'Sign',
    'Verify',
  ].map((name) => `kms:${name}`),
);

const awsManagedS3Alias = 'alias/aws/s3';
const keyIds = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** The keys of every account in every Region. */
export class KmsStores {
  readonly regions: readonly string[];
  readonly #options: StoreOptions;
  readonly #stores = new Map<string, KmsStore>();

  constructor(options: StoreOptions) {
    this.regions = options.regions;
    this.#options = options;
  }

  of(region: string, accountId: string): KmsStore {
    const place = `${region}/${accountId}`;
    const known = this.#stores.get(place) ?? new KmsStore(this, { region, accountId }, this.#options);
    this.#stores.set(place, known);
    return known;
  }

  /** The key of a ciphertext in a Region, whosever it is; undefined when it is not there. */
  byId(region: string, id: string): Key | undefined {
    for (const store of this.#stores.values()) {
      const key = store.region === region ? store.byId(id) : undefined;
      if (key !== undefined) return key;
    }
    return undefined;
  }
}

/** The keys and aliases of one account in one Region. */
export class KmsStore {
  readonly accountId: string;
  readonly region: string;
  readonly aliases = new Map<string, Alias>();
  readonly #stores: KmsStores;
  readonly #options: StoreOptions;
  readonly #keys = new Map<string, Key>();

  constructor(
    stores: KmsStores,
    place: { readonly region: string; readonly accountId: string },
    options: StoreOptions,
  ) {
    this.accountId = place.accountId;
    this.region = place.region;
    this.#stores = stores;
    this.#options = options;
  }

  now(): number {
    return this.#options.clock.now();
  }

  add(properties: Omit<KeyProperties, 'accountId' | 'region' | 'lag' | 'createdAt'>): Key {
    const lag = properties.manager === 'AWS' ? 0 : this.#options.newKeyLag();
    const { accountId, region } = this;
    const key = createKey({ ...properties, accountId, region, lag, createdAt: this.now() });
    this.#keys.set(key.id, key);
    return key;
  }

  /** Every key that is left, in the order of their IDs. Keys whose deletion is due go first, with their aliases. */
  keys(): readonly Key[] {
    for (const key of this.#keys.values()) this.#deleteIfDue(key);
    return Array.from(this.#keys.values()).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The key of a ciphertext; undefined when it is not here. */
  byId(id: string): Key | undefined {
    const key = this.#keys.get(id);
    return key !== undefined && !this.#deleteIfDue(key) ? key : undefined;
  }

  /**
   * The key that a request names by ID or ARN, and where `naming` allows it by alias name or alias ARN.
   * Throws `NotFoundException`, `InvalidArnException`, or `AccessDeniedException` for another account's ARN.
   */
  resolve(name: string, naming: Naming, caller: Caller, action: string): Key {
    const isArn = name.startsWith('arn:');
    const [local, owner] = isArn ? this.#resourceOf(name) : [name, this.accountId];
    if (owner !== this.accountId) return this.#foreign(name, local, owner, { naming, caller, action });
    if (local.startsWith('alias/')) {
      if (naming === 'key') throw isArn ? invalidArn(name) : invalidKeyId(name);
      return this.#target(local);
    }
    const id = isArn ? local.replace(/^key\//, '') : local;
    if (!keyIds.test(id)) throw invalidKeyId(name);
    return this.#visible(id);
  }

  aliasArn(name: string): string {
    return `arn:aws:kms:${this.region}:${this.accountId}:${name}`;
  }

  stateOf(key: Key) {
    return stateOf(key, this.now());
  }

  /** The account's AWS managed key for S3, made on first use. */
  awsManagedS3Key(): Key {
    const known = this.aliases.get(awsManagedS3Alias);
    const existing = known && this.byId(known.targetKeyId);
    if (existing !== undefined) return existing;
    const description = 'Default key that protects my S3 objects when no other key is defined';
    const policy = managedPolicy(this.accountId, this.region, 's3');
    const key = this.add({ origin: 'AWS_KMS', manager: 'AWS', description, policy, tags: new Map() });
    this.bind(awsManagedS3Alias, key);
    return key;
  }

  /** Makes the alias, or points it at another key. */
  bind(name: string, key: Key): void {
    const now = this.now();
    const known = this.aliases.get(name);
    if (known === undefined) {
      this.aliases.set(name, { name, arn: this.aliasArn(name), createdAt: now, targetKeyId: key.id, updatedAt: now });
    } else {
      known.targetKeyId = key.id;
      known.updatedAt = now;
    }
  }

  #resourceOf(arn: string): readonly [resource: string, account: string] {
    const match = /^arn:aws[a-zA-Z-]*:kms:([a-z0-9-]+):(\d{12}):((?:key|alias)\/.+)$/.exec(arn);
    const [, region, account, resource] = match ?? [];
    if (region === undefined || account === undefined || resource === undefined) throw invalidArn(arn);
    if (region !== this.region) throw otherRegion(region);
    return [resource, account];
  }

  /** Of another account only what is there can be named, and only for what KMS lets other accounts do. */
  #foreign(
    arn: string,
    resource: string,
    owner: string,
    { naming, caller, action }: { naming: Naming; caller: Caller; action: string },
  ): Key {
    try {
      if (ACROSS_ACCOUNTS.has(action))
        return this.#stores.of(this.region, owner).resolve(resource.replace(/^key\//, ''), naming, caller, action);
    } catch (error) {
      if (!(error instanceof KmsFault) || error.code !== 'NotFoundException') throw error;
    }
    const because = `because no resource-based policy allows the ${action} action`;
    throw accessDenied(caller.arn, { action, resource: arn }, because);
  }

  #target(alias: string): Key {
    if (alias === awsManagedS3Alias) return this.awsManagedS3Key();
    const found = this.aliases.get(alias);
    const key = found && this.byId(found.targetKeyId);
    if (key === undefined) throw aliasNotFound(this.aliasArn(alias));
    return this.#visible(key.id);
  }

  #visible(id: string): Key {
    const key = this.byId(id);
    const arn = `arn:aws:kms:${this.region}:${this.accountId}:key/${id}`;
    if (key === undefined) throw keyNotFound(arn);
    if (key.lag > 0) {
      key.lag -= 1;
      throw keyNotFound(arn);
    }
    return key;
  }

  #deleteIfDue(key: Key): boolean {
    loseReplicas(key, this.now());
    if (key.deletionAt === undefined || this.now() < key.deletionAt) return false;
    const isShared = key.origin === 'AWS_KMS' && isReplica(key);
    if (!isShared) for (const material of key.materials) material.bytes?.fill(0);
    this.#keys.delete(key.id);
    for (const alias of this.aliases.values()) if (alias.targetKeyId === key.id) this.aliases.delete(alias.name);
    return true;
  }
}
