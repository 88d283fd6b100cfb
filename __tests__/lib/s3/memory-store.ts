import { compareKeys } from '../../../lib/s3/listing-segments';
import type {
  ContentHeaders,
  Encryption,
  ListedVersion,
  ObjectHead,
  OpenUpload,
  PageMarker,
  VersionRef,
} from '../../../lib/s3/object-version';
import type { ObjectStore, TargetEncryption, Versioning } from '../../../lib/s3/store';
import { StoreFault } from '../../../lib/s3/store-fault';
import { type MoveSources, type NamedSources, NO_NAMED_SOURCES } from '../../../lib/s3/version-scope';

/** A bucket in memory behind the engine's own interface, for tests that count requests or stop between two of them. */

export interface StoredVersion {
  key: string;
  versionId: string;
  body: string;
  head: ObjectHead;
  deleteMarker: boolean;
}

export const CONTENT: ContentHeaders = {
  contentType: 'text/plain',
  cacheControl: undefined,
  contentDisposition: undefined,
  contentEncoding: undefined,
  contentLanguage: undefined,
  expires: undefined,
  websiteRedirect: undefined,
  metadata: {},
  hiddenMetadata: 0,
  checksum: undefined,
};

export const OLD_KEY = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000a';
export const NEW_KEY = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';

/** A rotation from the old key to the new one that names no other source. */
export const SOURCES: MoveSources = {
  versionKeyArns: [OLD_KEY],
  unresolvedVersions: [],
  from: NO_NAMED_SOURCES,
};

/** The same sources, and what `reencrypt.from` names. */
export function alsoFrom(named: Partial<NamedSources>, sources: MoveSources = SOURCES): MoveSources {
  return { ...sources, from: { ...sources.from, ...named } };
}

export function underKey(keyArn: string, bucketKey = true): Encryption {
  return { kind: 'sse-kms', keyArn, bucketKey };
}

/** Called before each request takes effect and after; throwing in either makes that request fail. */
export interface MemoryHooks {
  before?(operation: string, ref: { key?: string }): void | Promise<void>;
  after?(operation: string, ref: { key?: string }): void | Promise<void>;
}

export class MemoryBucket {
  readonly versions: StoredVersion[] = [];
  readonly uploads: OpenUpload[] = [];
  versioning: Versioning = 'unversioned';
  pageSize = 1000;
  hooks: MemoryHooks = {};
  /** Keys of annotated objects; undefined: the endpoint knows no annotations. */
  annotated: ReadonlySet<string> | undefined;
  clock = 1_800_000_000_000;
  log: string[] = [];
  /** S3 goes on with the next older version where a marker's version is gone; other stores go on with the next key. */
  skipsKeyOfGoneMarker = false;
  /** When each version was written, those that are gone included. */
  readonly #written = new Map<string, number>();
  #next = 1;

  put(key: string, options: { body?: string; head?: Partial<ObjectHead> } = {}): StoredVersion {
    const body = options.body ?? `body of ${key}`;
    const versionId = this.versioning === 'enabled' ? `v${String(this.#next++).padStart(6, '0')}` : 'null';
    const head: ObjectHead = {
      versionId: this.versioning === 'unversioned' ? undefined : versionId,
      size: body.length,
      etag: `"${this.#next++}"`,
      lastModified: this.clock,
      storageClass: 'STANDARD',
      encryption: underKey(OLD_KEY),
      archiveStatus: undefined,
      restore: undefined,
      lock: undefined,
      replicationStatus: undefined,
      tagCount: 0,
      content: CONTENT,
      ...options.head,
    };
    this.remove(key, versionId);
    const stored = { key, versionId, body, head, deleteMarker: false };
    this.versions.unshift(stored);
    this.#written.set(`${versionId} ${key}`, this.#next++);
    return stored;
  }

