import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { invalidArgument } from '../fault';
import type { KeyEntry } from '../state/key-index';
import type { ObjectVersion } from '../state/object-version';
import { canonicalId } from '../wire/acl-wire';
import { isoTime, xmlAnswer } from '../wire/answer';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';
import { after, commonPrefix, type ListingRequest, listingOf, pageEntries } from './listing';

interface Page {
  readonly contents: string[];
  readonly prefixes: string[];
  readonly truncated: boolean;
  /** The last key or common prefix of the page. */
  readonly last: string;
}

/** ListObjectsV2. */
export function listObjectsV2(call: Call): AwsResponse {
  const bucket = openBucket(call);
  if (call.query.get('list-type') !== '2') {
    throw invalidArgument('Invalid List Type specified in Query', 'list-type', call.query.get('list-type') ?? '');
  }
  const listing = listingOf(call);
  const token = call.query.get('continuation-token');
  const startAfter = call.query.get('start-after');
  const page = currentObjects(call, listing, token === undefined ? (startAfter ?? '') : afterToken(token), {
    owner: call.query.get('fetch-owner') === 'true',
  });
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      leaf('Name', bucket.name),
      leaf('Prefix', listing.encode(listing.prefix)),
      leaf('ContinuationToken', token),
      leaf('NextContinuationToken', page.truncated ? tokenAfter(page.last) : undefined),
      leaf('StartAfter', startAfter === undefined ? undefined : listing.encode(startAfter)),
      leaf('KeyCount', page.contents.length + page.prefixes.length),
      leaf('MaxKeys', listing.maxKeys),
      leaf('Delimiter', listing.delimiter === '' ? undefined : listing.encode(listing.delimiter)),
      leaf('EncodingType', listing.encodingType),
      leaf('IsTruncated', page.truncated),
      ...page.contents,
      ...page.prefixes,
    ),
    { 'x-amz-bucket-region': bucket.region },
  );
}

/** ListObjects, the first version: always with owners, and NextMarker only with a delimiter. */
export function listObjects(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const listing = listingOf(call);
  const marker = call.query.get('marker') ?? '';
  const page = currentObjects(call, listing, marker, { owner: true });
  const next = page.truncated && listing.delimiter !== '' ? listing.encode(page.last) : undefined;
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      leaf('Name', bucket.name),
      leaf('Prefix', listing.encode(listing.prefix)),
      leaf('Marker', listing.encode(marker)),
      leaf('NextMarker', next),
      leaf('MaxKeys', listing.maxKeys),
      leaf('Delimiter', listing.delimiter === '' ? undefined : listing.encode(listing.delimiter)),
      leaf('EncodingType', listing.encodingType),
      leaf('IsTruncated', page.truncated),
      ...page.contents,
      ...page.prefixes,
    ),
    { 'x-amz-bucket-region': bucket.region },
  );
}

function currentObjects(call: Call, listing: ListingRequest, marker: string, { owner }: { owner: boolean }): Page {
  const contents: string[] = [];
  const prefixes: string[] = [];
  const bucket = openBucket(call);
  const ownerXml = owner ? branch('Owner', leaf('ID', canonicalId(bucket.owner))) : '';
  let last = '';
  let lastPrefix = '';
  const shows = ({ versions }: KeyEntry) => versions[versions.length - 1]?.deleteMarker === false;
  for (const { key, versions } of pageEntries(bucket.keys, listing, after(listing, marker), shows)) {
    const current = versions[versions.length - 1];
    if (current === undefined || current.deleteMarker) continue;
    const group = commonPrefix(key, listing);
    if (group !== undefined && group === lastPrefix) continue;
    if (contents.length + prefixes.length >= listing.maxKeys) {
      return { contents, prefixes, truncated: listing.maxKeys > 0, last };
    }
    if (group === undefined) {
      contents.push(contentsOf(listing.encode(key), current, ownerXml, call));
      last = key;
    } else {
      prefixes.push(branch('CommonPrefixes', leaf('Prefix', listing.encode(group))));
      lastPrefix = group;
      last = group;
    }
  }
  return { contents, prefixes, truncated: false, last };
}

function contentsOf(key: string, version: ObjectVersion, owner: string, call: Call): string {
  const wantsRestore = call.headers['x-amz-optional-object-attributes']?.includes('RestoreStatus') === true;
  return branch(
    'Contents',
    leaf('Key', key),
    listedFields(version),
    owner,
    `<StorageClass>${version.storageClass}</StorageClass>`,
    wantsRestore ? restoreStatus(version, call.now) : '',
  );
}

/** LastModified, ETag, checksum and Size, as every listing has them. None of it needs escaping but the quotes. */
export function listedFields(version: ObjectVersion): string {
  const { checksum } = version;
  const sum =
    checksum === undefined
      ? ''
      : `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
  const etag = `<ETag>&quot;${version.etag}&quot;</ETag>`;
  return `<LastModified>${isoTime(version.modified)}</LastModified>${etag}${sum}<Size>${version.size}</Size>`;
}

/** `RestoreStatus` of an object that is being restored or is restored. */
export function restoreStatus({ restore }: ObjectVersion, now: number): string {
  if (restore === undefined || now >= restore.expiresAt) return '';
  const busy = now < restore.readyAt;
  const expiry = busy ? undefined : new Date(restore.expiresAt).toISOString();
  return branch('RestoreStatus', leaf('IsRestoreInProgress', busy), leaf('RestoreExpiryDate', expiry));
}

function tokenAfter(last: string): string {
  return Buffer.from(`1:${last}`).toString('base64');
}

function afterToken(token: string): string {
  const decoded = Buffer.from(token, 'base64').toString('utf8');
  if (!decoded.startsWith('1:')) {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
  }
  return decoded.slice(2);
}
