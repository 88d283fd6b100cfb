import { compareKeys } from './listing-segments';
import type { PageMarker, VersionPage } from './object-version';
import type { ObjectStore } from './store';

export interface VersionListingRequest {
  readonly bucket: string;
  /** Where to begin; absent: at the first key. */
  readonly after?: PageMarker | undefined;
  /** The last key to list; absent: to the end. */
  readonly to?: string | undefined;
  /** Calls one page's request; the engine retries and paces through it. */
  readonly listing?: ((send: () => Promise<VersionPage>) => Promise<VersionPage>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every object version of a bucket, noncurrent and null versions included, a page at a time and one page ahead of the
 * reader: memory is bounded by two pages.
 *
 * @throws StoreFault
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export async function* listVersionPages(
  store: ObjectStore,
  request: VersionListingRequest,
): AsyncGenerator<VersionPage, void, undefined> {
  const { bucket, to, listing = (send) => send(), signal } = request;
  const fetchPage = (after: PageMarker | undefined) => {
    const page = listing(() => store.listVersions({ bucket, after }, signal));
    // The page ahead may fail while nobody awaits it yet; it is awaited in its turn.
    page.catch(() => undefined);
    return page;
  };
  let ahead: Promise<VersionPage> | undefined = fetchPage(request.after);
  while (ahead) {
    const page: VersionPage = cut(await ahead, to);
    ahead = page.next && fetchPage(page.next);
    yield page;
  }
}

/** What of a page is not beyond the last key to list. */
function cut(page: VersionPage, to: string | undefined): VersionPage {
  if (to === undefined) return page;
  const isWithin = (key: string) => compareKeys(key, to) <= 0;
  const last = [page.versions.at(-1)?.key, page.markerKeys.at(-1)].filter((key) => key !== undefined);
  if (last.every(isWithin)) return page.next && isWithin(page.next.key) ? page : { ...page, next: undefined };
  return {
    versions: page.versions.filter((one) => isWithin(one.key)),
    markerKeys: page.markerKeys.filter(isWithin),
    next: undefined,
  };
}
