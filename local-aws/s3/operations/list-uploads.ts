import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import type { Bucket } from '../state/bucket';
import { compareKeys } from '../state/key-index';
import type { Upload } from '../state/upload';
import { canonicalId } from '../wire/acl-wire';
import { isoTime, quoted, xmlAnswer } from '../wire/answer';
import { encryptionHeaders } from '../wire/encryption-headers';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';
import { commonPrefix, limitOf, listingOf } from './listing';
import { openUpload } from './multipart-upload';

/** ListParts. */
export function listParts(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const upload = openUpload(call, bucket);
  const marker = limitOf(call.query.get('part-number-marker') ?? '0', 'part-number-marker', Number.MAX_SAFE_INTEGER);
  const limit = limitOf(call.query.get('max-parts'), 'max-parts');
  const left = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = left.slice(0, limit);
  const last = page[page.length - 1]?.[0] ?? 0;
  const parts = page.map(([number, part]) =>
    branch(
      'Part',
      leaf('PartNumber', number),
      leaf('LastModified', isoTime(part.modified)),
      leaf('ETag', quoted(part.etag)),
      leaf('Size', part.size),
      upload.algorithmNamed ? leaf(`Checksum${upload.algorithm}`, part.checksum) : '',
    ),
  );
  return xmlAnswer(
    xmlDocument(
      'ListPartsResult',
      leaf('Bucket', bucket.name),
      leaf('Key', upload.key),
      leaf('UploadId', upload.id),
      people(bucket, upload),
      leaf('StorageClass', upload.storageClass),
      leaf('PartNumberMarker', marker),
      leaf('NextPartNumberMarker', last),
      leaf('MaxParts', limit),
      leaf('IsTruncated', left.length > page.length),
      checksumOf(upload),
      ...parts,
    ),
    encryptionHeaders(upload.encryption),
  );
}

/** ListMultipartUploads: by key, then by the time an upload began. */
export function listMultipartUploads(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const listing = listingOf(call, 'max-uploads');
  const keyMarker = call.query.get('key-marker') ?? '';
  const idMarker = keyMarker === '' ? '' : (call.query.get('upload-id-marker') ?? '');
  const all = [...bucket.uploads.values()].filter(({ key }) => key.startsWith(listing.prefix)).sort(inOrder);
  const from =
    keyMarker === '' ? 0 : all.findIndex((upload) => isPast(upload, keyMarker, bucket.uploads.get(idMarker)));
  const items: string[] = [];
  const groups = new Set<string>();
  let last: { readonly key: string; readonly id: string } | undefined;
  let truncated = false;
  for (const upload of from < 0 ? [] : all.slice(from)) {
    const group = commonPrefix(upload.key, listing);
    if (group !== undefined && (groups.has(group) || group === keyMarker)) continue;
    truncated = items.length + groups.size >= listing.maxKeys;
    if (truncated) break;
    if (group === undefined) items.push(uploadXml(bucket, upload, listing.encode(upload.key)));
    else groups.add(group);
    last = group === undefined ? upload : { key: group, id: '' };
  }
  const prefixes = [...groups].map((group) => branch('CommonPrefixes', leaf('Prefix', listing.encode(group))));
  return xmlAnswer(
    xmlDocument(
      'ListMultipartUploadsResult',
      leaf('Bucket', bucket.name),
      leaf('KeyMarker', listing.encode(keyMarker)),
      leaf('UploadIdMarker', idMarker),
      leaf('NextKeyMarker', listing.encode(last?.key ?? '')),
      leaf('NextUploadIdMarker', last?.id ?? ''),
      leaf('Prefix', listing.encode(listing.prefix)),
      leaf('Delimiter', listing.delimiter === '' ? undefined : listing.encode(listing.delimiter)),
      leaf('EncodingType', listing.encodingType),
      leaf('MaxUploads', listing.maxKeys),
      leaf('IsTruncated', truncated && listing.maxKeys > 0),
      ...items,
      ...prefixes,
    ),
  );
}

function inOrder(a: Upload, b: Upload): number {
  return compareKeys(a.key, b.key) || a.initiated - b.initiated || compareKeys(a.id, b.id);
}

/** After the key marker, or after the marked upload of that key. */
function isPast(upload: Upload, keyMarker: string, marked: Upload | undefined): boolean {
  const order = compareKeys(upload.key, keyMarker);
  return order > 0 || (order === 0 && marked !== undefined && inOrder(upload, marked) > 0);
}

function uploadXml(bucket: Bucket, upload: Upload, key: string): string {
  return branch(
    'Upload',
    leaf('Key', key),
    leaf('UploadId', upload.id),
    people(bucket, upload),
    leaf('StorageClass', upload.storageClass),
    leaf('Initiated', new Date(upload.initiated).toISOString()),
    checksumOf(upload),
  );
}

function checksumOf(upload: Upload): string {
  if (!upload.algorithmNamed) return '';
  return leaf('ChecksumAlgorithm', upload.algorithm) + leaf('ChecksumType', upload.checksumType);
}

function people({ owner }: Bucket, { initiator }: Upload): string {
  return branch('Initiator', leaf('ID', initiator)) + branch('Owner', leaf('ID', canonicalId(owner)));
}
