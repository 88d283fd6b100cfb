import { compareKeys } from './listing-segments';
import { StoreFault } from './store-fault';

/** What an answer to a listing says of itself, whichever path it came by. */
export interface ListingAnswer {
  /** The bucket that it lists. */
  readonly name: string | undefined;
  readonly isTruncated: boolean | undefined;
  /** `url` where keys are encoded. */
  readonly encodingType: string | undefined;
  /** Where the next page begins, as it came. */
  readonly nextKeyMarker: string | undefined;
}

/** What was asked for. */
export interface ListingQuestion {
  readonly operation: 'ListObjectVersions' | 'ListMultipartUploads';
  readonly bucket: string;
}

/**
 * Refuses an answer that cannot be a listing of this bucket, however it was answered. It has another bucket's name or
 * none, does not say whether more follows, or says so without a marker. What is left out of such an answer would count
 * as not there.
 *
 * @throws StoreFault `InvalidListing`
 */
export function requireListing({ operation, bucket }: ListingQuestion, answer: ListingAnswer): void {
  const { name, isTruncated, nextKeyMarker, encodingType } = answer;
  if (name !== bucket) {
    const named = name === undefined ? 'no bucket' : `the bucket ${JSON.stringify(name)}`;
    throw invalid(operation, `it names ${named}, not ${bucket}`);
  }
  if (isTruncated === undefined) throw invalid(operation, 'it does not state whether more follows (IsTruncated)');
  if (isTruncated && !nextKeyMarker) throw invalid(operation, 'more follows, but it has no NextKeyMarker');
  if (encodingType !== undefined && encodingType !== 'url') {
    throw invalid(operation, `its keys are encoded as ${JSON.stringify(encodingType)}, which was not requested`);
  }
}

/**
 * The keys of an answer. Keyturn requests `encoding-type=url`, because XML cannot carry every key; a space is `+` there. An
 * answer without `EncodingType` has its keys as they are: decoding them would name other objects.
 *
 * @throws StoreFault `InvalidListing` for an entry without a key, and for one that is not encoded as the answer says
 */
export function keyReader(
  { operation }: ListingQuestion,
  { encodingType }: Pick<ListingAnswer, 'encodingType'>,
): (listed: string | undefined) => string {
  return (listed) => {
    if (listed === undefined || listed === '') throw invalid(operation, 'an entry has no key');
    if (encodingType === undefined) return listed;
    const spaced = listed.includes('+') ? listed.replaceAll('+', ' ') : listed;
    if (!spaced.includes('%')) return spaced;
    try {
      return decodeURIComponent(spaced);
    } catch (error) {
      throw invalid(operation, `the key ${JSON.stringify(listed)} is not URL-encoded`, error);
    }
  };
}

/** Where a page stands: the marker that was sent, the first entries of each kind, and the marker that came. */
export interface PagePlace {
  readonly after: { readonly key: string; readonly id: string | undefined } | undefined;
  readonly firstKeys: readonly (string | undefined)[];
  readonly next: { readonly key: string; readonly id: string | undefined } | undefined;
}

/**
 * Refuses a page that does not lead on from the marker that was sent. One that lists what came before it again was
 * asked for something else, and what lies behind it would be missing. Following a marker that stands still would never
 * end.
 *
 * @throws StoreFault `InvalidListing`
 */
export function requireProgress({ operation }: ListingQuestion, { after, firstKeys, next }: PagePlace): void {
  if (after === undefined) return;
  for (const key of firstKeys) {
    const order = key === undefined ? 1 : compareKeys(key, after.key);
    if (order > 0 || (order === 0 && after.id !== undefined)) continue;
    throw invalid(
      operation,
      `it lists ${JSON.stringify(key)}, which is not behind the marker ${JSON.stringify(after.key)}`,
    );
  }
  if (next === undefined) return;
  const order = compareKeys(next.key, after.key);
  const leadsOn = order > 0 || (order === 0 && after.id !== undefined && next.id !== after.id);
  if (!leadsOn)
    throw invalid(operation, `its marker ${JSON.stringify(next.key)} does not lead past the one it was given`);
}

/**
 * Refuses entries that were not all read: an element written in another way than S3 writes it is an object version that
 * would be overlooked.
 *
 * @throws StoreFault `InvalidListing`
 */
export function requireAllRead({ operation }: ListingQuestion, element: string, present: number, read: number): void {
  if (present === read) return;
  throw invalid(operation, `it has ${present} ${element} element(s), of which ${read} could be read`);
}

function invalid(operation: string, reason: string, cause?: unknown): StoreFault {
  const message = `the answer is no valid listing: ${reason}`;
  return new StoreFault({ operation, status: 200, code: 'InvalidListing', message }, cause);
}
