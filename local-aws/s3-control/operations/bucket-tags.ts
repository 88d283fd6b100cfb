import type { AwsResponse } from '../../message';
import { S3Fault } from '../../s3/fault';
import { tagMap } from '../../s3/wire/tags';
import { type ControlCall, xmlAnswer } from '../call';
import { badRequest, ControlFault, notServed } from '../fault';
import { bucketTagsReader } from '../wire/job-request';
import { controlDocument, tagsXml } from '../wire/job-xml';
import { readRoot, required, structure } from '../wire/reader';

const NO_TAGS: ReadonlyMap<string, string> = new Map();
const DONE: AwsResponse = { status: 204 };

/** ListTagsForResource, for a bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListTagsForResource.html */
export function listTagsForResource(call: ControlCall): AwsResponse {
  return xmlAnswer(controlDocument('ListTagsForResourceResult', tagsXml(bucketOf(call).tags() ?? NO_TAGS, 'Tag')));
}

/** TagResource, for a bucket: adds tags to those it has. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html */
export function tagResource(call: ControlCall): AwsResponse {
  const bucket = bucketOf(call);
  const root = readRoot(call.request.body, 'TagResourceRequest');
  const { Tags } = structure({ Tags: required(bucketTagsReader) })(root, 'TagResourceRequest');
  bucket.setTags(checked(new Map([...(bucket.tags() ?? NO_TAGS), ...checked(new Map(Tags.map(entry)))])));
  return DONE;
}

/** UntagResource, for a bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_UntagResource.html */
export function untagResource(call: ControlCall): AwsResponse {
  const bucket = bucketOf(call);
  const removed = new Set(new URLSearchParams(call.request.rawQuery ?? '').getAll('tagKeys'));
  if (removed.size === 0) throw badRequest('tagKeys', 'is missing');
  bucket.setTags(new Map([...(bucket.tags() ?? NO_TAGS)].filter(([key]) => !removed.has(key))));
  return DONE;
}

const entry = ({ Key, Value }: { readonly Key: string; readonly Value: string }) => [Key, Value] as const;

/** The rules of bucket tags are S3's own; S3 Control answers a fault of them as a bad request. */
function checked(tags: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  try {
    return tagMap(
      [...tags].map(([Key, Value]) => ({ Key, Value })),
      'bucket',
    );
  } catch (error) {
    if (error instanceof S3Fault) throw badRequest('Tags', `cannot be used: ${error.message}`);
    throw error;
  }
}

/** @throws ControlFault `NotImplemented` for a resource that is no general purpose bucket, `NotFoundException` */
function bucketOf({ control, resourceArn }: ControlCall) {
  const name = /^arn:aws[a-z-]*:s3:::([a-z0-9.-]+)$/.exec(resourceArn)?.[1];
  if (name === undefined) throw notServed(`Tagging ${resourceArn}`);
  const bucket = control.bucketTags(name);
  if (bucket?.region !== control.region)
    throw new ControlFault('NotFoundException', `The specified bucket ${name} does not exist`);
  return bucket;
}
