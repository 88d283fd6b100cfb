import { createHash } from 'node:crypto';
import type { AwsResponse } from '../../message';
import { authorize, createDataKey, openBucket, readBytes, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import type { Encryption, EncryptionRequest } from '../state/encryption';
import type { Annotation, ObjectVersion } from '../state/object-version';
import { readableVersion } from '../state/versions';
import { emptyAnswer, httpTime, isoTime, quoted, xmlAnswer } from '../wire/answer';
import { proveBody } from '../wire/integrity';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';
import { limitOf } from './listing';
import { sealedBody } from './put-object';

/** Largest annotation, and how many a version may have. */
const MOST_BYTES = 1024 ** 2;
const MOST = 1000;

interface Opened {
  readonly bucket: Bucket;
  readonly version: ObjectVersion;
  readonly headers: Readonly<Record<string, string>>;
}

function open(call: Call): Opened {
  const bucket = openBucket(call);
  const version = readableVersion(bucket, call.key, call.query.get('versionId'));
  const headers: Record<string, string> = bucket.versioning === 'Off' ? {} : { 'x-amz-object-version-id': version.id };
  return { bucket, version, headers };
}

/** PutObjectAnnotation: a named piece of data of a version, under the same KMS key as the version is now. */
export function putObjectAnnotation(call: Call): AwsResponse {
  const { version, headers } = open(call);
  const { body } = call.request;
  proveBody(call);
  const name = nameOf(call);
  if (body.length === 0 || body.length > MOST_BYTES)
    throw s3Fault('InvalidRequest', `An annotation has 1 to ${MOST_BYTES} bytes.`);
  const before = version.annotations ?? new Map<string, Annotation>();
  if (!before.has(name) && before.size >= MOST) throw s3Fault('InvalidRequest', 'The object has 1000 annotations.');
  const annotation = sealed(call, version.encryption, body);
  version.annotations = new Map([...before, [name, annotation]]);
  const document = xmlDocument('PutObjectAnnotationResult', leaf('Key', call.key), leaf('AnnotationName', name));
  return xmlAnswer(document, { ...headers, etag: quoted(annotation.etag) });
}

/** GetObjectAnnotation: needs the key that the annotation is under, which may be another one than that of the version. */
export function getObjectAnnotation(call: Call): AwsResponse {
  const { version, headers } = open(call);
  const annotation = version.annotations?.get(nameOf(call));
  if (annotation === undefined) throw s3Fault('NoSuchKey', 'The specified annotation does not exist.');
  const { etag, modified } = annotation;
  const body = opened(call, annotation, { bucket: call.bucketName, key: call.key });
  return { status: 200, headers: { ...headers, etag: quoted(etag), 'last-modified': httpTime(modified) }, body };
}

/** DeleteObjectAnnotation: no fault where there is none. */
export function deleteObjectAnnotation(call: Call): AwsResponse {
  const { version, headers } = open(call);
  const left = new Map(version.annotations);
  left.delete(nameOf(call));
  version.annotations = left.size === 0 ? undefined : left;
  return emptyAnswer(204, headers);
}

/** ListObjectAnnotations, by their names in the order of UTF-8; without continuation, as 1,000 fit in one answer. */
export function listObjectAnnotations(call: Call): AwsResponse {
  const { bucket, version, headers } = open(call);
  const limit = limitOf(call.query.get('max-annotation-results'), 'max-annotation-results', MOST);
  const prefix = call.query.get('annotation-prefix') ?? '';
  const found = [...(version.annotations ?? [])]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .slice(0, limit)
    .map(([name, { size, etag, modified }]) =>
      branch(
        'AnnotationEntry',
        leaf('AnnotationName', name),
        leaf('LastModified', isoTime(modified)),
        leaf('Size', size),
        leaf('ETag', quoted(etag)),
      ),
    );
  const document = xmlDocument(
    'ListObjectAnnotationsResult',
    branch('Annotations', ...found),
    leaf('Bucket', bucket.name),
    leaf('Key', call.key),
    leaf('AnnotationCount', found.length),
  );
  return xmlAnswer(document, headers);
}

/** Gives a copy the annotations of its source, under the key of the copy. Copying them is reading and writing them. */
export function copyAnnotations(
  call: Call,
  source: { bucket: string; key: string },
  from: ObjectVersion,
  to: ObjectVersion,
): void {
  if (from.annotations === undefined) return;
  authorize(call, { action: 's3:GetObjectAnnotation', resource: `arn:aws:s3:::${source.bucket}/${source.key}` });
  authorize(call, { action: 's3:PutObjectAnnotation', resource: `arn:aws:s3:::${call.bucketName}/${call.key}` });
  to.annotations = new Map(
    [...from.annotations].map(([name, one]) => [name, sealed(call, to.encryption, opened(call, one, source))]),
  );
}

function nameOf({ query }: Call): string {
  const name = query.get('annotationName') ?? '';
  if (name !== '' && Buffer.byteLength(name) <= 512) return name;
  throw invalidArgument('The name of an annotation has 1 to 512 bytes.', 'annotationName', name);
}

function opened(call: Call, annotation: Annotation, place: { bucket: string; key: string }): Buffer {
  return readBytes(annotation, unwrapDataKey(call, annotation.encryption, place), 0, annotation.size);
}

function sealed(call: Call, like: Encryption, body: Buffer): Annotation {
  const { dataKey, encryption } = createDataKey(call, requestLike(like), { bucket: call.bucketName, key: call.key });
  const etag = createHash('md5').update(body).digest('hex');
  const modified = Math.floor(call.now / 1000);
  return { size: body.length, etag, modified, parts: sealedBody(call, dataKey, body), encryption };
}

/** @throws S3Fault where the version is under a key that its writer keeps. */
function requestLike({ kind, keyArn, bucketKey, context }: Encryption): EncryptionRequest {
  if (kind === 'AES256') return { kind };
  if (kind === 'SSE-C') throw s3Fault('InvalidRequest', 'An object under SSE-C has no annotations.');
  return { kind, keyId: keyArn, bucketKey, context };
}