  /** Index in a listing of the first entry after a marker. */
  behind(listing: readonly StoredVersion[], { key, versionId }: PageMarker): number {
    const exact = listing.findIndex((one) => one.key === key && one.versionId === versionId);
    if (exact >= 0) return exact + 1;
    const written = this.skipsKeyOfGoneMarker ? undefined : this.#written.get(`${versionId} ${key}`);
    const isBehind = (one: StoredVersion) =>
      one.key === key
        ? written !== undefined && (this.#written.get(`${one.versionId} ${key}`) ?? 0) < written
        : compareKeys(one.key, key) > 0;
    const first = listing.findIndex(isBehind);
    return first < 0 ? listing.length : first;
  }

  delete(key: string): void {
    if (this.versioning === 'unversioned') this.remove(key, 'null');
    else this.put(key).deleteMarker = true;
  }

  remove(key: string, versionId: string): void {
    const at = this.versions.findIndex((one) => one.key === key && one.versionId === versionId);
    if (at >= 0) this.versions.splice(at, 1);
  }

  current(key: string): StoredVersion | undefined {
    return this.versions.find((one) => one.key === key);
  }

  listing(): StoredVersion[] {
    const order = this.versions.map((one, at) => ({ one, at }));
    order.sort((a, b) => compareKeys(a.one.key, b.one.key) || a.at - b.at);
    return order.map(({ one }) => one);
  }
}

const fault = (operation: string, status: number, code: string, message = code) =>
  new StoreFault({ operation, status, code, message });

/** The engine's interface over a {@link MemoryBucket}; a stopped one rejects everything, as a killed process would. */
export function memoryStore(bucket: MemoryBucket): ObjectStore {
  const request = async <T>(operation: string, ref: { key?: string }, act: () => T): Promise<T> => {
    bucket.log.push(operation);
    await bucket.hooks.before?.(operation, ref);
    const answer = act();
    await bucket.hooks.after?.(operation, ref);
    return answer;
  };
  const find = (operation: string, ref: VersionRef): StoredVersion => {
    const found =
      ref.versionId === undefined
        ? bucket.current(ref.key)
        : bucket.versions.find((one) => one.key === ref.key && one.versionId === ref.versionId);
    const empty = operation === 'HeadObject' ? '' : 'NoSuchKey';
    if (!found) throw fault(operation, 404, empty);
    if (found.deleteMarker)
      throw fault(operation, ref.versionId === undefined ? 404 : 405, ref.versionId ? 'MethodNotAllowed' : empty);
    return found;
  };
  const encryptionOf = ({ keyArn, bucketKey, dualLayer }: TargetEncryption): Encryption =>
    dualLayer ? { kind: 'dsse-kms', keyArn } : { kind: 'sse-kms', keyArn, bucketKey };
  const replace = (ref: VersionRef, etag: string, head: Partial<ObjectHead>) => {
    const source = find('CopyObject', ref);
    const current = bucket.current(ref.key);
    if (source.head.etag !== etag || current?.head.etag !== etag) throw fault('CopyObject', 412, 'PreconditionFailed');
    const { etag: _etag, versionId: _versionId, lastModified: _lastModified, ...kept } = source.head;
    const stored = bucket.put(ref.key, { body: source.body, head: { ...kept, ...head } });
    return { etag: stored.head.etag, versionId: stored.head.versionId };
  };
  const unused = (): never => {
    throw new Error('not used by these tests');
  };
  const store: Omit<ObjectStore, 'witness'> = {
    now: () => bucket.clock,
    requests: () => bucket.log.length,
    versioning: () => request('GetBucketVersioning', {}, () => bucket.versioning),
    listVersions: ({ after, prefix = '', limit = bucket.pageSize }) =>
      request('ListObjectVersions', {}, () => {
        const all = bucket.listing().filter((one) => one.key.startsWith(prefix));
        const begin = after ? bucket.behind(all, after) : 0;
        const entries = all.slice(begin, begin + limit);
        const last = entries.at(-1);
        return {
          versions: entries.filter((one) => !one.deleteMarker).map((one) => listed(bucket, one)),
          deleteMarkers: entries
            .filter((one) => one.deleteMarker)
            .map(({ key, versionId, head: { lastModified } }) => ({ key, versionId, lastModified })),
          next: begin + limit < all.length && last ? { key: last.key, versionId: last.versionId } : undefined,
        };
      }),
    head: (ref) => request('HeadObject', ref, () => find('HeadObject', ref).head),
    probe: (ref) => request('GetObject', ref, () => void find('GetObject', ref)),
    readAll: (ref) => request('GetObject', ref, () => find('GetObject', ref).body.length),
    updateEncryption: (ref, { keyArn, bucketKey }) =>
      request('UpdateObjectEncryption', ref, () => {
        const found = find('UpdateObjectEncryption', ref);
        found.head = { ...found.head, encryption: { kind: 'sse-kms', keyArn, bucketKey } };
      }),
    grants: (ref) => request('GetObjectAcl', ref, () => undefined),
    tags: unused,
    annotated: async (ref) => bucket.annotated?.has(ref.key) ?? 'unsupported',
    legalHold: async () => 'no-lock',
    retention: async () => 'no-lock',
    copy: (ref, copy) =>
      request('CopyObject', ref, () =>
        replace(ref, copy.etag, { encryption: encryptionOf(copy.encryption), storageClass: copy.storageClass }),
      ),
    beginMultipart: unused,
    copyPart: unused,
    completeMultipart: unused,
    abortMultipart: (_bucket, key, uploadId) =>
      request('AbortMultipartUpload', { key }, () => {
        const at = bucket.uploads.findIndex((one) => one.uploadId === uploadId);
        if (at >= 0) bucket.uploads.splice(at, 1);
      }),
    discardProbe: (ref) => request('DeleteObject', ref, () => bucket.remove(ref.key, 'null')),
    listUploads: () => request('ListMultipartUploads', {}, () => ({ uploads: [...bucket.uploads], next: undefined })),
  };
  return { ...store, witness: witnessOf(store) };
}

/** The same bucket, asked the second way. */
function witnessOf(store: Omit<ObjectStore, 'witness'>): ObjectStore['witness'] {
  return {
    listVersions: store.listVersions,
    async head(ref) {
      const { versionId, encryption } = await store.head(ref);
      return { versionId, ...headersOf(encryption) };
    },
  };
}

function headersOf(encryption: Encryption): { algorithm: string | undefined; keyId: string | undefined } {
  switch (encryption.kind) {
    case 'sse-kms':
      return { algorithm: 'aws:kms', keyId: encryption.keyArn };
    case 'dsse-kms':
      return { algorithm: 'aws:kms:dsse', keyId: encryption.keyArn };
    case 'sse-s3':
      return { algorithm: 'AES256', keyId: undefined };
    case 'other':
      return { algorithm: encryption.algorithm, keyId: undefined };
    default:
      return { algorithm: undefined, keyId: undefined };
  }
}

function listed(bucket: MemoryBucket, one: StoredVersion): ListedVersion {
  const { size, etag, lastModified, storageClass } = one.head;
  return {
    key: one.key,
    versionId: one.versionId,
    isLatest: bucket.current(one.key) === one,
    size,
    etag,
    lastModified,
    storageClass,
  };
}
