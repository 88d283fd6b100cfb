import { compareKeys } from './listing-segments';
import type { ListedMarker, ListedVersion, PageMarker, VersionPage } from './object-version';
import type { ListRequest } from './store';

/** One request of a listing. */
export type SendPage = (request: Omit<ListRequest, 'bucket'>) => Promise<VersionPage>;

/** A page marker in the middle of a key, with the date of its version where that one was listed. */
export interface MarkerInKey {
  readonly key: string;
  readonly versionId: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number | undefined;
}

/**
 * A page without the key that it may have ended in the middle of: the next page begins with that key and lists all of it. A page
 * marker that names a version is not relied on: S3 continues with the next older one where that version was deleted meanwhile,
 * other stores continue with the next key and hide what is older. A page that holds one key only is left as it is.
 */
export function wholeKeys(page: VersionPage): VersionPage {
  if (page.next === undefined) return page;
  const last = lastKey(page.versions.at(-1)?.key, page.deleteMarkers.at(-1)?.key);
  const versions = before(page.versions, last);
  const deleteMarkers = before(page.deleteMarkers, last);
  const key = lastKey(versions.at(-1)?.key, deleteMarkers.at(-1)?.key);
  return key === undefined ? page : { versions, deleteMarkers, next: { key, versionId: undefined } };
}

/** What of a page is of one key. */
export function ofKey({ versions, deleteMarkers, next }: VersionPage, key: string): VersionPage {
  const isOf = (one: ListedVersion | ListedMarker) => one.key === key;
  return { versions: versions.filter(isOf), deleteMarkers: deleteMarkers.filter(isOf), next };
}

/** Both kinds of entries of a page, in no order. */
export function entriesOf({ versions, deleteMarkers }: VersionPage): readonly (ListedVersion | ListedMarker)[] {
  return [...versions, ...deleteMarkers];
}

/** What of a page is of another key, or not among these versions of the key. */
export function withoutSeen(page: VersionPage, key: string, seen: ReadonlySet<string>): VersionPage {
  const isUnseen = (one: ListedVersion | ListedMarker) => one.key !== key || !seen.has(one.versionId);
  return {
    versions: page.versions.filter(isUnseen),
    deleteMarkers: page.deleteMarkers.filter(isUnseen),
    next: page.next,
  };
}

/**
 * Lists a key once more, because the answer to a marker in the middle of it held nothing of it. Either nothing older is
 * there, or the store skipped what is. While the marker's version is still listed, the answer was right.
 *
 * @param seen - version ids of the key that were listed before; what is found is added
 * @returns pages of what was not seen; a listing that ends at one of them continues at the marker
 */
export async function* listKeyAgain(
  send: SendPage,
  { key, versionId, lastModified }: MarkerInKey,
  seen: Set<string>,
): AsyncGenerator<VersionPage, void, undefined> {
  let doubted: MarkerInKey | undefined = { key, versionId, lastModified };
  while (doubted !== undefined && !(await isListed(send, doubted))) {
    doubted = undefined;
    let end: MarkerInKey | undefined;
    for await (const page of pagesOfKey(send, key)) {
      if (entriesOf(page).length === 0) doubted = end;
      end = markerInKey(page);
      const unseen = withoutSeen(page, key, seen);
      for (const one of entriesOf(page)) seen.add(one.versionId);
      if (entriesOf(unseen).length > 0) yield { ...unseen, next: { key, versionId } };
    }
  }
}

async function isListed(send: SendPage, marker: MarkerInKey): Promise<boolean> {
  for await (const page of pagesOfKey(send, marker.key)) {
    if (entriesOf(page).some((one) => isSame(one, marker))) return true;
  }
  return false;
}

/** All pages of one key from its newest version on; an empty last one stands for an answer that held nothing more of it. */
async function* pagesOfKey(send: SendPage, key: string): AsyncGenerator<VersionPage, void, undefined> {
  let after: PageMarker | undefined;
  do {
    const page = ofKey(await send({ prefix: key, after }), key);
    // The key itself comes before every other key that begins with it.
    after = entriesOf(page).length > 0 && page.next?.key === key ? page.next : undefined;
    yield { ...page, next: after };
  } while (after);
}

/** Where a page ends, when that is in the middle of the only key that it holds. */
export function markerInKey(page: VersionPage): MarkerInKey | undefined {
  const { key, versionId } = page.next ?? {};
  if (key === undefined || versionId === undefined) return undefined;
  const last = entriesOf(page).find((one) => one.key === key && one.versionId === versionId);
  return { key, versionId, lastModified: last?.lastModified };
}

/** A version id is given once, but a null version may be deleted and written again. */
function isSame(one: ListedVersion | ListedMarker, other: MarkerInKey): boolean {
  if (one.versionId !== other.versionId) return false;
  return one.versionId !== 'null' || one.lastModified === other.lastModified;
}

function before<T extends { readonly key: string }>(entries: readonly T[], key: string | undefined): readonly T[] {
  let end = entries.length;
  while (end > 0 && entries[end - 1]?.key === key) end -= 1;
  return entries.slice(0, end);
}

function lastKey(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareKeys(one, other) >= 0 ? one : other;
}
