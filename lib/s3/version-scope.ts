import { createHash } from 'node:crypto';
import { type Encryption, hasIdOf, holdingKey, isKey } from './object-version';

/** What a rotation moves in its buckets. Every key by its full ARN. */
export interface MoveScope {
  readonly activeKeyArn: string;
  /**
   * Keys of all declared versions but the active one, adopted and disabled ones included: superseded versions, and those that a
   * rollback left behind.
   */
  readonly versionKeyArns: readonly string[];
  /** Names of superseded versions whose key KMS does not report, so that their objects cannot be told from others. */
  readonly unresolvedVersions: readonly string[];
  /** What `reencrypt.from` names in addition. */
  readonly from: NamedSources;
}

/** Where objects are moved from: a scope without its target. */
export type MoveSources = Omit<MoveScope, 'activeKeyArn'>;

/** `reencrypt.from`, with `aws/s3` resolved to its ARN. */
export interface NamedSources {
  /** Everything that is not under the active key and that a method can move at all. */
  readonly any: boolean;
  readonly sseS3: boolean;
  readonly keyArns: readonly string[];
  /** Why the ARN of `aws/s3` is not known although the file names it; absent: it is known, or is not named. */
  readonly unresolved: string | undefined;
}

/** Nothing but the versions of the rotation. */
export const NO_NAMED_SOURCES: NamedSources = { any: false, sseS3: false, keyArns: [], unresolved: undefined };

/** What HEAD and the listing report about a version, as far as its scope depends on it. */
export interface ScopedVersion {
  readonly encryption: Encryption;
  /** LastModified by each source that dates the version, milliseconds since the epoch; 0 where a source names none. */
  readonly dates: readonly number[];
}

/**
 * Whether a version is one of those that a rotation moves.
 * - `active`: under the active key, in one layer or two
 * - `left`: to be moved. `under: 'version'`: under the key of a declared version, so that this key must stay on; `under: 'named'`:
 *   `reencrypt.from` names it
 * - `out-of-scope`: under something that the rotation file does not name: counted, never moved
 * - `unknown`: what holds it cannot be determined: never moved, and nothing may count on it
 */
export type VersionScope =
  | { readonly scope: 'active' }
  | { readonly scope: 'left'; readonly under: 'version' | 'named' }
  | { readonly scope: 'out-of-scope' }
  | { readonly scope: 'unknown'; readonly reason: string };

/**
 * From this moment on S3 encrypts every new object, so that an answer without an encryption is no answer. Milliseconds.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 */
const ENCRYPTED_SINCE = Date.parse('2023-01-05T00:00:00Z');

const OUT: VersionScope = { scope: 'out-of-scope' };
const NAMED: VersionScope = { scope: 'left', under: 'named' };

/** The one decision about what is moved and what is counted. Pure: the same input, the same answer. */
export function versionScope(scope: MoveScope, { encryption, dates }: ScopedVersion): VersionScope {
  switch (encryption.kind) {
    case 'sse-kms':
    case 'dsse-kms':
      return keyScope(scope, encryption.keyArn);
    case 'sse-s3':
      return scope.from.any || scope.from.sseS3 ? NAMED : OUT;
    case 'sse-c':
      // Nobody but the owner of its customer key can copy it, whatever the file names.
      return OUT;
    case 'unencrypted':
      if (!isFromBefore(ENCRYPTED_SINCE, dates))
        return unknown('S3 names no encryption, and encrypts every object since 2023');
      return scope.from.any ? NAMED : OUT;
    case 'other':
      return unknown(`S3 names the encryption ${encryption.algorithm} and no key`);
  }
}

/** True when disabling `keyArn` would shut a version out. */
export function isHeldBy(encryption: Encryption, keyArn: string): boolean {
  const key = holdingKey(encryption);
  return key !== undefined && isKey(key, keyArn);
}

/** A full key ARN, or the bare id of a key. An alias is neither: what it points at may have changed since. */
const KEY = /^(?:arn:[^:]+:kms:[^:]+:[^:]*:key\/)?[A-Za-z0-9-]+$/;

function keyScope(
  { activeKeyArn, versionKeyArns, unresolvedVersions, from }: MoveScope,
  reported: string,
): VersionScope {
  if (!KEY.test(reported)) return unknown(`S3 names ${JSON.stringify(reported)}, which is no key ARN`);
  if (isKey(reported, activeKeyArn)) return { scope: 'active' };
  if (versionKeyArns.some((arn) => isKey(reported, arn))) return { scope: 'left', under: 'version' };
  // S3 uses keys of the bucket's own Region only, so neither answer is certain.
  const related = [activeKeyArn, ...versionKeyArns].find((arn) => hasIdOf(reported, arn));
  if (related !== undefined) return unknown(`S3 names ${reported}, which has the id of ${related}`);
  if (unresolvedVersions.length > 0) {
    return unknown(`KMS reports no key of ${unresolvedVersions.join(', ')}, so ${reported} may be one of them`);
  }
  if (from.any || from.keyArns.some((arn) => isKey(reported, arn))) return NAMED;
  return from.unresolved === undefined ? OUT : unknown(`${reported} may be aws/s3: ${from.unresolved}`);
}

/** Whether every source dates a version before a time; a date that is missing or cannot be read dates nothing. */
function isFromBefore(time: number, dates: readonly number[]): boolean {
  return dates.length > 0 && dates.every((date) => date > 0 && date < time);
}

function unknown(reason: string): VersionScope {
  return { scope: 'unknown', reason };
}

/** Differs where two runs may decide differently about a version: neither continues what the other began. */
export function sourcesId({ versionKeyArns, unresolvedVersions, from }: MoveSources): string {
  const { any, sseS3, keyArns, unresolved } = from;
  const parts = [
    versionKeyArns.toSorted(),
    unresolvedVersions.toSorted(),
    any,
    sseS3,
    keyArns.toSorted(),
    unresolved !== undefined,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
