import type { Call } from '../call';
import { invalidArgument } from '../fault';
import { compareKeys, type KeyEntry, type KeyIndex } from '../state/key-index';

const MAX_KEYS = 1000;

/** What all three object listings take. */
export interface ListingRequest {
  readonly prefix: string;
  /** `''` for none. */
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encodingType: 'url' | undefined;
  /** Encodes a key, prefix or marker as the client asked. */
  readonly encode: (text: string) => string;
}

/** @throws S3Fault `InvalidArgument` for max-keys or encoding-type that S3 does not take. */
export function listingOf(call: Call, limitName = 'max-keys'): ListingRequest {
  const encodingType = call.query.get('encoding-type');
  if (encodingType !== undefined && encodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', encodingType);
  }
  return {
    prefix: call.query.get('prefix') ?? '',
    delimiter: call.query.get('delimiter') ?? '',
    maxKeys: limitOf(call.query.get(limitName), limitName),
    encodingType,
    encode: encodingType === 'url' ? urlEncode : (text) => text,
  };
}

/** A page size or position: 0 to 2^31-1 accepted, `most` served. */
export function limitOf(given: string | undefined, name: string, most = MAX_KEYS): number {
  if (given === undefined || given === '') return most;
  const limit = Number(given);
  if (!/^\d{1,10}$/.test(given) || limit > 2_147_483_647) {
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, given);
  }
  return Math.min(limit, most);
}

/**
 * Entries with the prefix, from where `from` says. Once one key of a group `shows`, the index is asked for what comes
 * after the group. The first may be hidden by a delete marker.
 */
export function* pageEntries(
  keys: KeyIndex,
  listing: ListingRequest,
  from: (key: string) => boolean,
  shows: (entry: KeyEntry) => boolean,
): Generator<KeyEntry> {
  let reached = from;
  for (;;) {
    let skipTo: string | undefined;
    for (const entry of keys.from(reached)) {
      if (!entry.key.startsWith(listing.prefix)) return;
      const group = commonPrefix(entry.key, listing);
      yield entry;
      if (group !== undefined && shows(entry)) {
        skipTo = group;
        break;
      }
    }
    if (skipTo === undefined) return;
    reached = past(skipTo);
  }
}

/** Where a page begins after a marker: a key, or a common prefix whose keys were all listed. */
export function after(listing: ListingRequest, marker: string): (key: string) => boolean {
  const { prefix, delimiter } = listing;
  if (marker === '' || compareKeys(marker, prefix) < 0) return (key) => compareKeys(key, prefix) >= 0;
  const group = delimiter !== '' && commonPrefix(marker, listing) === marker;
  return group ? past(marker) : (key) => compareKeys(key, marker) > 0;
}

/** Holds from the first key after all those that start with the prefix. */
export function past(prefix: string): (key: string) => boolean {
  return (key) => !key.startsWith(prefix) && compareKeys(key, prefix) > 0;
}

/** The group a key is rolled up into: the prefix up to and with the next delimiter. */
export function commonPrefix(key: string, { prefix, delimiter }: ListingRequest): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

const UNENCODED = /%2F|%20|[!'()~]/g;

/** S3's `encoding-type=url`: form encoding that leaves `/` and `*` alone and writes a space as `+`. */
function urlEncode(text: string): string {
  return encodeURIComponent(text).replace(UNENCODED, (found) => {
    if (found === '%2F') return '/';
    if (found === '%20') return '+';
    return `%${found.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
