import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import type { Bucket } from '../state/bucket';
import type { ObjectVersion } from '../state/object-version';
import { readableVersion } from '../state/versions';
import { aclOfHeaders, privateAcl, readAcl, refusePublic, refuseUnlessOwner, writeAcl } from '../wire/acl-wire';
import { emptyAnswer, versionHeader, xmlAnswer } from '../wire/answer';
import { proveBody, proveRequiredBody } from '../wire/integrity';
import { tagging, tagMap, tagSet } from '../wire/tags';
import { readBody } from '../wire/xml-shape';
import { xmlDocument } from '../wire/xml-writer';

function open(call: Call): { readonly bucket: Bucket; readonly version: ObjectVersion } {
  const bucket = openBucket(call);
  return { bucket, version: readableVersion(bucket, call.key, call.query.get('versionId')) };
}

/** GetObjectTagging: an empty set for an object without tags. */
export function getObjectTagging(call: Call): AwsResponse {
  const { bucket, version } = open(call);
  return xmlAnswer(xmlDocument('Tagging', tagSet(version.tags ?? new Map())), versionHeader(bucket, version.id));
}

/** PutObjectTagging: replaces all tags; Last-Modified stays. */
export function putObjectTagging(call: Call): AwsResponse {
  const { bucket, version } = open(call);
  proveRequiredBody(call);
  const tags = tagMap(readBody(call.request.body, 'Tagging', tagging).TagSet.Tag, 'object');
  version.tags = tags.size === 0 ? undefined : tags;
  return emptyAnswer(200, versionHeader(bucket, version.id));
}

/** DeleteObjectTagging. */
export function deleteObjectTagging(call: Call): AwsResponse {
  const { bucket, version } = open(call);
  version.tags = undefined;
  return emptyAnswer(204, versionHeader(bucket, version.id));
}

/** GetObjectAcl: the owner's alone where ACLs are off. */
export function getObjectAcl(call: Call): AwsResponse {
  const { bucket, version } = open(call);
  const own = privateAcl(bucket.owner);
  const acl = bucket.ownership === 'BucketOwnerEnforced' ? own : (version.acl ?? own);
  return xmlAnswer(writeAcl(acl, bucket.owner), versionHeader(bucket, version.id));
}

/** PutObjectAcl, by headers or by a document. */
export function putObjectAcl(call: Call): AwsResponse {
  const { bucket, version } = open(call);
  proveBody(call);
  const acl = aclOfHeaders(call, bucket) ?? readAcl(call.request.body);
  refuseUnlessOwner(call, bucket, acl);
  refusePublic(bucket, acl);
  version.acl = acl;
  return emptyAnswer(200, versionHeader(bucket, version.id));
}
