import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { notImplemented, S3Fault, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import { type Deletion, deleteCurrent, deleteNamedVersion } from '../state/delete-version';
import { currentVersion, findVersion } from '../state/versions';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { checkWrite } from '../wire/conditions';
import { proveRequiredBody } from '../wire/integrity';
import { bool, many, maybe, one, readBody, shape, text } from '../wire/xml-shape';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

const MAX_OBJECTS = 1000;

interface Named {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Delete only while the object has this entity tag. */
  readonly etag: string | undefined;
}

/** DeleteObject. */
export function deleteObject(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const named = { key: call.key, versionId: call.query.get('versionId'), etag: call.headers['if-match'] };
  const { versionId, marker } = deleteOne(call, bucket, named);
  const headers: Record<string, string> = {};
  if (versionId !== undefined) headers['x-amz-version-id'] = versionId;
  if (marker) headers['x-amz-delete-marker'] = 'true';
  return emptyAnswer(204, headers);
}

function deleteOne(call: Call, bucket: Bucket, { key, versionId, etag }: Named): Deletion {
  if (etag !== undefined) {
    const target = versionId === undefined ? currentVersion(bucket, key) : findVersion(bucket, key, versionId)?.version;
    checkWrite({ 'if-match': etag }, target, key);
  }
  if (versionId === undefined) return deleteCurrent(bucket, key, call.now);
  const bypassGovernance = call.headers['x-amz-bypass-governance-retention']?.toLowerCase() === 'true';
  return deleteNamedVersion(bucket, key, versionId, { now: call.now, bypassGovernance });
}

const request = shape({
  Quiet: maybe(bool),
  Object: many(
    shape({
      Key: one(text),
      VersionId: maybe(text),
      ETag: maybe(text),
      LastModifiedTime: maybe(text),
      Size: maybe(text),
    }),
  ),
});

/** DeleteObjects: each key on its own; one that fails does not stop the others. */
export function deleteObjects(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const { Quiet, Object: objects } = readBody(call.request.body, 'Delete', request);
  if (objects.length === 0 || objects.length > MAX_OBJECTS) throw s3Fault('MalformedXML');
  if (objects.some((object) => object.LastModifiedTime !== undefined || object.Size !== undefined)) {
    throw notImplemented('LastModifiedTime, Size', 'parameter');
  }
  const results = objects.map((object) => {
    const named = { key: object.Key, versionId: object.VersionId, etag: object.ETag };
    try {
      const done = deleteOne(call, bucket, named);
      return Quiet === true ? '' : deletedXml(named, done);
    } catch (error) {
      if (!(error instanceof S3Fault)) throw error;
      return errorXml(named, error);
    }
  });
  return xmlAnswer(xmlDocument('DeleteResult', ...results));
}

function deletedXml(named: Named, done: Deletion): string {
  return branch(
    'Deleted',
    leaf('Key', named.key),
    leaf('VersionId', named.versionId),
    leaf('DeleteMarker', done.marker ? true : undefined),
    leaf('DeleteMarkerVersionId', done.marker ? done.versionId : undefined),
  );
}

function errorXml(named: Named, fault: S3Fault): string {
  return branch(
    'Error',
    leaf('Key', named.key),
    leaf('VersionId', named.versionId),
    leaf('Code', fault.code),
    leaf('Message', fault.message),
  );
}
