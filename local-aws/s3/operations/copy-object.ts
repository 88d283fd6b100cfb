import type { AwsResponse } from '../../message';
import { authorize, createDataKey, openBucket, readBytes, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import { type Attributes, type ChecksumAlgorithm, ObjectVersion } from '../state/object-version';
import { currentVersion, isArchived, nextVersionId, putVersion, readableVersion } from '../state/versions';
import { aclForObject } from '../wire/acl-wire';
import { isoTime, quoted, versionHeader, xmlAnswer } from '../wire/answer';
import { checksumOf } from '../wire/checksum';
import { checkCopySource, checkWrite } from '../wire/conditions';
import {
  checkCustomerKey,
  customerKey,
  encryptionRequested,
  namesEncryption,
  writtenEncryptionHeaders,
} from '../wire/encryption-headers';
import { namedAlgorithm } from '../wire/integrity';
import { writtenLock } from '../wire/lock-headers';
import { copySourceOf } from '../wire/target';
import { writtenAttributes, writtenRedirect, writtenStorageClass, writtenTags } from '../wire/written-attributes';
import { leaf, xmlDocument } from '../wire/xml-writer';
import { copyAnnotations } from './annotations';
import { etagOf, sealedBody } from './put-object';

/** The object that `x-amz-copy-source` names, its preconditions held and its customer key checked. */
export interface CopySource {
  readonly bucket: Bucket;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly version: ObjectVersion;
  readonly customerKey: Buffer | undefined;
}

/**
 * The source of CopyObject and UploadPartCopy.
 *
 * @throws S3Fault `InvalidRequest` for a delete marker by its ID, `ObjectNotInActiveTierError` for an archived source.
 */
export function copySource(call: Call): CopySource {
  const named = copySourceOf(call.headers['x-amz-copy-source'] ?? '');
  const bucket = openBucket(call, named.bucket, 'x-amz-source-expected-bucket-owner');
  const version = sourceVersion(bucket, named.key, named.versionId);
  checkCopySource(call.headers, version, call.now);
  if (isArchived(version, call.now)) throw s3Fault('ObjectNotInActiveTierError');
  const given = customerKey(call, 'x-amz-copy-source-server-side-encryption-customer-');
  checkCustomerKey(version.encryption, given);
  return { bucket, key: named.key, versionId: named.versionId, version, customerKey: given?.key };
}

function sourceVersion(bucket: Bucket, key: string, versionId: string | undefined): ObjectVersion {
  try {
    return readableVersion(bucket, key, versionId);
  } catch (error) {
    const marker = error instanceof Error && 'code' in error && error.code === 'MethodNotAllowed';
    throw marker
      ? s3Fault(
          'InvalidRequest',
          'The source of a copy request may not specifically refer to a delete marker by version id.',
        )
      : error;
  }
}

/** The plaintext of a source, from `start` to `end` (exclusive). */
export function sourceBytes(call: Call, source: CopySource, start: number, end: number): Buffer {
  const place = { bucket: source.bucket.name, key: source.key };
  return readBytes(
    source.version,
    unwrapDataKey(call, source.version.encryption, place, source.customerKey),
    start,
    end,
  );
}

/** CopyObject: a new version with a new data key, whatever the source was under. */
export function copyObject(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const source = copySource(call);
  refuseUnchanged(call, bucket, source);
  const annotationsAreCopied = directive(call, 'x-amz-object-annotation-directive', ['COPY', 'EXCLUDE']) === 'COPY';
  const { version: from } = source;
  if (from.size > call.endpoint.limits.singleWrite) {
    throw s3Fault(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${call.endpoint.limits.singleWrite}`,
    );
  }
  const tagsAreCopied = directive(call, 'x-amz-tagging-directive') === 'COPY';
  if (tagsAreCopied && from.tags?.size) authorizeTags(call, source);
  const fields = {
    attributes: directive(call, 'x-amz-metadata-directive') === 'REPLACE' ? writtenAttributes(call) : from.attributes,
    tags: tagsAreCopied ? from.tags : writtenTags(call),
    storageClass: writtenStorageClass(call),
    redirect: writtenRedirect(call),
    acl: aclForObject(call, bucket),
    ...writtenLock(call, bucket),
  };
  const algorithm = namedAlgorithm(call.headers['x-amz-checksum-algorithm']) ?? from.checksum?.algorithm ?? 'CRC64NVME';
  const request = encryptionRequested(call, bucket);
  checkWrite(call.headers, currentVersion(bucket, call.key), call.key);
  const body = sourceBytes(call, source, 0, from.size);
  const version = written(call, bucket, { body, request, algorithm, fields });
  if (annotationsAreCopied) copyAnnotations(call, { bucket: source.bucket.name, key: source.key }, from, version);
  const headers: Record<string, string> = {
    ...versionHeader(bucket, version.id),
    ...writtenEncryptionHeaders(version.encryption),
  };
  if (source.bucket.versioning !== 'Off') headers['x-amz-copy-source-version-id'] = from.id;
  return xmlAnswer(copyResult('CopyObjectResult', version.etag, version.modified, version.checksum), headers);
}

/** Copying an object with tags is reading them and writing them. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
function authorizeTags(call: Call, source: CopySource): void {
  const read = source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
  authorize(call, { action: read, resource: `arn:aws:s3:::${source.bucket.name}/${source.key}` });
  authorize(call, { action: 's3:PutObjectTagging', resource: `arn:aws:s3:::${call.bucketName}/${call.key}` });
}

interface Copied {
  readonly body: Buffer;
  readonly request: ReturnType<typeof encryptionRequested>;
  readonly algorithm: ChecksumAlgorithm;
  readonly fields: {
    readonly attributes: Attributes;
    readonly tags: ObjectVersion['tags'];
    readonly storageClass: string;
    readonly redirect: string | undefined;
    readonly acl: ObjectVersion['acl'];
    readonly retention: ObjectVersion['retention'];
    readonly legalHold: ObjectVersion['legalHold'];
  };
}

function written(call: Call, bucket: Bucket, { body, request, algorithm, fields }: Copied): ObjectVersion {
  const { dataKey, encryption } = createDataKey(call, request, { bucket: bucket.name, key: call.key });
  const version = new ObjectVersion({
    id: nextVersionId(bucket),
    deleteMarker: false,
    now: call.now,
    size: body.length,
    etag: etagOf(body, encryption),
    parts: sealedBody(call, dataKey, body),
    multipart: false,
    checksum: { algorithm, type: 'FULL_OBJECT', value: checksumOf(algorithm, body) },
    encryption,
    ...fields,
  });
  putVersion(bucket, call.key, version);
  return version;
}

/** `CopyObjectResult` and `CopyPartResult`. */
export function copyResult(
  root: string,
  etag: string,
  modified: number,
  checksum: { readonly algorithm: string; readonly value: string; readonly type?: string } | undefined,
): string {
  const sum =
    checksum === undefined
      ? ''
      : leaf(`Checksum${checksum.algorithm}`, checksum.value) + leaf('ChecksumType', checksum.type);
  return xmlDocument(root, leaf('LastModified', isoTime(modified)), leaf('ETag', quoted(etag)), sum);
}

/** A copy onto itself must change something that S3 counts as a change. */
function refuseUnchanged(call: Call, bucket: Bucket, source: CopySource): void {
  const onItself = source.bucket === bucket && source.key === call.key && source.versionId === undefined;
  const changes =
    directive(call, 'x-amz-metadata-directive') === 'REPLACE' ||
    call.headers['x-amz-storage-class'] !== undefined ||
    call.headers['x-amz-website-redirect-location'] !== undefined ||
    (namesEncryption(call) && call.endpoint.behavior.copyOntoItself === 'accepted') ||
    // Recorded from AWS: a default that somebody has put counts as a change, whether it changes anything or not.
    bucket.encryptionWasPut;
  if (onItself && !changes) {
    throw s3Fault(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
}

function directive(call: Call, name: string, allowed: readonly [string, string] = ['COPY', 'REPLACE']): string {
  const value = call.headers[name] ?? 'COPY';
  if (!allowed.includes(value)) throw invalidArgument(`Unknown ${name.slice('x-amz-'.length)}.`, name, value);
  return value;
}
