import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Attributes } from '../state/object-version';
import { decodeMetadata } from './rfc2047';
import { parseTagging } from './tags';

const CONTENT_HEADERS = ['cache-control', 'content-disposition', 'content-language', 'expires'] as const;
const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
] as const;
const METADATA_PREFIX = 'x-amz-meta-';
const MAX_METADATA_BYTES = 2048;
const DEFAULT_TYPE = 'binary/octet-stream';
const POOL_SIZE = 4096;

/** Equal attributes are held once: most objects of a bucket have the same. */
const pool = new Map<string, Attributes>();

/**
 * Content headers and user metadata of a write.
 *
 * @throws S3Fault `MetadataTooLarge` over 2 KB of user metadata.
 */
export function writtenAttributes(call: Call): Attributes {
  const headers: Record<string, string> = { 'content-type': call.headers['content-type'] ?? DEFAULT_TYPE };
  for (const name of CONTENT_HEADERS) {
    const value = call.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  const coding = storedCoding(call.headers['content-encoding']);
  if (coding !== '') headers['content-encoding'] = coding;
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(call.headers)) {
    if (!name.startsWith(METADATA_PREFIX) || value === undefined) continue;
    metadata[name.slice(METADATA_PREFIX.length)] = decodeMetadata(value);
    bytes += name.length - METADATA_PREFIX.length + value.length;
  }
  if (bytes > MAX_METADATA_BYTES) {
    throw s3Fault('MetadataTooLarge', undefined, {
      details: { Size: String(bytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    });
  }
  return pooled({ headers, metadata });
}

/** Content-Encoding without `aws-chunked`, which is framing and not stored. */
function storedCoding(header: string | undefined): string {
  if (header === undefined) return '';
  const codings = header.split(',').map((coding) => coding.trim());
  return codings.filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked').join(',');
}

function pooled(attributes: Attributes): Attributes {
  const id = JSON.stringify(attributes);
  const known = pool.get(id);
  if (known !== undefined) return known;
  if (pool.size >= POOL_SIZE) pool.clear();
  pool.set(id, attributes);
  return attributes;
}

/** @throws S3Fault `InvalidStorageClass`. */
export function writtenStorageClass(call: Call): string {
  const given = call.headers['x-amz-storage-class'];
  if (given === undefined) return 'STANDARD';
  const known = STORAGE_CLASSES.find((name) => name === given);
  if (known === undefined)
    throw s3Fault('InvalidStorageClass', undefined, { details: { StorageClassRequested: given } });
  return known;
}

/** @throws S3Fault `InvalidArgument` for what is neither a path nor a URL. */
export function writtenRedirect(call: Call): string | undefined {
  const given = call.headers['x-amz-website-redirect-location'];
  if (given === undefined) return undefined;
  if (!given.startsWith('/') && !given.startsWith('http://') && !given.startsWith('https://')) {
    throw invalidArgument(
      'The website redirect location must have a prefix of "http://" or "https://" or "/".',
      'x-amz-website-redirect-location',
      given,
    );
  }
  return given;
}

/** Tags of the `x-amz-tagging` header, a query string. */
export function writtenTags(call: Call): ReadonlyMap<string, string> | undefined {
  const given = call.headers['x-amz-tagging'];
  return given === undefined || given === '' ? undefined : parseTagging(given);
}
