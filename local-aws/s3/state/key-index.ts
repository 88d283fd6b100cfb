import type { ObjectVersion } from './object-version';

/** A key and its versions, oldest first; the last one is the current version. Never empty while indexed. */
export interface KeyEntry {
  readonly key: string;
  readonly versions: ObjectVersion[];
}

const CHUNK = 512;

/**
 * The keys of a bucket: by name in constant time, and in the order S3 lists them (UTF-8 bytes). The order is kept in
 * chunks of at most {@link CHUNK} entries, so that an insert moves little and a listing never sorts.
 */
export class KeyIndex {
  private readonly byName = new Map<string, KeyEntry>();
  private readonly chunks: KeyEntry[][] = [];

  get size(): number {
    return this.byName.size;
  }

  get(key: string): KeyEntry | undefined {
    return this.byName.get(key);
  }

  /** Adds a version as the current one of its key. */
  push(key: string, version: ObjectVersion): void {
    const entry = this.byName.get(key);
    if (entry !== undefined) {
      entry.versions.push(version);
      return;
    }
    const added = { key: detached(key), versions: [version] };
    this.byName.set(added.key, added);
    this.insert(added);
  }

  /** Takes one version out; the key goes with its last version. */
  remove(entry: KeyEntry, version: ObjectVersion): void {
    const at = entry.versions.lastIndexOf(version);
    if (at >= 0) entry.versions.splice(at, 1);
    if (entry.versions.length === 0) this.drop(entry);
  }

  /**
   * Entries in order, from the first for which `reached` holds. `reached` must be false and then true along the order.
   */
  *from(reached: (key: string) => boolean): Generator<KeyEntry> {
    let chunk = firstIndex(this.chunks.length, (at) => {
      const entries = this.chunks[at];
      const last = entries?.[entries.length - 1];
      return last === undefined || reached(last.key);
    });
    let at = firstIndex(this.chunks[chunk]?.length ?? 0, (index) => reached(this.chunks[chunk]?.[index]?.key ?? ''));
    for (; chunk < this.chunks.length; chunk += 1, at = 0) {
      const entries = this.chunks[chunk] ?? [];
      for (; at < entries.length; at += 1) {
        const entry = entries[at];
        if (entry !== undefined) yield entry;
      }
    }
  }

  private insert(entry: KeyEntry): void {
    const home = this.chunkOf(entry.key);
    const chunk = this.chunks[home];
    if (chunk === undefined) {
      this.chunks.push([entry]);
      return;
    }
    const at = firstIndex(chunk.length, (index) => compareKeys(chunk[index]?.key ?? '', entry.key) >= 0);
    chunk.splice(at, 0, entry);
    if (chunk.length <= CHUNK) return;
    // Keys that arrive in order fill the last chunk: it is left full, and the newcomer opens the next one.
    const cut = home === this.chunks.length - 1 && at === chunk.length - 1 ? at : chunk.length >> 1;
    this.chunks.splice(home + 1, 0, chunk.splice(cut));
  }

  private drop(entry: KeyEntry): void {
    this.byName.delete(entry.key);
    const home = this.chunkOf(entry.key);
    const chunk = this.chunks[home];
    const at = chunk?.indexOf(entry) ?? -1;
    if (chunk === undefined || at < 0) return;
    chunk.splice(at, 1);
    if (chunk.length === 0) this.chunks.splice(home, 1);
  }

  /** The chunk that holds the key or would: the first whose last key is not below it, else the last chunk. */
  private chunkOf(key: string): number {
    const found = firstIndex(this.chunks.length, (at) => {
      const entries = this.chunks[at];
      return compareKeys(entries?.[entries.length - 1]?.key ?? '', key) >= 0;
    });
    return Math.max(0, Math.min(found, this.chunks.length - 1));
  }
}

/** A copy that stands alone: a key cut out of a path would keep the whole request line in memory. */
function detached(key: string): string {
  return Buffer.from(key).toString();
}

/** The lowest index in `0…length` for which the monotone predicate holds. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Order by UTF-8 bytes, which is order by code point. UTF-16 units agree with it except that surrogates (code points
 * from U+10000) must sort after U+E000…U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
