import {
  entriesOf,
  listKeyAgain,
  type MarkerInKey,
  markerInKey,
  ofKey,
  type SendPage,
  wholeKeys,
  withoutSeen,
} from './boundary-key';
import { compareKeys } from './listing-segments';
import type { PageMarker, VersionPage } from './object-version';
import type { ObjectStore } from './store';

export interface VersionListingRequest {
  readonly bucket: string;
  /** Where to start; absent: at the first key. */
  readonly after?: PageMarker | undefined;
  /** Keys that start with it; absent: all. */
  readonly prefix?: string | undefined;
  /** The last key to list; absent: to the end. */
  readonly to?: string | undefined;
  /** Calls one page's request; the engine retries and paces through it. */
  readonly listing?: ((send: () => Promise<VersionPage>) => Promise<VersionPage>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every object version of a bucket, noncurrent and null versions included, a page at a time and one page ahead of the
 * reader. Memory is bounded by two pages, and by the version ids of one key where it fills whole pages.
 *
 * A page ends with a key. Where the version that a page marker names is deleted between two requests, a store may skip
 * its key: so no version is hidden, and none listed twice. Where one key fills a page, it is listed once more instead
 * if the next page holds nothing of it. Only a listing that is started in the middle of such a key may list versions of
 * it that an earlier one listed.
 *
 * @throws StoreFault
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export async function* listVersionPages(
  store: ObjectStore,
  request: VersionListingRequest,
): AsyncGenerator<VersionPage, void, undefined> {
  const { bucket, to, prefix, listing = (send) => send(), signal } = request;
  const send: SendPage = (part) => {
    const page = listing(() => store.listVersions({ bucket, prefix, ...part }, signal));
    // The page ahead may fail while nobody awaits it yet; it is awaited in its turn.
    page.catch(() => undefined);
    return page;
  };
  let marker = startedIn(request.after);
  let seen = new Set(marker && [marker.versionId]);
  let ahead: Promise<VersionPage> | undefined = send({ after: request.after });
  while (ahead) {
    const page: VersionPage = wholeKeys(cut(await ahead, to));
    ahead = page.next && send({ after: page.next });
    if (marker && entriesOf(ofKey(page, marker.key)).length === 0) yield* listKeyAgain(send, marker, seen);
    const unseen = marker ? withoutSeen(page, marker.key, seen) : page;
    const end = markerInKey(page);
    if (end?.key !== marker?.key) seen = new Set();
    if (end) for (const one of entriesOf(ofKey(page, end.key))) seen.add(one.versionId);
    marker = end;
    yield unseen;
  }
}

function startedIn(after: PageMarker | undefined): MarkerInKey | undefined {
  const { key, versionId } = after ?? {};
  return key === undefined || versionId === undefined ? undefined : { key, versionId, lastModified: undefined };
}

/** What of a page is not beyond the last key to list. */
function cut(page: VersionPage, to: string | undefined): VersionPage {
  if (to === undefined) return page;
  const isWithin = ({ key }: { readonly key: string }) => compareKeys(key, to) <= 0;
  const last = [page.versions.at(-1), page.deleteMarkers.at(-1)].filter((one) => one !== undefined);
  if (last.every(isWithin)) return page.next && isWithin(page.next) ? page : { ...page, next: undefined };
  return {
    versions: page.versions.filter(isWithin),
    deleteMarkers: page.deleteMarkers.filter(isWithin),
    next: undefined,
  };
}
