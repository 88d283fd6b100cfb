import { splitRest } from './listing-segments';
import type { VersionPage } from './object-version';
import type { ObjectStore } from './store';
import { listVersionPages } from './version-listing';

export interface ParallelListing {
  readonly bucket: string;
  /** Calls one request; the caller retries and paces through it. */
  readonly listing: <T>(send: () => Promise<T>) => Promise<T>;
  /** Concurrent listings, once the bucket turns out to be large. Default 16. */
  readonly parts?: number | undefined;
  /** Pages after which it counts as large. Default 100. */
  readonly splitAfterPages?: number | undefined;
}

/**
 * Every object version of a bucket, a page at a time in no order. One listing brings a thousand versions in each
 * answer, so a large bucket is listed in concurrent segments. Memory is bounded by two pages for each.
 *
 * @throws StoreFault
 */
export async function* listVersionsInParallel(
  store: ObjectStore,
  { bucket, listing, parts = 16, splitAfterPages = 100 }: ParallelListing,
): AsyncGenerator<VersionPage, void, undefined> {
  let last: string | undefined;
  let pages = 0;
  for await (const page of listVersionPages(store, { bucket, listing })) {
    yield page;
    pages += 1;
    // Where one key fills pages, the end of that key is waited for: a segment begins behind a key.
    if (pages >= splitAfterPages && page.next && page.next.versionId === undefined) {
      last = page.next.key;
      break;
    }
  }
  if (last === undefined) return;
  const segments = await splitRest(store, listing, bucket, last, parts);
  yield* merged(segments.map((segment) => listVersionPages(store, { bucket, ...segment, listing })));
}

/** What comes from several sources, as it comes. */
async function* merged<T>(sources: readonly AsyncGenerator<T, void, undefined>[]): AsyncGenerator<T, void, undefined> {
  const waiting = new Map<number, Promise<{ at: number; result: IteratorResult<T, void> }>>();
  const ask = (source: AsyncGenerator<T, void, undefined>, at: number): void => {
    const next = source.next().then((result) => ({ at, result }));
    // It may fail while another source's value is dealt with; it is raced again in its turn.
    next.catch(() => undefined);
    waiting.set(at, next);
  };
  sources.forEach(ask);
  while (waiting.size > 0) {
    const { at, result } = await Promise.race(waiting.values());
    waiting.delete(at);
    if (result.done) continue;
    const source = sources[at];
    if (source) ask(source, at);
    yield result.value;
  }
}
