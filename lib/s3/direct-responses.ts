import { type AclGrant, aclGrantsOf } from './acl-grants';
import type { DirectResponse } from './direct-client';
import { encryptionOf, lockOf, restoreOf } from './head-values';
import { keyReader, type ListingQuestion, requireAllRead, requireListing, requireProgress } from './listing-answer';
import {
  CHECKSUM_ALGORITHMS,
  type ContentHeaders,
  type ListedMarker,
  type ListedVersion,
  type ObjectHead,
  type PageMarker,
  type VersionPage,
} from './object-version';
import type { Grants } from './store';
import { StoreFault } from './store-fault';

/** From S3's headers and XML to our shapes. Only what the bulk calls answer with, and strict about an answer that ends early. */

export function headOfHeaders(headers: Readonly<Record<string, string>>): ObjectHead {
  const until = headers['x-amz-object-lock-retain-until-date'];
  return {
    versionId: headers['x-amz-version-id'],
    size: Number(headers['content-length'] ?? 0),
    etag: headers.etag ?? '',
    lastModified: Date.parse(headers['last-modified'] ?? '') || 0,
    storageClass: headers['x-amz-storage-class'] ?? 'STANDARD',
    encryption: encryptionOf(
      headers['x-amz-server-side-encryption'],
      headers['x-amz-server-side-encryption-aws-kms-key-id'],
      headers['x-amz-server-side-encryption-bucket-key-enabled'] === 'true',
      headers['x-amz-server-side-encryption-customer-algorithm'],
    ),
    archiveStatus: headers['x-amz-archive-status'],
    restore: restoreOf(headers['x-amz-restore']),
    lock: lockOf(
      headers['x-amz-object-lock-mode'],
      until === undefined ? undefined : Date.parse(until),
      headers['x-amz-object-lock-legal-hold'],
      headers['x-amz-object-lock-event-hold'],
    ),
    replicationStatus: headers['x-amz-replication-status'],
    tagCount: Number(headers['x-amz-tagging-count'] ?? 0),
    content: new ContentOfHeaders(headers),
  };
}

