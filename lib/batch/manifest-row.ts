/**
 * A key as a manifest names it: every byte but letters, digits, `-`, `_`, `.`, `~` and `/` in percent form. A decoder that
 * takes `+` for a space and one that does not both read it alike, and no field ever needs quotes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest.html
 */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** One row of a manifest. Without a version id, S3 uses the version that is current when the task runs. */
export function manifestRow(bucket: string, key: string, versionId: string | undefined): string {
  return `${bucket},${encodeKey(key)}${versionId === undefined ? '' : `,${versionId}`}\n`;
}

/**
 * The keys that a reported one may stand for. Ours come back as they were written; in those that S3 listed itself a `+`
 * may be a space or a plus, so that both are named.
 *
 * @throws RangeError for what is no encoded key
 */
export function decodeKey(encoded: string): readonly [string, ...string[]] {
  const plain = decoded(encoded);
  return encoded.includes('+') ? [decoded(encoded.replaceAll('+', ' ')), plain] : [plain];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new RangeError(`${JSON.stringify(text)} is no URL-encoded key`, { cause: error });
  }
}
