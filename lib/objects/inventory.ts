import type { PageMarker, VersionPage } from './object-version';
import type { ObjectStore } from './store';

export interface InventoryRequest {
  readonly bucket: string;
  /** Where to begin; absent: at the first key. */
  readonly after?: PageMarker | undefined;
  /** Calls one page's request; the engine retries and paces through it. */
  readonly listing?: ((send: () => Promise<VersionPage>) => Promise<VersionPage>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every object version of a bucket, noncurrent and null versions included, a page at a time and one page ahead of the
 * reader: memory is bounded by two pages. Delete markers hold no data and are only counted.
 *
 * @throws StoreFault
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export async function* inventory(
  store: ObjectStore,
  request: InventoryRequest,
): AsyncGenerator<VersionPage, void, undefined> {
  const { bucket, listing = (send) => send(), signal } = request;
  const fetchPage = (after: PageMarker | undefined) => {
    const page = listing(() => store.listVersions({ bucket, after }, signal));
    // The page ahead may fail while nobody awaits it yet; it is awaited in its turn.
    page.catch(() => undefined);
    return page;
  };
  let ahead: Promise<VersionPage> | undefined = fetchPage(request.after);
  while (ahead) {
    const page: VersionPage = await ahead;
    ahead = page.next && fetchPage(page.next);
    yield page;
  }
}
