import { splitRest } from '../s3/listing-segments';
import type { ObjectStore } from '../s3/store';
import { bytewise, lastKey, type SendListing, type WalkedPage, walkVersions } from './version-walk';

export interface ParallelWalk {
  readonly bucket: string;
  /** Paces and retries one request. */
  readonly call: <T>(send: () => Promise<T>) => Promise<T>;
  /** Concurrent listings, once the bucket turns out to be large. Default 16. */
  readonly parts?: number | undefined;
  /** Pages after which it counts as large. Default 8. */
  readonly splitAfterPages?: number | undefined;
}

/**
 * Every object version of a bucket by the {@link ObjectStore.witness}, a page at a time in no order, from up to 16 listings at once.
 *
 * @throws StoreFault, RunStopped, and what `onPage` throws
 */
export async function walkInParallel(
  store: ObjectStore,
  { bucket, call, parts = 16, splitAfterPages = 8 }: ParallelWalk,
  onPage: (page: WalkedPage) => Promise<void>,
): Promise<void> {
  const send: SendListing = (part) => call(() => store.witness.listVersions({ bucket, ...part }));
  let pages = 0;
  let behind: string | undefined;
  for await (const page of walkVersions(send, {})) {
    await onPage(page);
    pages += 1;
    behind = lastKey(page) ?? behind;
    if (pages >= splitAfterPages && behind !== undefined) break;
  }
  if (pages < splitAfterPages || behind === undefined) return;
  await allEnded(
    (await boundaries(store, bucket, call, behind, parts)).map(async (range) => {
      for await (const page of walkVersions(send, range)) await onPage(page);
    }),
  );
}

/** Ranges that follow one another without a gap, whatever was guessed as their bounds. */
async function boundaries(
  store: ObjectStore,
  bucket: string,
  call: ParallelWalk['call'],
  behind: string,
  parts: number,
): Promise<readonly { readonly behind: string; readonly to: string | undefined }[]> {
  const listed = { ...store, listVersions: store.witness.listVersions };
  const guessed = await splitRest(listed, call, bucket, behind, parts);
  const bounds = guessed.flatMap(({ to }) => (to !== undefined && bytewise(to, behind) > 0 ? [to] : []));
  bounds.sort(bytewise);
  return [...bounds, undefined].map((to, at) => ({ behind: bounds[at - 1] ?? behind, to }));
}

/** Waits for all, so that nothing is in progress when the first failure is thrown. */
async function allEnded(running: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(running);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
