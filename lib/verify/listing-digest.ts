import { createHash } from 'node:crypto';
import type { ListedVersion } from '../s3/object-version';
import type { VersionAccount } from './version-account';

/** Groups of versions: of a bucket in which a few of a million changed, few groups differ. Half a megabyte of memory. */
const GROUPS = 65_536;

/**
 * What a listing held of the versions that S3 dates before a moment, whatever its length, in so little memory that two listings can be
 * compared: replicas and restored versions bear old dates, and no date tells that they are new.
 */
export class ListingDigest {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly #groups = new BigUint64Array(GROUPS);

  constructor(until: number) {
    this.until = until;
  }

  add(version: ListedVersion): void {
    if (version.lastModified >= this.until) return;
    const { group, hash } = placeOf(version);
    this.#groups[group] = (this.#groups[group] ?? 0n) ^ hash;
  }

  /**
   * Whether the versions among which this one is differ between two listings; undefined: none do. Its date does not count: the listing
   * that it is taken from may date it otherwise.
   */
  differencesFrom(other: ListingDigest): ((version: ListedVersion) => boolean) | undefined {
    const differs = this.#groups.map((hash, group) => hash ^ (other.#groups[group] ?? 0n));
    if (differs.every((difference) => difference === 0n)) return undefined;
    return (version) => differs[placeOf(version).group] !== 0n;
  }
}

function placeOf({ key, versionId, etag }: ListedVersion): { readonly group: number; readonly hash: bigint } {
  const digest = createHash('sha256')
    .update(JSON.stringify([key, versionId, etag]))
    .digest();
  return { group: digest.readUInt16BE(0), hash: digest.readBigUInt64BE(2) };
}

const DIGESTS = new WeakMap<VersionAccount, ListingDigest>();

/** Keeps the digest beside the account of its verification: it is for the same process alone, and in no record. */
export function rememberListing(account: VersionAccount, digest: ListingDigest): void {
  DIGESTS.set(account, digest);
}

/** The digest of the listing that a verification was made from; undefined where another process made it. */
export function listingOf({ account }: { readonly account: VersionAccount }): ListingDigest | undefined {
  return DIGESTS.get(account);
}
