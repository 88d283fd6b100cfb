import type { AwsResponse } from '../../message';
import { openBucket, readBytes, speakingS3, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import type { ObjectVersion, StoredPart } from '../state/object-version';
import { isArchived, readableVersion } from '../state/versions';
import { checksumHeaders, httpTime, objectHeaders, quoted } from '../wire/answer';
import { checksumHeader } from '../wire/checksum';
import { notModified } from '../wire/conditions';
import { checkCustomerKey, customerKey, refuseEncryptionHeaders } from '../wire/encryption-headers';
import { type ByteRange, rangeOf } from '../wire/range';

const OVERRIDES = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
] as const;

/** GetObject. */
export function getObject(call: Call): AwsResponse {
  const read = resolve(call);
  if (read.unmodified !== undefined) return read.unmodified;
  const { bucket, version, slice } = read;
  if (isArchived(version, call.now)) {
    throw s3Fault('InvalidObjectState', undefined, { details: { StorageClass: version.storageClass } });
  }
  const place = { bucket: bucket.name, key: call.key };
  const dataKey = unwrapDataKey(call, version.encryption, place, read.customer);
  const body = readBytes(version, dataKey, slice.range.start, slice.range.end);
  return { ...described(call, bucket, version, slice), body };
}

/** HeadObject. Asks KMS for nothing, unless the checksum is wanted, which S3 keeps encrypted with the object. */
export function headObject(call: Call): AwsResponse {
  const read = resolve(call);
  if (read.unmodified !== undefined) return read.unmodified;
  const { bucket, version, slice } = read;
  if (call.endpoint.behavior.headUnderDisabledKey === 'refused')
    speakingS3(call, 'read', () =>
      call.endpoint.keyRing.checkKeyState(version.encryption, bucket.name, call.request.caller),
    );
  if (call.headers['x-amz-checksum-mode'] !== undefined) {
    unwrapDataKey(call, version.encryption, { bucket: bucket.name, key: call.key }, read.customer);
  }
  return described(call, bucket, version, slice);
}

interface Slice {
  readonly range: ByteRange;
  /** True when the answer is 206. */
  readonly partial: boolean;
  /** The part that `partNumber` named, for its own checksum. */
  readonly part: StoredPart | undefined;
}

type Read =
  | { readonly unmodified: AwsResponse }
  | {
      readonly unmodified: undefined;
      readonly bucket: Bucket;
      readonly version: ObjectVersion;
      readonly slice: Slice;
      readonly customer: Buffer | undefined;
    };

function resolve(call: Call): Read {
  const bucket = openBucket(call);
  refuseEncryptionHeaders(call);
  const version = readableVersion(bucket, call.key, call.query.get('versionId'));
  const given = customerKey(call, 'x-amz-server-side-encryption-customer-');
  checkCustomerKey(version.encryption, given);
  if (notModified(call.headers, version, call.now)) {
    const headers = { etag: quoted(version.etag), 'last-modified': httpTime(version.modified) };
    return { unmodified: { status: 304, headers } };
  }
  return { unmodified: undefined, bucket, version, slice: sliceOf(call, version), customer: given?.key };
}

function sliceOf(call: Call, version: ObjectVersion): Slice {
  const number = call.query.get('partNumber');
  const header = call.headers.range;
  if (number !== undefined) {
    if (header !== undefined) {
      throw s3Fault('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
    }
    return partSlice(number, version);
  }
  const range = rangeOf(header, version.size);
  return { range: range ?? { start: 0, end: version.size }, partial: range !== undefined, part: undefined };
}

function partSlice(given: string, version: ObjectVersion): Slice {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', given);
  }
  if (!version.multipart) {
    if (number > 1) throw invalidPart(number, 1);
    return { range: { start: 0, end: version.size }, partial: version.size > 0, part: undefined };
  }
  let start = 0;
  for (const part of storedParts(version)) {
    if (part.number === number) return { range: { start, end: start + part.size }, partial: true, part };
    start += part.size;
  }
  throw invalidPart(number, version.parts.length);
}

function invalidPart(requested: number, actual: number) {
  return s3Fault('InvalidPartNumber', undefined, {
    details: { PartNumberRequested: String(requested), ActualPartCount: String(actual) },
  });
}

/** The parts of a multipart object with what they were uploaded as. */
export function storedParts(version: ObjectVersion): readonly StoredPart[] {
  return version.parts.filter((part): part is StoredPart => 'number' in part);
}

function described(call: Call, bucket: Bucket, version: ObjectVersion, slice: Slice): AwsResponse {
  const headers = objectHeaders(bucket, version, call.now);
  for (const name of withheld(call, headers)) delete headers[name];
  const { start, end } = slice.range;
  headers['content-length'] = String(end - start);
  if (slice.partial) headers['content-range'] = `bytes ${start}-${end - 1}/${version.size}`;
  if (call.query.has('partNumber') && version.multipart) {
    headers['x-amz-mp-parts-count'] = String(version.parts.length);
  }
  if (call.headers['x-amz-checksum-mode'] !== undefined) Object.assign(headers, sliceChecksum(version, slice));
  for (const name of OVERRIDES) {
    const override = call.query.get(`response-${name}`);
    if (override !== undefined) headers[name] = override;
  }
  return { status: slice.partial ? 206 : 200, headers };
}

/**
 * What an answer says of lock and tags only to a caller who may read them; to others it is as if there were none.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 */
const READABLE: Readonly<Record<string, string>> = {
  'x-amz-object-lock-mode': 's3:GetObjectRetention',
  'x-amz-object-lock-retain-until-date': 's3:GetObjectRetention',
  'x-amz-object-lock-legal-hold': 's3:GetObjectLegalHold',
  'x-amz-tagging-count': 's3:GetObject*Tagging',
};

function withheld({ endpoint, request, query, bucketName, key }: Call, headers: Record<string, string>): string[] {
  const resource = `arn:aws:s3:::${bucketName}/${key}`;
  const version = query.has('versionId') ? 'Version' : '';
  return Object.entries(READABLE)
    .filter(([name]) => headers[name] !== undefined)
    .map(([name, action]) => ({ name, action: action.replace('*', version) }))
    .filter(({ action }) => !endpoint.permissions.shows(request.caller, { action, resource }))
    .map(({ name }) => name);
}

/** The stored checksum speaks of the whole body: a range has none, a part its own. */
function sliceChecksum(version: ObjectVersion, slice: Slice): Record<string, string> {
  const { checksum } = version;
  if (checksum === undefined) return {};
  if (slice.part !== undefined) {
    const { checksum: own } = slice.part;
    return own === undefined ? {} : { [checksumHeader(checksum.algorithm)]: own, 'x-amz-checksum-type': checksum.type };
  }
  const whole = slice.range.start === 0 && slice.range.end === version.size;
  return whole ? checksumHeaders(checksum) : {};
}
