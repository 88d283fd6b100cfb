import type { VersionRef } from './object-version';
import { encodeKey, percentEncode } from './uri-encoding';

/** The `x-amz-copy-source` of a version: URL-encoded, with its version id where it has one. */
export function copySource({ bucket, key, versionId }: VersionRef): string {
  const source = `/${bucket}/${encodeKey(key)}`;
  return versionId === undefined ? source : `${source}?versionId=${percentEncode(versionId)}`;
}
