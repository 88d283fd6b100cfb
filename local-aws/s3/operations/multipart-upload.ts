import { randomBytes } from 'node:crypto';
import type { AwsResponse } from '../../message';
import { createDataKey, openBucket, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import type { ChecksumAlgorithm, ChecksumType } from '../state/object-version';
import { sealPart } from '../state/sealing';
import type { Upload, UploadedPart } from '../state/upload';
import { currentVersion } from '../state/versions';
import { aclForObject } from '../wire/acl-wire';
import { emptyAnswer, quoted, xmlAnswer } from '../wire/answer';
import { checksumHeader, checksumOf } from '../wire/checksum';
import {
  checkCustomerKey,
  customerKey,
  encryptionHeaders,
  encryptionRequested,
  writtenEncryptionHeaders,
} from '../wire/encryption-headers';
import { namedAlgorithm, type ProvedChecksum, proveBody } from '../wire/integrity';
import { writtenLock } from '../wire/lock-headers';
import { copyRangeOf } from '../wire/range';
import { writtenAttributes, writtenRedirect, writtenStorageClass, writtenTags } from '../wire/written-attributes';
import { leaf, xmlDocument } from '../wire/xml-writer';
import { copyResult, copySource, sourceBytes } from './copy-object';
import { checkSize, etagOf } from './put-object';

const MAX_PARTS = 10_000;

/** CreateMultipartUpload: makes the data key, so the upload finishes under the key of this moment. */
export function createMultipartUpload(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const named = namedAlgorithm(call.headers['x-amz-checksum-algorithm']);
  const algorithm = named ?? 'CRC64NVME';
  const checksumType = typeOf(algorithm, call.headers['x-amz-checksum-type']);
  const lock = writtenLock(call, bucket);
  const fields = {
    attributes: writtenAttributes(call),
    storageClass: writtenStorageClass(call),
    redirect: writtenRedirect(call),
    tags: writtenTags(call),
    acl: aclForObject(call, bucket),
  };
  const place = { bucket: bucket.name, key: call.key };
  const { encryption } = createDataKey(call, encryptionRequested(call, bucket), place);
  const upload: Upload = {
    id: randomBytes(48).toString('base64').replaceAll('+', '.').replaceAll('/', '_'),
    key: call.key,
    initiated: call.now,
    initiator: call.request.caller.arn,
    encryption,
    algorithm,
    algorithmNamed: named !== undefined,
    checksumType,
    parts: new Map(),
    nextSerial: 1,
    overwrites: currentVersion(bucket, call.key),
    ...fields,
    ...lock,
  };
  bucket.uploads.set(upload.id, upload);
  const headers: Record<string, string> = writtenEncryptionHeaders(encryption);
  if (named !== undefined) {
    headers['x-amz-checksum-algorithm'] = named;
    headers['x-amz-checksum-type'] = checksumType;
  }
  const result = [leaf('Bucket', bucket.name), leaf('Key', call.key), leaf('UploadId', upload.id)];
  return xmlAnswer(xmlDocument('InitiateMultipartUploadResult', ...result), headers);
}

/** SHA digests cannot be joined and CRC-64 always is; the 32-bit CRCs may be either, composite unless asked. */
function typeOf(algorithm: ChecksumAlgorithm, given: string | undefined): ChecksumType {
  const usual = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (given === undefined || given === usual) return usual;
  if ((algorithm === 'CRC32' || algorithm === 'CRC32C') && given === 'FULL_OBJECT') return given;
  throw s3Fault(
    'InvalidRequest',
    `The ${given} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** @throws S3Fault `NoSuchUpload`, also for an upload of another key. */
export function openUpload(call: Call, bucket: Bucket): Upload {
  const id = call.query.get('uploadId') ?? '';
  const upload = bucket.uploads.get(id);
  if (upload === undefined || upload.key !== call.key)
    throw s3Fault('NoSuchUpload', undefined, { details: { UploadId: id } });
  return upload;
}

/** UploadPart. A part sent again replaces the one before. */
export function uploadPart(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const number = partNumberOf(call);
  const { body } = call.request;
  checkSize(call, body.length);
  const proved = proveBody(call);
  const upload = openUpload(call, bucket);
  checkAlgorithm(upload, proved);
  const part = storePart(call, bucket, upload, number, body);
  const headers: Record<string, string> = { etag: quoted(part.etag), ...encryptionHeaders(upload.encryption) };
  if (proved !== undefined) headers[checksumHeader(proved.algorithm)] = proved.value;
  return emptyAnswer(200, headers);
}

/** UploadPartCopy: a part from bytes of a stored object. */
export function uploadPartCopy(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const number = partNumberOf(call);
  const upload = openUpload(call, bucket);
  const source = copySource(call);
  const { start, end } = copyRangeOf(call.headers['x-amz-copy-source-range'], source.version.size);
  checkSize(call, end - start);
  const part = storePart(call, bucket, upload, number, sourceBytes(call, source, start, end));
  const headers: Record<string, string> = encryptionHeaders(upload.encryption);
  if (source.bucket.versioning !== 'Off') headers['x-amz-copy-source-version-id'] = source.version.id;
  const sum =
    upload.algorithmNamed && part.checksum !== undefined
      ? { algorithm: upload.algorithm, value: part.checksum }
      : undefined;
  return xmlAnswer(copyResult('CopyPartResult', part.etag, part.modified, sum), headers);
}

function storePart(call: Call, bucket: Bucket, upload: Upload, number: number, body: Buffer): UploadedPart {
  const given = customerKey(call, 'x-amz-server-side-encryption-customer-');
  checkCustomerKey(upload.encryption, given);
  const place = { bucket: bucket.name, key: upload.key };
  const dataKey = unwrapDataKey(call, upload.encryption, place, given?.key);
  const sealed = sealPart(call.endpoint.ciphertextBuffer, dataKey, upload.nextSerial, body);
  upload.nextSerial += 1;
  const part: UploadedPart = {
    ...sealed,
    etag: etagOf(body, upload.encryption),
    checksum: checksumOf(upload.algorithm, body),
    modified: Math.floor(call.now / 1000),
  };
  upload.parts.set(number, part);
  return part;
}

/** A composite checksum is made of what the client sends with each part. */
function checkAlgorithm(upload: Upload, proved: ProvedChecksum | undefined): void {
  if (!upload.algorithmNamed || proved?.algorithm === upload.algorithm) return;
  if (proved === undefined && upload.checksumType === 'FULL_OBJECT') return;
  const actual = proved?.algorithm.toLowerCase() ?? 'null';
  throw s3Fault(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${actual}`,
  );
}

function partNumberOf(call: Call): number {
  const given = call.query.get('partNumber') ?? '';
  const number = Number(given);
  if (!/^\d{1,5}$/.test(given) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, 'partNumber', given);
  }
  return number;
}

/** AbortMultipartUpload. */
export function abortMultipartUpload(call: Call): AwsResponse {
  const bucket = openBucket(call);
  bucket.uploads.delete(openUpload(call, bucket).id);
  return emptyAnswer(204);
}
