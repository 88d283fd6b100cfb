/** Percent-encodes everything but the characters that RFC 3986 leaves alone, as S3 signs it. */
export function percentEncode(text: string): string {
  const encoded = encodeURIComponent(text);
  return NEEDS_MORE.test(encoded) ? encoded.replace(MORE, hex) : encoded;
}

/** Encodes a key as a path: `/` stays, all else as {@link percentEncode}; nothing is normalised, `..` is a name like any. */
export function encodeKey(key: string): string {
  const encoded = percentEncode(key);
  return encoded.includes('%2F') ? encoded.replaceAll('%2F', '/') : encoded;
}

/** The query in the form that is both sent and signed: sorted by name, each name with its `=`. */
export function encodeQuery(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${percentEncode(name)}=${percentEncode(value)}`]))
    .sort()
    .join('&');
}

const NEEDS_MORE = /[!'()*]/;
const MORE = /[!'()*]/g;
const hex = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
