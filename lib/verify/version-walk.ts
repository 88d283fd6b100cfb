import { RunStopped } from '../s3/fault-policy';
import type { ListedMarker, ListedVersion, PageMarker, VersionPage } from '../s3/object-version';

/** Sends one request of a listing. */
export type SendListing = (part: {
  readonly after?: PageMarker | undefined;
  readonly prefix?: string | undefined;
}) => Promise<VersionPage>;

/** Which keys are listed: those behind `behind`, up to and with `to`, that start with `prefix`. */
export interface WalkRange {
  readonly behind?: string | undefined;
  readonly to?: string | undefined;
  readonly prefix?: string | undefined;
}

/** Keys with all of their versions and delete markers. */
export interface WalkedPage extends Keys {
  /** The page lists every key behind it; absent: from the first one. */
  readonly behind: string | undefined;
  /** … up to and with this one; absent: to the last. */
  readonly upTo: string | undefined;
}

interface Keys {
  readonly versions: readonly ListedVersion[];
  readonly deleteMarkers: readonly ListedMarker[];
}

/** Times that a key of more than one page is listed until two listings agree. */
const MAX_LISTINGS = 20;

/**
 * A listing of its own for verification. It continues behind the last whole key that it has seen, whatever the page
 * marker names. A key that fills a page is listed by itself, until a listing brings nothing new. An end is believed
 * only where S3, asked once more, lists nothing behind it.
 *
 * @throws StoreFault, and RunStopped where the versions of one key keep changing
 */
export async function* walkVersions(send: SendListing, range: WalkRange): AsyncGenerator<WalkedPage, void, undefined> {
  const { prefix, to } = range;
  const ask = (behind: string | undefined): Promise<VersionPage> => {
    const page = send({ prefix, after: behind === undefined ? undefined : { key: behind, versionId: undefined } });
    // The page ahead may fail while nobody awaits it yet; it is awaited in its turn.
    page.catch(() => undefined);
    return page;
  };
  let behind = range.behind;
  let isEnd = false;
  for (let ahead = ask(behind); ; ) {
    const page = await ahead;
    const last = lastKey(page);
    const from = behind;
    if (last === undefined && isEnd) {
      yield { versions: [], deleteMarkers: [], behind: from, upTo: to };
      return;
    }
    isEnd = page.next === undefined;
    const open = isEnd ? undefined : last;
    const whole: Keys = open === undefined ? page : withoutKey(page, open);
    const upTo = lastKey(whole) ?? open;
    behind = upTo ?? behind;
    const isOver = to !== undefined && behind !== undefined && bytewise(behind, to) >= 0;
    if (!isOver) ahead = ask(behind);
    const listed = open !== undefined && upTo === open ? await wholeKey(send, open) : whole;
    yield { ...(to === undefined ? listed : within(listed, to)), behind: from, upTo: isOver ? to : behind };
    if (isOver) return;
  }
}

/** A version alone, as if nothing else of its key were listed. */
export function pageOf(version: ListedVersion): WalkedPage {
  return { versions: [version], deleteMarkers: [], behind: undefined, upTo: undefined };
}

/** Keys as S3 orders them, by their UTF-8 bytes. */
export function bytewise(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8'));
}

/** The highest key of a page. */
export function lastKey({ versions, deleteMarkers }: Keys): string | undefined {
  const [version, marker] = [versions.at(-1)?.key, deleteMarkers.at(-1)?.key];
  if (version === undefined || marker === undefined) return version ?? marker;
  return bytewise(version, marker) >= 0 ? version : marker;
}

function withoutKey({ versions, deleteMarkers }: Keys, key: string): Keys {
  const isOther = (one: { readonly key: string }) => one.key !== key;
  return { versions: versions.filter(isOther), deleteMarkers: deleteMarkers.filter(isOther) };
}

function within({ versions, deleteMarkers }: Keys, to: string): Keys {
  const isWithin = (one: { readonly key: string }) => bytewise(one.key, to) <= 0;
  return { versions: versions.filter(isWithin), deleteMarkers: deleteMarkers.filter(isWithin) };
}

/**
 * A page marker inside a key is followed, but not believed: a store may skip what is behind a version that was deleted meanwhile. So the
 * key is listed until a listing brings nothing but versions that were written since.
 */
async function wholeKey(send: SendListing, key: string): Promise<Keys> {
  const versions = new Map<string, ListedVersion>();
  const markers = new Map<string, ListedMarker>();
  for (let listing = 1; listing <= MAX_LISTINGS; listing += 1) {
    const newest = Math.max(latest(versions), latest(markers));
    let isWhole = listing > 1;
    for await (const page of pagesOfKey(send, key)) {
      const unseen = [
        ...page.versions.filter((one) => !versions.has(one.versionId)),
        ...page.deleteMarkers.filter((one) => !markers.has(one.versionId)),
      ];
      if (unseen.some((one) => one.lastModified <= newest)) isWhole = false;
      for (const one of page.versions) versions.set(one.versionId, one);
      for (const one of page.deleteMarkers) markers.set(one.versionId, one);
    }
    if (isWhole) return { versions: [...versions.values()], deleteMarkers: [...markers.values()] };
  }
  const detail = `each of ${MAX_LISTINGS} listings of ${JSON.stringify(key)} had versions that the ones before lacked`;
  throw new RunStopped({ because: 'endpoint', detail });
}

async function* pagesOfKey(send: SendListing, key: string): AsyncGenerator<Keys, void, undefined> {
  const isOfKey = (one: { readonly key: string }) => one.key === key;
  let after: PageMarker | undefined;
  do {
    const { versions, deleteMarkers, next }: VersionPage = await send({ prefix: key, after });
    yield { versions: versions.filter(isOfKey), deleteMarkers: deleteMarkers.filter(isOfKey) };
    // The key itself comes before every other key that begins with it.
    after = next?.key === key ? next : undefined;
  } while (after !== undefined);
}

function latest(entries: ReadonlyMap<string, { readonly lastModified: number }>): number {
  let newest = 0;
  for (const { lastModified } of entries.values()) newest = Math.max(newest, lastModified);
  return newest;
}
