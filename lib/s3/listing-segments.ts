import type { PageMarker } from './object-version';
import type { ObjectStore } from './store';

/** A part of a bucket's listing: what comes after a marker, up to and with a key. */
export interface Segment {
  /** Absent: from the first key. */
  readonly after: PageMarker | undefined;
  /** The last key that belongs to it; absent: to the end. */
  readonly to: string | undefined;
}

/** The whole listing. */
export const WHOLE: Segment = { after: undefined, to: undefined };

/** Probes at most for one split: they are requests that inspect nothing. */
const MAX_PROBES = 64;
/** The same for what is left of a segment, which may be little. */
const CUT_PROBES = 16;
/** Prefixes at most whose ends are looked up, one request each. */
const MAX_PREFIXES = 32;
/** The range of characters in which a boundary is searched for; keys beyond it are still listed, only less evenly. */
const [LOWEST, HIGHEST] = [0x20, 0x7f];

/** Compares keys as S3 orders them, by their UTF-8 bytes. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/**
 * A string between two keys, near their middle; undefined where there is none in plain characters. `high` absent: the
 * end of all keys.
 */
export function between(low: string, high: string | undefined): string | undefined {
  let prefix = '';
  for (let at = 0; at <= low.length; at += 1) {
    const from = at < low.length ? low.charCodeAt(at) : LOWEST - 1;
    const isOpen = high === undefined || !high.startsWith(prefix);
    const to = isOpen ? HIGHEST : high.length > at ? high.charCodeAt(at) : LOWEST;
    if (from >= HIGHEST || to > HIGHEST) return undefined;
    const middle = Math.floor((Math.max(from, LOWEST - 1) + to) / 2);
    if (middle > from && middle < to) return prefix + String.fromCharCode(middle);
    if (at >= low.length) return undefined;
    prefix += low.charAt(at);
  }
  return undefined;
}

/** Answers whether, and with which key, the listing continues after a key. */
type KeyAfter = (key: string) => Promise<string | undefined>;

/**
 * Cuts what comes after a key of a listing into about `parts` segments, which can be listed concurrently. One listing
 * brings a thousand keys in each answer, and no more. Where the keys have few prefixes, up to their first slash, each segment holds
 * whole prefixes, as S3 limits requests by prefix. Else the boundaries are guessed in the middle of the space of keys and
 * moved to where keys are; segments need not be even.
 *
 * @param prefixParts - segments at most where they hold whole prefixes
 * @returns segments in order, without gap or overlap; only one where no boundary was found
 * @throws StoreFault
 */
export async function splitRest(
  store: ObjectStore,
  listing: <T>(send: () => Promise<T>) => Promise<T>,
  bucket: string,
  afterKey: string,
  parts: number,
  prefixParts = parts,
): Promise<readonly Segment[]> {
  const keyAfter = keyAfterIn(store, listing, bucket);
  const byPrefix = await prefixBoundaries(keyAfter, afterKey);
  const boundaries =
    byPrefix.length >= parts - 1
      ? evenly(byPrefix, Math.min(byPrefix.length, prefixParts - 1))
      : await guessedBoundaries(keyAfter, { afterKey, parts, known: byPrefix });
  return segmentsBetween(afterKey, boundaries, undefined);
}

/**
 * Cuts what is left of a segment into up to `parts`, wherever it continues.
 *
 * @returns segments in order, without gap or overlap; only one where no boundary was found
 * @throws StoreFault
 */
export async function cutSegment(
  store: ObjectStore,
  listing: <T>(send: () => Promise<T>) => Promise<T>,
  bucket: string,
  { afterKey, to, parts }: { readonly afterKey: string; readonly to: string | undefined; readonly parts: number },
): Promise<readonly Segment[]> {
  const keyAfter = keyAfterIn(store, listing, bucket, to);
  const boundaries = await guessedBoundaries(keyAfter, { afterKey, to, parts, known: [], most: CUT_PROBES });
  return segmentsBetween(afterKey, boundaries, to);
}

