import type { Endpoint } from './call';
import type { Bucket } from './state/bucket';
import type { Encryption } from './state/encryption';
import { sealedBytes } from './state/sealing';

/** A version as it lies in memory: nothing of it can be read without its key. */
export interface StoredVersion {
  readonly key: string;
  readonly versionId: string;
  readonly deleteMarker: boolean;
  readonly encryption: Encryption;
  /** Ciphertext and tags of each part. */
  readonly ciphertext: readonly Buffer[];
}

/** What a listing tells of a version, with its encryption. */
export interface ListedVersion extends Pick<StoredVersion, 'key' | 'versionId' | 'deleteMarker' | 'encryption'> {
  readonly current: boolean;
  /** Milliseconds since the epoch, at S3's resolution of a second. */
  readonly modified: number;
  readonly size: number;
  readonly storageClass: string;
}

/** A bucket in its current state; it yields versions lazily in listing order. */
export interface ListedBucket {
  readonly name: string;
  readonly region: string;
  readonly owner: string;
  /** True once versioning was ever switched on. */
  readonly versioned: boolean;
  readonly versions: Iterable<ListedVersion>;
}

/** Undefined for a bucket that does not exist. */
export function listedBucket(endpoint: Endpoint, name: string): ListedBucket | undefined {
  const bucket = endpoint.buckets.get(name);
  if (bucket === undefined) return undefined;
  const { region, owner, versioning } = bucket;
  return { name, region, owner, versioned: versioning !== 'Off', versions: listedVersions(bucket) };
}

function* listedVersions(bucket: Bucket): Generator<ListedVersion> {
  for (const { key, versions } of bucket.keys.from(() => true)) {
    for (const version of versions.toReversed()) {
      yield {
        key,
        versionId: version.id,
        deleteMarker: version.deleteMarker,
        encryption: version.encryption,
        current: version === versions.at(-1),
        modified: version.modified * 1000,
        size: version.size,
        storageClass: version.storageClass,
      };
    }
  }
}

export function bucketNames(endpoint: Endpoint): readonly string[] {
  return [...endpoint.buckets.keys()].sort();
}

/** Versions in listing order: keys by UTF-8 bytes, newest first. Empty for a bucket that does not exist. */
export function storedVersions(endpoint: Endpoint, bucket: string): readonly StoredVersion[] {
  const entries = [...(endpoint.buckets.get(bucket)?.keys.from(() => true) ?? [])];
  return entries.flatMap(({ key, versions }) =>
    versions.toReversed().map((version) => ({
      key,
      versionId: version.id,
      deleteMarker: version.deleteMarker,
      encryption: version.encryption,
      ciphertext: version.parts.map(sealedBytes),
    })),
  );
}

/** The tags of one bucket. */
export interface BucketTags {
  readonly region: string;
  tags(): ReadonlyMap<string, string> | undefined;
  setTags(tags: ReadonlyMap<string, string>): void;
}

/** Undefined for a bucket that does not exist. */
export function bucketTags(endpoint: Endpoint, name: string): BucketTags | undefined {
  const bucket = endpoint.buckets.get(name);
  if (bucket === undefined) return undefined;
  return {
    region: bucket.region,
    tags: () => bucket.tags,
    setTags(tags) {
      bucket.tags = tags.size === 0 ? undefined : tags;
    },
  };
}
