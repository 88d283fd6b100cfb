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
export interface WalkedPage {
  readonly versions: readonly ListedVersion[];
  readonly deleteMarkers: readonly ListedMarker[];
}

/** Times that a key of more than one page is listed until two listings agree. */
const MAX_LISTINGS = 5;

/**
 * A listing of its own for verification. It continues behind the last whole key that it has seen, whatever the page marker names; lists
 * a key that fills a page by itself, until a listing brings nothing new; and believes an end only where S3, asked once
 * more, lists nothing behind it.
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
    if (last === undefined && isEnd) return;
    isEnd = page.next === undefined;
    const open = isEnd ? undefined : last;
    const whole: WalkedPage = open === undefined ? page : withoutKey(page, open);
    const upTo = lastKey(whole) ?? open;
    behind = upTo ?? behind;
    const isOver = to !== undefined && behind !== undefined && bytewise(behind, to) >= 0;
    if (!isOver) ahead = ask(behind);
    const listed = open !== undefined && upTo === open ? await wholeKey(send, open) : whole;
    yield to === undefined ? listed : within(listed, to);
    if (isOver) return;
  }
}

/** Keys as S3 orders them, by their UTF-8 bytes. */
export function bytewise(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8'));
}

/** The highest key of a page. */
export function lastKey({ versions, deleteMarkers }: WalkedPage): string | undefined {
  const [version, marker] = [versions.at(-1)?.key, deleteMarkers.at(-1)?.key];
  if (version === undefined || marker === undefined) return version ?? marker;
  return bytewise(version, marker) >= 0 ? version : marker;
}

function withoutKey({ versions, deleteMarkers }: WalkedPage, key: string): WalkedPage {
  const isOther = (one: { readonly key: string }) => one.key !== key;
  return { versions: versions.filter(isOther), deleteMarkers: deleteMarkers.filter(isOther) };
}

function within({ versions, deleteMarkers }: WalkedPage, to: string): WalkedPage {
  const isWithin = (one: { readonly key: string }) => bytewise(one.key, to) <= 0;
  return { versions: versions.filter(isWithin), deleteMarkers: deleteMarkers.filter(isWithin) };
}

/** A page marker inside a key is followed, but not believed: a store may skip what is behind a version that was deleted meanwhile. */
async function wholeKey(send: SendListing, key: string): Promise<WalkedPage> {
  const versions = new Map<string, ListedVersion>();
  const markers = new Map<string, ListedMarker>();
  for (let listing = 1; listing <= MAX_LISTINGS; listing += 1) {
    const before = versions.size + markers.size;
    let after: PageMarker | undefined;
    do {
      const page: VersionPage = await send({ prefix: key, after });
      for (const one of page.versions) if (one.key === key) versions.set(one.versionId, one);
      for (const one of page.deleteMarkers) if (one.key === key) markers.set(one.versionId, one);
      // The key itself comes before every other key that begins with it.
      after = page.next?.key === key ? page.next : undefined;
    } while (after !== undefined);
    if (versions.size + markers.size === before) {
      return { versions: [...versions.values()], deleteMarkers: [...markers.values()] };
    }
  }
  const detail = `the versions of ${JSON.stringify(key)} changed between each of ${MAX_LISTINGS} listings`;
  throw new RunStopped({ because: 'endpoint', detail });
}