function segmentsBetween(afterKey: string, boundaries: readonly string[], to: string | undefined): readonly Segment[] {
  const ends = [...boundaries, to];
  return ends.map((end, at) => ({ after: { key: boundaries[at - 1] ?? afterKey, versionId: undefined }, to: end }));
}

/** @param to - the last key that counts. Default: every key does */
function keyAfterIn(
  store: ObjectStore,
  listing: <T>(send: () => Promise<T>) => Promise<T>,
  bucket: string,
  to?: string,
): KeyAfter {
  return async (key) => {
    const page = await listing(() => store.listVersions({ bucket, after: { key, versionId: undefined }, limit: 1 }));
    const found = page.versions[0]?.key ?? page.deleteMarkers[0]?.key;
    return found === undefined || to === undefined || compareKeys(found, to) <= 0 ? found : undefined;
  };
}

/** Ends of the prefixes that follow, the last one without; none where there is no slash, or where there are too many to find them all. */
async function prefixBoundaries(keyAfter: KeyAfter, afterKey: string): Promise<readonly string[]> {
  const ends: string[] = [];
  for (let key: string | undefined = afterKey; key !== undefined; ) {
    const end = endOfPrefix(key);
    if (end === undefined || ends.length >= MAX_PREFIXES) return [];
    ends.push(end);
    key = await keyAfter(end);
  }
  return ends.slice(0, -1);
}

/** A string behind every key with the same prefix up to the first slash, and before every other key behind these. */
function endOfPrefix(key: string): string | undefined {
  const slash = key.indexOf('/');
  // The character after the slash.
  return slash < 0 ? undefined : `${key.slice(0, slash)}0`;
}

/** About every nth of some boundaries. */
function evenly(boundaries: readonly string[], count: number): readonly string[] {
  return Array.from(
    { length: count },
    (_, at) => boundaries[Math.floor(((at + 1) * (boundaries.length + 1)) / (count + 1)) - 1],
  ).filter((one) => one !== undefined);
}

interface ToCut {
  readonly afterKey: string;
  readonly to?: string | undefined;
  readonly parts: number;
  readonly known: readonly string[];
  /** Probes at most. */
  readonly most?: number;
}

async function guessedBoundaries(
  keyAfter: KeyAfter,
  { afterKey, to, parts, known, most = MAX_PROBES }: ToCut,
): Promise<readonly string[]> {
  let probes = 0;
  const hasKeyAfter = async (key: string): Promise<boolean> => {
    probes += 1;
    return (await keyAfter(key)) !== undefined;
  };
  const boundaries = [...known];
  const end = to ?? (await endBehind(hasKeyAfter, known.at(-1) ?? afterKey));
  const open: { low: string; high: string | undefined }[] = [...known, end].map((high, at) => ({
    low: known[at - 1] ?? afterKey,
    high,
  }));
  while (boundaries.length < parts - 1 && probes < most) {
    const next = open.shift();
    if (!next) break;
    let { high } = next;
    // Above the middle there may be nothing: the space is halved until there is.
    for (
      let middle = between(next.low, high);
      middle !== undefined && probes < most;
      middle = between(next.low, high)
    ) {
      if (await hasKeyAfter(middle)) {
        boundaries.push(middle);
        open.push({ low: middle, high }, { low: next.low, high: middle });
        break;
      }
      high = middle;
    }
  }
  return boundaries.sort(compareKeys);
}

/**
 * A string behind which there is no key, as near to a key as one that shares a beginning with it can be; undefined where none was
 * found. Halves the length of that beginning, so that a bucket whose keys all begin alike takes few probes.
 */
async function endBehind(hasKeyAfter: (key: string) => Promise<boolean>, key: string): Promise<string | undefined> {
  const plain = /^[ -~]*/.exec(key)?.[0] ?? '';
  let [ended, open] = [-1, plain.length + 1];
  while (open - ended > 1) {
    const length = Math.floor((ended + open) / 2);
    if (await hasKeyAfter(`${plain.slice(0, length)}~`)) open = length;
    else ended = length;
  }
  return ended < 0 ? undefined : `${plain.slice(0, ended)}~`;
}
