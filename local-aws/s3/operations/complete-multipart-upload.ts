import { createHash } from 'node:crypto';
import type { AwsResponse } from '../../message';
import { openBucket, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import { type Checksum, ObjectVersion, type StoredPart, type VersionFields } from '../state/object-version';
import type { Upload, UploadedPart } from '../state/upload';
import { currentVersion, nextVersionId, putVersion } from '../state/versions';
import { quoted, versionHeader, xmlAnswer } from '../wire/answer';
import { checksumHeader, compositeChecksum, joinCrcs } from '../wire/checksum';
import { checkWrite } from '../wire/conditions';
import { checkCustomerKey, customerKey, encryptionHeaders } from '../wire/encryption-headers';
import { integer, many, maybe, one, readBody, type Shaped, shape, text } from '../wire/xml-shape';
import { leaf, xmlDocument } from '../wire/xml-writer';
import { openUpload } from './multipart-upload';

const partFields = {
  PartNumber: one(integer),
  ETag: one(text),
  ChecksumCRC32: maybe(text),
  ChecksumCRC32C: maybe(text),
  ChecksumCRC64NVME: maybe(text),
  ChecksumSHA1: maybe(text),
  ChecksumSHA256: maybe(text),
};
const request = shape({ Part: many(shape(partFields)) });
type NamedPart = Shaped<typeof partFields>;

interface Chosen extends UploadedPart {
  readonly number: number;
}

/** CompleteMultipartUpload: the listed parts become one object under the encryption the upload began with. */
export function completeMultipartUpload(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const named = readBody(call.request.body, 'CompleteMultipartUpload', request).Part;
  if (named.length === 0) throw s3Fault('MalformedXML');
  const repeated = bucket.completed.get(call.query.get('uploadId') ?? '');
  if (repeated?.key === call.key) return repeated.answer;
  const upload = openUpload(call, bucket);
  const parts = chosenParts(call, upload, named);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const checksum = wholeChecksum(upload, parts);
  checkDeclared(call, upload, checksum, size);
  checkRace(call, bucket, upload);
  checkWrite(call.headers, currentVersion(bucket, call.key), call.key);
  proveKeyUsable(call, upload);
  const etag = `${etagOfParts(parts)}-${parts.length}`;
  const version = assembled(upload, parts, { id: nextVersionId(bucket), now: call.now, size, etag, checksum });
  putVersion(bucket, call.key, version);
  bucket.uploads.delete(upload.id);
  const headers = { ...versionHeader(bucket, version.id), ...encryptionHeaders(version.encryption) };
  const answer = xmlAnswer(
    xmlDocument(
      'CompleteMultipartUploadResult',
      leaf('Location', `http://${call.headers.host ?? 's3'}/${bucket.name}/${call.key}`),
      leaf('Bucket', bucket.name),
      leaf('Key', call.key),
      leaf('ETag', quoted(etag)),
      leaf(`Checksum${checksum.algorithm}`, checksum.value),
      leaf('ChecksumType', checksum.type),
    ),
    headers,
  );
  bucket.completed.set(upload.id, { key: call.key, answer });
  return answer;
}

/** A condition on the object is a conflict, and neither met nor failed, where somebody wrote it since the upload began. */
function checkRace(call: Call, bucket: Bucket, upload: Upload): void {
  if (call.headers['if-match'] === undefined && call.headers['if-none-match'] === undefined) return;
  const current = currentVersion(bucket, call.key);
  if (current !== undefined && !current.deleteMarker && current !== upload.overwrites) {
    throw s3Fault('ConditionalRequestConflict', undefined, { details: { Key: call.key } });
  }
}

/** The object: the parts as they were sealed, and all that was said when the upload began. */
function assembled(
  upload: Upload,
  parts: readonly Chosen[],
  made: Pick<VersionFields, 'id' | 'now' | 'size' | 'etag' | 'checksum'>,
): ObjectVersion {
  return new ObjectVersion({
    ...made,
    deleteMarker: false,
    multipart: true,
    parts: parts.map(storedPart),
    attributes: upload.attributes,
    storageClass: upload.storageClass,
    redirect: upload.redirect,
    encryption: upload.encryption,
    tags: upload.tags,
    acl: upload.acl,
    retention: upload.retention,
    legalHold: upload.legalHold,
  });
}

function storedPart({ number, serial, size, slab, offset, checksum }: Chosen): StoredPart {
  return { number, serial, size, slab, offset, checksum };
}

function chosenParts(call: Call, upload: Upload, named: readonly NamedPart[]): readonly Chosen[] {
  let before = 0;
  const parts = named.map((wanted) => {
    const number = wanted.PartNumber;
    if (number <= before) throw s3Fault('InvalidPartOrder', undefined, { details: { UploadId: upload.id } });
    before = number;
    const part = upload.parts.get(number);
    const etag = wanted.ETag.replace(/^"|"$/g, '');
    if (part === undefined || part.etag !== etag) throw invalidPart(upload, number, etag);
    checkPartChecksum(upload, wanted, part);
    return { ...part, number };
  });
  const small = parts.slice(0, -1).find(({ size }) => size < call.endpoint.limits.smallestPart);
  if (small !== undefined) throw tooSmall(small, call.endpoint.limits.smallestPart);
  return parts;
}

function tooSmall(part: Chosen, limit: number) {
  return s3Fault('EntityTooSmall', undefined, {
    details: {
      ProposedSize: String(part.size),
      MinSizeAllowed: String(limit),
      PartNumber: String(part.number),
      ETag: part.etag,
    },
  });
}

function checkPartChecksum(upload: Upload, wanted: NamedPart, part: UploadedPart): void {
  if (!upload.algorithmNamed) return;
  const given = wanted[`Checksum${upload.algorithm}`];
  if (given === undefined && upload.checksumType === 'COMPOSITE') {
    throw s3Fault(
      'InvalidRequest',
      `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${wanted.PartNumber} in the request.`,
    );
  }
  if (given !== undefined && given !== part.checksum) throw invalidPart(upload, wanted.PartNumber, part.etag);
}

function invalidPart(upload: Upload, number: number, etag: string) {
  return s3Fault('InvalidPart', undefined, {
    details: { UploadId: upload.id, PartNumber: String(number), ETag: etag },
  });
}

function wholeChecksum(upload: Upload, parts: readonly Chosen[]): Checksum {
  const { algorithm, checksumType: type } = upload;
  const sums = parts.map(({ checksum, size }) => ({ checksum: checksum ?? '', size }));
  if (type === 'FULL_OBJECT') return { algorithm, type, value: joinCrcs(algorithm, sums) };
  const composite = compositeChecksum(
    algorithm,
    sums.map(({ checksum }) => checksum),
  );
  return { algorithm, type, value: `${composite}-${parts.length}` };
}

/** What the request says of the whole object must be so. */
function checkDeclared(call: Call, upload: Upload, checksum: Checksum, size: number): void {
  const declared = call.headers[checksumHeader(upload.algorithm)];
  if (declared !== undefined && declared !== checksum.value && declared !== checksum.value.replace(/-\d+$/, '')) {
    throw s3Fault('BadDigest', `The ${upload.algorithm} you specified did not match the calculated checksum.`);
  }
  const type = call.headers['x-amz-checksum-type'];
  if (type !== undefined && type !== checksum.type) {
    throw s3Fault(
      'InvalidRequest',
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const expected = call.headers['x-amz-mp-object-size'];
  if (expected !== undefined && expected !== String(size)) {
    throw s3Fault(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${expected} does not match what was computed: ${size}`,
    );
  }
}

/** S3 decrypts to complete, so a key that was turned off meanwhile stops the upload here. */
function proveKeyUsable(call: Call, upload: Upload): void {
  const given = customerKey(call, 'x-amz-server-side-encryption-customer-');
  if (upload.encryption.kind === 'SSE-C' && given === undefined) return;
  checkCustomerKey(upload.encryption, given);
  unwrapDataKey(call, upload.encryption, { bucket: call.bucketName, key: upload.key }, given?.key);
}

function etagOfParts(parts: readonly Chosen[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'));
  return hash.digest('hex');
}
