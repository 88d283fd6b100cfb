import { createHash } from 'node:crypto';
import type { ListedVersion } from '../s3/object-version';

type Named = Pick<ListedVersion, 'key' | 'versionId'>;

/** Two halves of 64 bits that no two versions are likely to share. */
interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/** A version as its group counts it. */
export interface GroupEntry extends Fingerprint {
  readonly group: number;
}

/**
 * What was found of the versions of a bucket, in groups, in so little memory that it does not grow with the bucket: how many versions of
 * a group there are, which ones by an XOR of their fingerprints, and how many of them have a name that they were counted under.
 */
export class VersionGroups {
  /** Groups; a power of two. */
  readonly size: number;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #versions: Uint32Array;
  readonly #doubted: Uint8Array;
  readonly #named = new Map<string, Uint32Array>();

  constructor(size: number) {
    this.size = size;
    this.#high = new Uint32Array(size);
    this.#low = new Uint32Array(size);
    this.#versions = new Uint32Array(size);
    this.#doubted = new Uint8Array(size);
  }

  /** Names under which versions were counted. */
  get names(): readonly string[] {
    return [...this.#named.keys()];
  }

  groupOf({ key, versionId }: Named): number {
    return mixed(hashed(hashed(0x811c9dc5, key), versionId)) & (this.size - 1);
  }

  entryOf(version: ListedVersion): GroupEntry {
    return { group: this.groupOf(version), ...fingerprintOf(version) };
  }

  /** Counts a version, under these names too. */
  add(version: ListedVersion, ...names: readonly string[]): void {
    this.addEntry(this.entryOf(version), names);
  }

  addEntry({ group, high, low }: GroupEntry, names: readonly string[]): void {
    this.#high[group] = (this.#high[group] ?? 0) ^ high;
    this.#low[group] = (this.#low[group] ?? 0) ^ low;
    this.#versions[group] = this.versions(group) + 1;
    for (const name of names) {
      const counts = this.#named.get(name) ?? new Uint32Array(this.size);
      this.#named.set(name, counts);
      counts[group] = (counts[group] ?? 0) + 1;
    }
  }

  /** All of the version's group has to be inspected again. */
  doubt(version: Named): void {
    this.doubtGroup(this.groupOf(version));
  }

  doubtGroup(group: number): void {
    this.#doubted[group] = 1;
  }

  isDoubted(group: number): boolean {
    return this.#doubted[group] === 1;
  }

  /** Versions of a group. */
  versions(group: number): number {
    return this.#versions[group] ?? 0;
  }

  /** True where a group holds the same versions in both. */
  isAlike(other: VersionGroups, group: number): boolean {
    const isSame = this.#high[group] === other.#high[group] && this.#low[group] === other.#low[group];
    return isSame && this.versions(group) === other.versions(group);
  }

  /** Versions under a name, in the groups that are picked. */
  total(name: string, isPicked: (group: number) => boolean): number {
    let total = 0;
    this.#named.get(name)?.forEach((count, group) => {
      if (count > 0 && isPicked(group)) total += count;
    });
    return total;
  }
}

/** A number for one entry of a listing that no other one is likely to share. */
export function entryNumber(version: ListedVersion): number {
  const { high, low } = fingerprintOf(version);
  return high * 0x20_0000 + (low >>> 11);
}

/** Of the version as it is listed: another object in its place has another ETag, or another date. */
function fingerprintOf({ key, versionId, etag, lastModified }: ListedVersion): Fingerprint {
  const digest = createHash('sha256').update(`${key.length} ${key}${versionId} ${etag} ${lastModified}`).digest();
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
}

/** FNV-1a over UTF-16 units: it only has to spread. */
function hashed(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** The low bits of FNV-1a alone spread badly. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (once ^ (once >>> 12)) >>> 0;
}