/** Read off the headers only when asked for: rewrap, which is most of the traffic, never asks. */
class ContentOfHeaders implements ContentHeaders {
  readonly #headers: Readonly<Record<string, string>>;
  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers;
  }
  get contentType() {
    return this.#headers['content-type'];
  }
  get cacheControl() {
    return this.#headers['cache-control'];
  }
  get contentDisposition() {
    return this.#headers['content-disposition'];
  }
  get contentEncoding() {
    return this.#headers['content-encoding'];
  }
  get contentLanguage() {
    return this.#headers['content-language'];
  }
  get expires() {
    return this.#headers.expires;
  }
  get websiteRedirect() {
    return this.#headers['x-amz-website-redirect-location'];
  }
  get metadata(): Readonly<Record<string, string>> {
    const prefix = 'x-amz-meta-';
    const own = Object.entries(this.#headers).filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
  }
  get hiddenMetadata(): number {
    return Number(this.#headers['x-amz-missing-meta'] ?? 0);
  }
  get checksum(): ContentHeaders['checksum'] {
    const headers = this.#headers;
    const algorithm = CHECKSUM_ALGORITHMS.find((one) => headers[`x-amz-checksum-${one.toLowerCase()}`] !== undefined);
    const type = headers['x-amz-checksum-type'] === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT';
    return algorithm && { algorithm, type };
  }
}

/**
 * @param after - the marker that was sent
 * @throws StoreFault when the document does not end, or is no valid listing of the bucket: it would silently lose objects
 */
export function versionPageOfXml(xml: string, bucket: string, after?: PageMarker): VersionPage {
  if (!xml.trimEnd().endsWith('</ListVersionsResult>')) {
    throw new StoreFault({
      operation: 'ListObjectVersions',
      status: 0,
      code: 'IncompleteAnswer',
      message: 'the listing was cut off',
    });
  }
  const question: ListingQuestion = { operation: 'ListObjectVersions', bucket };
  const answer = listingAnswerOf(xml);
  requireListing(question, answer);
  const keyOf = keyReader(question, answer);
  const versions: ListedVersion[] = [];
  for (const block of blocks(xml, 'Version')) versions.push(versionOf(block, keyOf));
  requireAllRead(question, 'Version', elementsOf(xml, 'Version'), versions.length);
  const deleteMarkers: ListedMarker[] = [];
  for (const block of blocks(xml, 'DeleteMarker')) deleteMarkers.push(markerOf(block, keyOf));
  requireAllRead(question, 'DeleteMarker', elementsOf(xml, 'DeleteMarker'), deleteMarkers.length);
  const next = answer.isTruncated
    ? { key: keyOf(answer.nextKeyMarker), versionId: element(xml, 'NextVersionIdMarker') }
    : undefined;
  const page = { versions, deleteMarkers, next };
  requireProgress(question, {
    after: after && { key: after.key, id: after.versionId },
    firstKeys: [page.versions[0]?.key, page.deleteMarkers[0]?.key],
    next: page.next && { key: page.next.key, id: page.next.versionId },
  });
  return page;
}

type KeyReader = ReturnType<typeof keyReader>;

function listingAnswerOf(xml: string) {
  const truncated = element(xml, 'IsTruncated');
  return {
    name: unescaped(element(xml, 'Name')),
    isTruncated: truncated === 'true' ? true : truncated === 'false' ? false : undefined,
    encodingType: element(xml, 'EncodingType'),
    nextKeyMarker: unescaped(element(xml, 'NextKeyMarker')),
  };
}

function markerOf(block: string, keyOf: KeyReader): ListedMarker {
  return {
    key: keyOf(unescaped(element(block, 'Key'))),
    versionId: element(block, 'VersionId') ?? 'null',
    lastModified: Date.parse(element(block, 'LastModified') ?? '') || 0,
  };
}

function versionOf(block: string, keyOf: KeyReader): ListedVersion {
  return {
    key: keyOf(unescaped(element(block, 'Key'))),
    versionId: element(block, 'VersionId') ?? 'null',
    isLatest: element(block, 'IsLatest') === 'true',
    size: Number(element(block, 'Size') ?? 0),
    etag: unescaped(element(block, 'ETag') ?? ''),
    lastModified: Date.parse(element(block, 'LastModified') ?? '') || 0,
    storageClass: element(block, 'StorageClass') ?? 'STANDARD',
  };
}

/** The ACL of an object, in the form that a copy accepts. */
export function aclOf(xml: string): Grants {
  const owner = element([...blocks(xml, 'Owner')][0] ?? '', 'ID');
  const grants = [...blocks(xml, 'Grant')].map(
    (grant): AclGrant => ({
      id: element(grant, 'ID'),
      uri: unescaped(element(grant, 'URI')),
      permission: element(grant, 'Permission') ?? '',
    }),
  );
  return aclGrantsOf(owner, grants);
}

/** @throws StoreFault for an answer that is no list of annotations: it does not say that there are none */
export function annotatedOf(xml: string): boolean {
  if (xml.includes('<AnnotationName>')) return true;
  if (/<ListObjectAnnotations\w*[\s/>]/.test(xml)) return false;
  const message = 'the answer is no list of annotations';
  throw new StoreFault({ operation: 'ListObjectAnnotations', status: 0, code: 'IncompleteAnswer', message });
}

/** The new ETag of a CopyObject, or the error that its 200 was followed by. */
export function copyResultOf(answer: DirectResponse): string | { status: number; code: string; message: string } {
  const xml = answer.body.toString();
  const etag = xml.includes('<CopyObjectResult') ? element(xml, 'ETag') : undefined;
  if (etag !== undefined) return unescaped(etag);
  if (xml.includes('<Error>')) {
    const { code, message } = errorOf(xml);
    return { status: code === 'SlowDown' ? 503 : 500, code, message };
  }
  return { status: 0, code: 'IncompleteAnswer', message: 'the answer to the copy was cut off' };
}

/** Code and message of an error document; empty for an answer without one, as to a HEAD. */
export function errorOf(xml: string): { code: string; message: string } {
  return { code: element(xml, 'Code') ?? '', message: unescaped(element(xml, 'Message') ?? '') };
}

/** The text of the first element of that name. */
function element(xml: string, name: string): string | undefined {
  const open = `<${name}>`;
  const begin = xml.indexOf(open);
  if (begin < 0) return undefined;
  const end = xml.indexOf(`</${name}>`, begin);
  return end < 0 ? undefined : xml.slice(begin + open.length, end);
}

/** How often an element begins, with or without attributes, empty ones included. */
function elementsOf(xml: string, name: string): number {
  return xml.match(new RegExp(`<${name}[\\s/>]`, 'g'))?.length ?? 0;
}

function* blocks(xml: string, name: string): Generator<string, void, undefined> {
  const [open, close] = [`<${name}>`, `</${name}>`];
  let from = xml.indexOf(open);
  while (from >= 0) {
    const end = xml.indexOf(close, from);
    if (end < 0) return;
    yield xml.slice(from, end + close.length);
    from = xml.indexOf(open, end);
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string;
function unescaped(text: string | undefined): string | undefined;
function unescaped(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes('&')) return text;
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}
