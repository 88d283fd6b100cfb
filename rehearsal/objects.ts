import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** One object version as an ordinary client sees it. */
export interface SeenVersion {
  readonly key: string;
  readonly versionId: string;
  readonly keyArn: string | undefined;
  /** Everything that a rewrap must not change. */
  readonly kept: Readonly<Record<string, unknown>>;
}

const MIB = 1024 * 1024;

/** The objects of the rehearsal: small, empty, odd names, tagged, archived, several versions, and one in parts. */
export async function putObjects(s3: S3Client, bucket: string): Promise<void> {
  const put = (input: Omit<PutObjectCommandInput, 'Bucket'>) =>
    s3.send(new PutObjectCommand({ Bucket: bucket, ...input }));
  await put({ Key: 'reports/2026/january.csv', Body: 'day,total\n1,10\n', ContentType: 'text/csv' });
  await put({ Key: 'reports/2026/january.csv', Body: 'day,total\n1,11\n', ContentType: 'text/csv' });
  await put({ Key: 'empty', Body: Buffer.alloc(0) });
  await put({ Key: 'names/with space + plus %41 ünïcode/..', Body: 'odd name' });
  await put({ Key: 'tagged', Body: 'tagged', Tagging: 'team=billing&tier=1', Metadata: { origin: 'rehearsal' } });
  await put({ Key: 'archive/2014.tar', Body: Buffer.alloc(64 * 1024, 7), StorageClass: 'GLACIER_IR' });
  await put({
    Key: 'infrequent',
    Body: Buffer.alloc(16 * 1024, 9),
    StorageClass: 'STANDARD_IA',
    CacheControl: 'no-store',
  });
  for (let index = 0; index < 20; index += 1)
    await put({ Key: `many/${String(index).padStart(3, '0')}`, Body: `object ${index}` });
  await put({ Key: 'deleted-later', Body: 'still there as a version' });
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'deleted-later' }));
  await putInParts(s3, bucket, 'video.bin');
}

async function putInParts(s3: S3Client, bucket: string, key: string): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
  const bodies = [Buffer.alloc(5 * MIB, 1), Buffer.alloc(MIB, 2)];
  const parts = [];
  for (const [index, body] of bodies.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await s3.send(
      new UploadPartCommand({ Bucket: bucket, Key: key, UploadId, PartNumber, Body: body }),
    );
    parts.push({ ETag, PartNumber });
  }
  await s3.send(
    new CompleteMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId, MultipartUpload: { Parts: parts } }),
  );
}

/** HEAD and tags of every object version, without delete markers, in listing order. */
export async function seeVersions(s3: S3Client, bucket: string): Promise<readonly SeenVersion[]> {
  const seen: SeenVersion[] = [];
  for (const { key, versionId } of await listVersions(s3, bucket))
    seen.push(await seeVersion(s3, bucket, key, versionId));
  return seen;
}

async function listVersions(s3: S3Client, bucket: string): Promise<readonly { key: string; versionId: string }[]> {
  const { Versions = [], IsTruncated } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  if (IsTruncated) throw new RangeError(`the rehearsal puts too few objects into ${bucket} to fill a page`);
  return Versions.map(({ Key = '', VersionId = '' }) => ({ key: Key, versionId: VersionId }));
}

async function seeVersion(s3: S3Client, bucket: string, key: string, versionId: string): Promise<SeenVersion> {
  const reference = { Bucket: bucket, Key: key, VersionId: versionId };
  const head = await s3.send(new HeadObjectCommand(reference));
  const { TagSet } = await s3.send(new GetObjectTaggingCommand(reference));
  return {
    key,
    versionId,
    keyArn: head.SSEKMSKeyId,
    kept: {
      etag: head.ETag,
      lastModified: head.LastModified?.toISOString(),
      size: head.ContentLength,
      metadata: head.Metadata,
      contentType: head.ContentType,
      cacheControl: head.CacheControl ?? null,
      storageClass: head.StorageClass ?? 'STANDARD',
      tags: TagSet,
    },
  };
}

/** Whether {@link download} could download a version. */
export const isDigest = (answer: string): boolean => /^[0-9a-f]{64}$/.test(answer);

/** SHA-256 of the download of each version, or the name of the error. */
export async function download(
  s3: S3Client,
  bucket: string,
  seen: readonly SeenVersion[],
): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {};
  for (const { key, versionId } of seen) {
    const reference = { Bucket: bucket, Key: key, VersionId: versionId };
    digests[`${key}@${versionId}`] = await s3.send(new GetObjectCommand(reference)).then(
      async (answer) =>
        createHash('sha256')
          .update((await answer.Body?.transformToByteArray()) ?? '')
          .digest('hex'),
      (error: Error) => error.name,
    );
  }
  return digests;
}
