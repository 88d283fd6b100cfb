import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import { Bucket, GLOBAL_REGION, NEW_BUCKET_ENCRYPTION, type Ownership } from '../state/bucket';
import { aclOfHeaders, canonicalId, privateAcl, refusePublic, refuseUnlessOwner } from '../wire/acl-wire';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { tagList, tagMap } from '../wire/tags';
import { maybe, readBody, shape, text } from '../wire/xml-shape';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
const OWNERSHIPS: readonly Ownership[] = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'];

const configuration = shape({
  LocationConstraint: maybe(text),
  Tags: maybe(shape({ Tag: tagList })),
});

/** CreateBucket. */
export function createBucket(call: Call): AwsResponse {
  const { endpoint, bucketName: name, now } = call;
  const owner = call.request.caller.accountId;
  if (!NAME.test(name) || ADDRESS.test(name) || name.includes('..') || name.startsWith('xn--')) {
    throw s3Fault('InvalidBucketName', undefined, { details: { BucketName: name } });
  }
  const { body } = call.request;
  const wanted = body.length === 0 ? undefined : readBody(body, 'CreateBucketConfiguration', configuration);
  const region = locationOf(call, wanted?.LocationConstraint);
  const existing = endpoint.buckets.get(name);
  if (existing !== undefined) return answerExisting(existing, { region, owner });
  const bucket = new Bucket(name, { region, owner }, now, privateAcl(owner));
  if (endpoint.behavior.newBucketBlocks === 'nothing') bucket.encryption = { ...NEW_BUCKET_ENCRYPTION, blocked: [] };
  bucket.ownership = ownershipOf(call.headers['x-amz-object-ownership']);
  const acl = aclOfHeaders(call, bucket);
  if (acl !== undefined) {
    if (call.headers['x-amz-acl'] !== 'private') refuseAclOfNewBucket(call, bucket, acl);
    bucket.acl = acl;
  }
  if (call.headers['x-amz-bucket-object-lock-enabled']?.toLowerCase() === 'true') {
    bucket.objectLock = { rule: undefined };
    bucket.versioning = 'Enabled';
  }
  if (wanted?.Tags !== undefined) bucket.tags = tagMap(wanted.Tags.Tag, 'bucket');
  endpoint.buckets.set(name, bucket);
  return emptyAnswer(200, { location: `/${name}` });
}

function refuseAclOfNewBucket(call: Call, bucket: Bucket, acl: Bucket['acl']): void {
  if (bucket.ownership === 'BucketOwnerEnforced') {
    throw s3Fault('InvalidBucketAclWithObjectOwnership');
  }
  refuseUnlessOwner(call, bucket, acl);
  refusePublic(bucket, acl);
}

function ownershipOf(header: string | undefined): Ownership {
  if (header === undefined) return 'BucketOwnerEnforced';
  const known = OWNERSHIPS.find((name) => name === header);
  if (known === undefined)
    throw invalidArgument('Invalid x-amz-object-ownership header', 'x-amz-object-ownership', header);
  return known;
}

/** us-east-1 is named by saying nothing, and makes buckets for every Region; every other Region must name itself. */
function locationOf({ endpoint, request: { region } }: Call, constraint: string | undefined): string {
  const own = region === GLOBAL_REGION ? undefined : region;
  if (constraint === own || (constraint === '' && own === undefined)) return region;
  const asked = endpoint.regions.find((name) => name === constraint && name !== GLOBAL_REGION);
  if (own === undefined && asked !== undefined) return asked;
  const given = constraint ?? 'unspecified';
  throw s3Fault(
    'IllegalLocationConstraintException',
    `The ${given} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}

/** In us-east-1 an owner may create its bucket again, for historical reasons. */
function answerExisting(bucket: Bucket, { region, owner }: { region: string; owner: string }): AwsResponse {
  const details = { BucketName: bucket.name };
  if (bucket.owner !== owner) throw s3Fault('BucketAlreadyExists', undefined, { details });
  if (region === GLOBAL_REGION && bucket.region === region) return emptyAnswer(200, { location: `/${bucket.name}` });
  throw s3Fault('BucketAlreadyOwnedByYou', undefined, { details });
}

/** HeadBucket. */
export function headBucket(call: Call): AwsResponse {
  const bucket = openBucket(call);
  return emptyAnswer(200, {
    'x-amz-bucket-region': bucket.region,
    'x-amz-access-point-alias': 'false',
    'x-amz-bucket-arn': `arn:aws:s3:::${bucket.name}`,
    'content-type': 'application/xml',
  });
}

/** DeleteBucket: only an empty one, all versions and delete markers counted. */
export function deleteBucket(call: Call): AwsResponse {
  const bucket = openBucket(call);
  if (bucket.keys.size > 0) {
    const why =
      bucket.versioning === 'Off'
        ? undefined
        : 'The bucket you tried to delete is not empty. You must delete all versions in the bucket.';
    throw s3Fault('BucketNotEmpty', why, { details: { BucketName: bucket.name } });
  }
  call.endpoint.buckets.delete(bucket.name);
  return emptyAnswer(204);
}

/** ListBuckets, by name: those of the caller's account in every Region. */
export function listBuckets(call: Call): AwsResponse {
  const { accountId } = call.request.caller;
  const limit = Number(call.query.get('max-buckets') ?? '10000');
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw invalidArgument(
      'max-buckets must be between 1 and 10000',
      'max-buckets',
      call.query.get('max-buckets') ?? '',
    );
  }
  const prefix = call.query.get('prefix') ?? '';
  const wantedRegion = call.query.get('bucket-region');
  const after = Buffer.from(call.query.get('continuation-token') ?? '', 'base64').toString('utf8');
  const found = [...call.endpoint.buckets.values()]
    .filter(({ owner, region }) => owner === accountId && region === (wantedRegion ?? region))
    .filter(({ name }) => name.startsWith(prefix) && name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = found.slice(0, limit);
  const last = page[page.length - 1];
  const token =
    found.length > page.length && last !== undefined ? Buffer.from(last.name).toString('base64') : undefined;
  const listed = page.map((bucket) =>
    branch(
      'Bucket',
      leaf('Name', bucket.name),
      leaf('CreationDate', new Date(bucket.created).toISOString()),
      leaf('BucketRegion', bucket.region),
      leaf('BucketArn', `arn:aws:s3:::${bucket.name}`),
    ),
  );
  return xmlAnswer(
    xmlDocument(
      'ListAllMyBucketsResult',
      branch('Owner', leaf('ID', canonicalId(accountId))),
      branch('Buckets', ...listed),
      leaf('ContinuationToken', token),
      leaf('Prefix', call.query.get('prefix')),
    ),
  );
}

/** GetBucketLocation: empty for us-east-1. */
export function getBucketLocation(call: Call): AwsResponse {
  const { region } = openBucket(call);
  return xmlAnswer(xmlDocument('LocationConstraint', region === GLOBAL_REGION ? '' : region));
}
