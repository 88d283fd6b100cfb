import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { notConfigured, s3Fault } from '../fault';
import { aclOfHeaders, privateAcl, readAcl, refusePublic, refuseUnlessOwner, writeAcl } from '../wire/acl-wire';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { proveBody, proveRequiredBody } from '../wire/integrity';
import { tagging, tagMap, tagSet } from '../wire/tags';
import { bool, many, maybe, one, oneOf, readBody, shape, text } from '../wire/xml-shape';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

const versioning = shape({
  Status: maybe(oneOf('Enabled', 'Suspended')),
  MfaDelete: maybe(oneOf('Enabled', 'Disabled')),
});

/** PutBucketVersioning. Once on, versioning can only be suspended. */
export function putBucketVersioning(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const wanted = readBody(call.request.body, 'VersioningConfiguration', versioning);
  if (wanted.Status === undefined) {
    throw s3Fault('IllegalVersioningConfigurationException');
  }
  if (wanted.MfaDelete === 'Enabled') throw s3Fault('NotImplemented', 'MFA delete is not implemented');
  if (wanted.Status === 'Suspended' && bucket.objectLock !== undefined) {
    throw s3Fault(
      'InvalidBucketState',
      'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    );
  }
  if (bucket.versioning === 'Off') bucket.versionsSince = call.now;
  bucket.versioning = wanted.Status;
  return emptyAnswer(200);
}

/** GetBucketVersioning: an empty document before versioning was ever on. */
export function getBucketVersioning(call: Call): AwsResponse {
  const { versioning: state } = openBucket(call);
  return xmlAnswer(xmlDocument('VersioningConfiguration', leaf('Status', state === 'Off' ? undefined : state)));
}

const publicAccessBlock = shape({
  BlockPublicAcls: maybe(bool),
  IgnorePublicAcls: maybe(bool),
  BlockPublicPolicy: maybe(bool),
  RestrictPublicBuckets: maybe(bool),
});

/** PutPublicAccessBlock: what is left out is false. */
export function putPublicAccessBlock(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const wanted = readBody(call.request.body, 'PublicAccessBlockConfiguration', publicAccessBlock);
  bucket.publicAccessBlock = {
    BlockPublicAcls: wanted.BlockPublicAcls ?? false,
    IgnorePublicAcls: wanted.IgnorePublicAcls ?? false,
    BlockPublicPolicy: wanted.BlockPublicPolicy ?? false,
    RestrictPublicBuckets: wanted.RestrictPublicBuckets ?? false,
  };
  return emptyAnswer(200);
}

/** GetPublicAccessBlock. */
export function getPublicAccessBlock(call: Call): AwsResponse {
  const block = openBucket(call).publicAccessBlock;
  if (block === undefined) throw notConfigured(call, 'NoSuchPublicAccessBlockConfiguration');
  return xmlAnswer(
    xmlDocument('PublicAccessBlockConfiguration', ...Object.entries(block).map(([name, value]) => leaf(name, value))),
  );
}

/** DeletePublicAccessBlock. */
export function deletePublicAccessBlock(call: Call): AwsResponse {
  openBucket(call).publicAccessBlock = undefined;
  return emptyAnswer(204);
}

const ownershipControls = shape({
  Rule: many(shape({ ObjectOwnership: one(oneOf('BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter')) })),
});

/** PutBucketOwnershipControls. */
export function putBucketOwnershipControls(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const [rule, ...more] = readBody(call.request.body, 'OwnershipControls', ownershipControls).Rule;
  if (rule === undefined || more.length > 0) throw s3Fault('MalformedXML');
  if (rule.ObjectOwnership === 'BucketOwnerEnforced' && bucket.acl.grants.length > 1) {
    throw s3Fault('InvalidBucketAclWithObjectOwnership');
  }
  bucket.ownership = rule.ObjectOwnership;
  return emptyAnswer(200);
}

/** GetBucketOwnershipControls. */
export function getBucketOwnershipControls(call: Call): AwsResponse {
  const { ownership } = openBucket(call);
  if (ownership === undefined) throw notConfigured(call, 'OwnershipControlsNotFoundError');
  return xmlAnswer(xmlDocument('OwnershipControls', branch('Rule', leaf('ObjectOwnership', ownership))));
}

/** DeleteBucketOwnershipControls. */
export function deleteBucketOwnershipControls(call: Call): AwsResponse {
  openBucket(call).ownership = undefined;
  return emptyAnswer(204);
}

/** PutBucketTagging: replaces all tags. */
export function putBucketTagging(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  bucket.tags = tagMap(readBody(call.request.body, 'Tagging', tagging).TagSet.Tag, 'bucket');
  return emptyAnswer(204);
}

/** GetBucketTagging. */
export function getBucketTagging(call: Call): AwsResponse {
  const { tags } = openBucket(call);
  if (tags === undefined || tags.size === 0) throw notConfigured(call, 'NoSuchTagSet');
  return xmlAnswer(xmlDocument('Tagging', tagSet(tags)));
}

/** DeleteBucketTagging. */
export function deleteBucketTagging(call: Call): AwsResponse {
  openBucket(call).tags = undefined;
  return emptyAnswer(204);
}

/** GetBucketAcl. */
export function getBucketAcl(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const acl = bucket.ownership === 'BucketOwnerEnforced' ? privateAcl(bucket.owner) : bucket.acl;
  return xmlAnswer(writeAcl(acl, bucket.owner));
}

/** PutBucketAcl, by headers or by a document. */
export function putBucketAcl(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveBody(call);
  const acl = aclOfHeaders(call, bucket) ?? readAcl(call.request.body);
  refuseUnlessOwner(call, bucket, acl);
  refusePublic(bucket, acl);
  bucket.acl = acl;
  return emptyAnswer(200);
}

const payer = shape({ Payer: one(text) });

/** PutBucketRequestPayment: only the owner pays here. */
export function putBucketRequestPayment(call: Call): AwsResponse {
  openBucket(call);
  proveRequiredBody(call);
  const { Payer } = readBody(call.request.body, 'RequestPaymentConfiguration', payer);
  if (Payer === 'Requester') throw s3Fault('NotImplemented', 'Requester pays is not implemented');
  if (Payer !== 'BucketOwner') throw s3Fault('MalformedXML');
  return emptyAnswer(200);
}

/** GetBucketRequestPayment. */
export function getBucketRequestPayment(call: Call): AwsResponse {
  openBucket(call);
  return xmlAnswer(xmlDocument('RequestPaymentConfiguration', leaf('Payer', 'BucketOwner')));
}
