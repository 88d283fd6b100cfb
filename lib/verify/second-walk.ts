import type { ListedVersion } from '../s3/object-version';
import type { ObjectStore } from '../s3/store';
import { type SendListing, type WalkedPage, walkVersions } from './version-walk';
import { walkInParallel } from './walk-in-parallel';

/** What one more listing of a bucket found. */
export interface SecondWalk {
  /** Versions that are not newer than everything in the first listing. */
  readonly versions: number;
  /** Versions that the client of the engines lists and the AWS SDK does not, asked twice. */
  readonly hidden: number;
}

export interface SecondWalkRequest {
  readonly bucket: string;
  /** The latest LastModified in the first listing, milliseconds since the epoch. */
  readonly newest: number;
  /** True: each page is listed by both clients, and compared. */
  readonly byBoth: boolean;
  /** Called with what the first listing of a page lacked and both clients list now: written since, or left out of it. */
  readonly onFound: (version: ListedVersion) => Promise<void>;
  /** Paces and retries one request. */
  readonly call: <T>(send: () => Promise<T>) => Promise<T>;
}

/** Lists a bucket again, without inspecting anything. @throws StoreFault, RunStopped */
export async function secondWalk(
  store: ObjectStore,
  { bucket, newest, byBoth, onFound, call }: SecondWalkRequest,
): Promise<SecondWalk> {
  const bySdk: SendListing = (part) => call(() => store.witness.listVersions({ bucket, ...part }));
  const byEngine: SendListing = (part) => call(() => store.listVersions({ bucket, ...part }));
  let [versions, hidden] = [0, 0];
  await walkInParallel(store, { bucket, call }, async (page) => {
    versions += page.versions.filter((one) => one.lastModified <= newest).length;
    if (!byBoth) return;
    for (const one of await onlyIn(byEngine, page)) {
      if (await isListed(bySdk, one)) await onFound(one);
      else hidden += 1;
    }
  });
  return { versions, hidden };
}

/** What another client lists in the range of a page, and the page does not. */
async function onlyIn(send: SendListing, page: WalkedPage): Promise<readonly ListedVersion[]> {
  const known = new Set(page.versions.map(placeOf));
  const found: ListedVersion[] = [];
  for await (const { versions } of walkVersions(send, { behind: page.behind, to: page.upTo })) {
    for (const one of versions) if (!known.has(placeOf(one))) found.push(one);
  }
  return found;
}

/** A version that was written between the two listings is in the next one. */
async function isListed(send: SendListing, version: ListedVersion): Promise<boolean> {
  for await (const { versions } of walkVersions(send, { prefix: version.key, to: version.key })) {
    if (versions.some((one) => placeOf(one) === placeOf(version))) return true;
  }
  return false;
}

const placeOf = ({ key, versionId }: ListedVersion): string => `${versionId} ${key}`;
