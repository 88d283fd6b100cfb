import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { invalidArgument } from '../fault';
import type { Bucket } from '../state/bucket';
import type { KeyEntry } from '../state/key-index';
import { compareKeys } from '../state/key-index';
import type { ObjectVersion } from '../state/object-version';
import { checkVersionId, isOlder, NULL_VERSION } from '../state/versions';
import { ownerId } from '../wire/acl-wire';
import { isoTime, xmlAnswer } from '../wire/answer';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';
import { listedFields, restoreStatus } from './list-objects';
import { after, commonPrefix, type ListingRequest, listingOf, pageEntries } from './listing';

interface Marker {
  readonly key: string;
  readonly versionId: string | undefined;
}

interface Page {
  readonly items: readonly string[];
  readonly prefixes: readonly string[];
  /** The last listed item, if there are more. */
  readonly next: Marker | undefined;
}

/** ListObjectVersions: keys by UTF-8 bytes, the versions of a key newest first, delete markers among them. */
export function listObjectVersions(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const listing = listingOf(call);
  const marker = markerOf(call);
  const page = pageOf(call, bucket, listing, marker);
  const { encode } = listing;
  return xmlAnswer(
    xmlDocument(
      'ListVersionsResult',
      leaf('Name', bucket.name),
      leaf('Prefix', encode(listing.prefix)),
      leaf('KeyMarker', encode(marker.key)),
      leaf('VersionIdMarker', marker.versionId ?? ''),
      leaf('NextKeyMarker', page.next === undefined ? undefined : encode(page.next.key)),
      leaf('NextVersionIdMarker', page.next?.versionId),
      leaf('MaxKeys', listing.maxKeys),
      leaf('Delimiter', listing.delimiter === '' ? undefined : encode(listing.delimiter)),
      leaf('EncodingType', listing.encodingType),
      leaf('IsTruncated', page.next !== undefined),
      ...page.items,
      ...page.prefixes,
    ),
  );
}

function markerOf(call: Call): Marker {
  const key = call.query.get('key-marker') ?? '';
  const versionId = call.query.get('version-id-marker');
  if (versionId === undefined || versionId === '') return { key, versionId: undefined };
  if (key === '') {
    throw invalidArgument(
      'A version-id marker cannot be specified without a key marker.',
      'version-id-marker',
      versionId,
    );
  }
  checkVersionId(versionId);
  return { key, versionId };
}

/** How long versions are missing from the listing of a bucket that has just begun to have any, in milliseconds. */
const LATE = 2_000;

function pageOf(call: Call, { keys, owner, versionsSince }: Bucket, listing: ListingRequest, marker: Marker): Page {
  const isLate = call.endpoint.behavior.versionsAfterEnabling === 'late' && call.now < versionsSince + LATE;
  const items: string[] = [];
  const prefixes: string[] = [];
  let next: Marker = marker;
  let lastGroup = '';
  const full = () => items.length + prefixes.length >= listing.maxKeys;
  for (const entry of pageEntries(keys, listing, startAt(listing, marker), () => true)) {
    const group = commonPrefix(entry.key, listing);
    if (group !== undefined) {
      if (group === lastGroup) continue;
      if (full()) return { items, prefixes, next: listing.maxKeys > 0 ? next : undefined };
      prefixes.push(branch('CommonPrefixes', leaf('Prefix', listing.encode(group))));
      lastGroup = group;
      next = { key: group, versionId: undefined };
      continue;
    }
    const key = leaf('Key', listing.encode(entry.key));
    for (let at = firstOf(entry, marker); at >= 0; at -= 1) {
      const version = entry.versions[at];
      if (version === undefined || (version.id !== NULL_VERSION && isLate)) continue;
      if (full()) return { items, prefixes, next: listing.maxKeys > 0 ? next : undefined };
      items.push(itemXml(call, owner, key, version, at === entry.versions.length - 1));
      next = { key: entry.key, versionId: version.id };
    }
  }
  return { items, prefixes, next: undefined };
}

/** With a version marker the marker's own key is read again, for its older versions. */
function startAt(listing: ListingRequest, marker: Marker): (key: string) => boolean {
  if (marker.versionId === undefined) return after(listing, marker.key);
  return (key) => compareKeys(key, marker.key) >= 0 && compareKeys(key, listing.prefix) >= 0;
}

/**
 * Index of the first version to tell. Where the marker's version is gone, the listing goes on with what is older; a
 * null version, which may be at any position, is listed twice rather than omitted.
 */
function firstOf({ key, versions }: KeyEntry, marker: Marker): number {
  const newest = versions.length - 1;
  const { versionId } = marker;
  if (key !== marker.key || versionId === undefined) return newest;
  const exact = versions.findIndex(({ id }) => id === versionId);
  if (exact >= 0) return exact - 1;
  if (versionId === NULL_VERSION) return newest;
  return versions.findLastIndex(({ id }) => id === NULL_VERSION || isOlder(id, versionId));
}

function itemXml(call: Call, bucketOwner: string, key: string, version: ObjectVersion, latest: boolean): string {
  const owner = `<Owner><ID>${ownerId(bucketOwner)}</ID></Owner>`;
  const place = `${key}<VersionId>${version.id}</VersionId><IsLatest>${latest}</IsLatest>`;
  if (version.deleteMarker) {
    return `<DeleteMarker>${place}<LastModified>${isoTime(version.modified)}</LastModified>${owner}</DeleteMarker>`;
  }
  const wantsRestore = call.headers['x-amz-optional-object-attributes']?.includes('RestoreStatus') === true;
  const restore = wantsRestore ? restoreStatus(version, call.now) : '';
  const storageClass = `<StorageClass>${version.storageClass}</StorageClass>`;
  return `<Version>${place}${listedFields(version)}${owner}${storageClass}${restore}</Version>`;
}
