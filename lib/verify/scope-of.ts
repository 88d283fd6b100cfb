import { type Encryption, isKey } from '../s3/object-version';

/** What HEAD and the listing report about a version, as far as its scope depends on it. */
export interface ScopedVersion {
  readonly encryption: Encryption;
  /** LastModified by each source that dates the version, milliseconds since the epoch; 0 where a source names none. */
  readonly dates: readonly number[];
}

/** Whether a version is one that the rotation empties a key of. */
export type Scope =
  | { readonly scope: 'active' | 'left' | 'out-of-scope' }
  | { readonly scope: 'unknown'; readonly reason: string };

/** Decides the scope of every version of a verification. */
export type ScopeOf = (version: ScopedVersion) => Scope;

/**
 * From this moment on S3 encrypts every new object, so that an answer without a key is no answer. Milliseconds.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 */
const ENCRYPTED_SINCE = Date.parse('2023-01-05T00:00:00Z');

/** Every KMS key but the active one is to be emptied: for a verification that knows no other key of the rotation. */
export function everyOtherKey(activeKeyArn: string): ScopeOf {
  return ({ encryption, dates }) => {
    switch (encryption.kind) {
      case 'sse-kms':
      case 'dsse-kms':
        return { scope: isKey(encryption.keyArn, activeKeyArn) ? 'active' : 'left' };
      case 'sse-s3':
      case 'sse-c':
        return { scope: 'out-of-scope' };
      case 'unencrypted':
        if (isFromBefore(ENCRYPTED_SINCE, dates)) return { scope: 'out-of-scope' };
        return { scope: 'unknown', reason: 'HeadObject names no encryption, and S3 encrypts every object since 2023' };
      case 'other':
        return { scope: 'unknown', reason: `S3 names the encryption ${encryption.algorithm}` };
    }
  };
}

/** Whether every source dates a version before a time; a date that is missing or cannot be read dates nothing. */
function isFromBefore(time: number, dates: readonly number[]): boolean {
  return dates.every((date) => date > 0 && date < time);
}
