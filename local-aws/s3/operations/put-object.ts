import { createHash, randomBytes } from 'node:crypto';
import type { AwsResponse } from '../../message';
import { createDataKey, openBucket } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import type { Encryption } from '../state/encryption';
import { type Checksum, ObjectVersion } from '../state/object-version';
import { type SealedPart, sealPart } from '../state/sealing';
import { currentVersion, nextVersionId, putVersion } from '../state/versions';
import { aclForObject } from '../wire/acl-wire';
import { checksumHeaders, quoted, versionHeader } from '../wire/answer';
import { checksumOf } from '../wire/checksum';
import { checkWrite } from '../wire/conditions';
import { encryptionRequested, writtenEncryptionHeaders } from '../wire/encryption-headers';
import { proveBody } from '../wire/integrity';
import { requireProofForLock, writtenLock } from '../wire/lock-headers';
import { writtenAttributes, writtenRedirect, writtenStorageClass, writtenTags } from '../wire/written-attributes';

/** PutObject. */
export function putObject(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const { body } = call.request;
  checkSize(call, body.length);
  const proved = proveBody(call);
  const lock = writtenLock(call, bucket);
  requireProofForLock(call, lock, proved !== undefined);
  const fields = {
    attributes: writtenAttributes(call),
    storageClass: writtenStorageClass(call),
    redirect: writtenRedirect(call),
    tags: writtenTags(call),
    acl: aclForObject(call, bucket),
    ...lock,
  };
  const request = encryptionRequested(call, bucket);
  checkWrite(call.headers, currentVersion(bucket, call.key), call.key);
  const { dataKey, encryption } = createDataKey(call, request, { bucket: bucket.name, key: call.key });
  const checksum: Checksum = {
    algorithm: proved?.algorithm ?? 'CRC64NVME',
    type: 'FULL_OBJECT',
    value: proved?.value ?? checksumOf('CRC64NVME', body),
  };
  const version = new ObjectVersion({
    id: nextVersionId(bucket),
    deleteMarker: false,
    now: call.now,
    size: body.length,
    etag: etagOf(body, encryption),
    parts: sealedBody(call, dataKey, body),
    multipart: false,
    checksum,
    encryption,
    ...fields,
  });
  putVersion(bucket, call.key, version);
  return { status: 200, headers: writtenHeaders(bucket, version) };
}

const NO_PARTS: readonly SealedPart[] = [];

/** A body that was written at once, sealed. */
export function sealedBody(call: Call, dataKey: Buffer, body: Buffer): readonly SealedPart[] {
  return body.length === 0 ? NO_PARTS : [sealPart(call.endpoint.ciphertextBuffer, dataKey, 0, body)];
}

/** What a write answers about the version it made. */
export function writtenHeaders(bucket: Bucket, version: ObjectVersion): Record<string, string> {
  return {
    etag: quoted(version.etag),
    // A suspended bucket answers a PutObject without the header, and every read with it.
    ...(bucket.versioning === 'Suspended' ? {} : versionHeader(bucket, version.id)),
    ...writtenEncryptionHeaders(version.encryption),
    ...checksumHeaders(version.checksum),
  };
}

/** @throws S3Fault `EntityTooLarge` over the limit of a single write. */
export function checkSize(call: Call, size: number): void {
  const limit = call.endpoint.limits.singleWrite;
  if (size > limit) {
    throw s3Fault('EntityTooLarge', undefined, {
      details: { ProposedSize: String(size), MaxSizeAllowed: String(limit) },
    });
  }
}

/** The MD5 of the body under SSE-S3; under KMS and SSE-C an entity tag is opaque, as on AWS. */
export function etagOf(body: Buffer, encryption: Encryption): string {
  if (encryption.kind !== 'AES256') return randomBytes(16).toString('hex');
  return createHash('md5').update(body).digest('hex');
}
