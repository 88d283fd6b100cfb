import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3';

/** All that a person could see of a bucket, but for what S3 makes up: ids, and the ETags and dates of copies. */
export async function stateOf(s3: S3Client, Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  const versions = [];
  for (const version of Versions) versions.push(await versionState(s3, Bucket, version));
  return { versions, deleteMarkers: DeleteMarkers.map(({ Key, IsLatest }) => ({ Key, IsLatest })) };
}

/** A GET says all that a HEAD says, so that an archived version alone is asked for by HEAD; tags are fetched where there are any. */
async function versionState(s3: S3Client, Bucket: string, version: ObjectVersion) {
  const { Key, VersionId, IsLatest, StorageClass } = version;
  const input = { Bucket, Key, VersionId };
  const isArchived = String(StorageClass) === 'GLACIER';
  const got = isArchived ? undefined : await s3.send(new GetObjectCommand(input));
  const seen = got ?? (await s3.send(new HeadObjectCommand(input)));
  const { Metadata, SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled, ContentLength } = seen;
  const { TagSet } = seen.TagCount ? await s3.send(new GetObjectTaggingCommand(input)) : { TagSet: [] };
  const body = got ? await got.Body?.transformToString() : 'archived';
  const under = { SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled };
  return { Key, IsLatest, StorageClass, Metadata, ContentLength, TagSet, body, ...under };
}
