import type { Endpoint } from './call';
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
