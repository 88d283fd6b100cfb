import type { VersionRef } from './object-version';

/** Percent-encodes everything but the characters that RFC 3986 leaves alone, and `/` where `slash` is kept. */
export function percentEncode(text: string, slash: 'kept' | 'encoded' = 'encoded'): string {
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return slash === 'kept' ? encoded.replace(/%2F/g, '/') : encoded;
}

/** The `x-amz-copy-source` of a version: URL-encoded, with its version id where it has one. */
export function copySource({ bucket, key, versionId }: VersionRef): string {
  const source = `/${bucket}/${percentEncode(key, 'kept')}`;
  return versionId === undefined ? source : `${source}?versionId=${percentEncode(versionId)}`;
}
