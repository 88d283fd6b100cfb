import { createHash } from 'node:crypto';
import { branch, leaf, S3_NAMESPACE } from '../../s3/wire/xml-writer';
import type { Task } from '../state/job';
import type { CopySettings, JobOperation } from '../wire/operation-request';
import type { JobCall } from './acting';

/** The S3 request that a task comes to. */
export function callOf(task: Task, operation: JobOperation): JobCall {
  return operation.name === 'S3UpdateObjectEncryption'
    ? rewrap(task, operation.keyArn, operation.bucketKey)
    : copy(task, operation.copy);
}

function rewrap({ bucket, key, versionId }: Task, keyArn: string, bucketKey: boolean): JobCall {
  const target = branch('SSE-KMS', leaf('KMSKeyArn', keyArn), leaf('BucketKeyEnabled', bucketKey));
  const body = Buffer.from(`<ObjectEncryption xmlns="${S3_NAMESPACE}">${target}</ObjectEncryption>`);
  return {
    method: 'PUT',
    bucket,
    key,
    query: { encryption: '', ...(versionId === undefined ? {} : { versionId }) },
    headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
    body,
  };
}

function copy({ bucket, key, versionId }: Task, settings: CopySettings): JobCall {
  const source = `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const { TargetKeyPrefix: prefix } = settings;
  return {
    method: 'PUT',
    bucket: settings.TargetResource.slice(settings.TargetResource.indexOf(':::') + 3),
    key: prefix === undefined ? key : `${prefix}/${key}`,
    headers: present({
      'x-amz-copy-source': versionId === undefined ? source : `${source}?versionId=${encodeURIComponent(versionId)}`,
      ...encryptionHeaders(settings),
      ...contentHeaders(settings),
      'x-amz-metadata-directive': settings.MetadataDirective,
      'x-amz-storage-class': settings.StorageClass,
      'x-amz-acl': settings.CannedAccessControlList,
      'x-amz-website-redirect-location': settings.RedirectLocation,
      'x-amz-checksum-algorithm': settings.ChecksumAlgorithm,
      'x-amz-copy-source-if-modified-since': httpDate(settings.ModifiedSinceConstraint),
      'x-amz-copy-source-if-unmodified-since': httpDate(settings.UnModifiedSinceConstraint),
      'x-amz-object-lock-mode': settings.ObjectLockMode,
      'x-amz-object-lock-retain-until-date': isoDate(settings.ObjectLockRetainUntilDate),
      'x-amz-object-lock-legal-hold': settings.ObjectLockLegalHoldStatus,
      ...taggingHeaders(settings),
    }),
  };
}

type Maybe = Readonly<Record<string, string | undefined>>;

/** A key ID without an algorithm means SSE-KMS; `KMS` without a key ID the AWS managed key. */
function encryptionHeaders({ SSEAwsKmsKeyId, BucketKeyEnabled, NewObjectMetadata }: CopySettings): Maybe {
  const said = NewObjectMetadata?.SSEAlgorithm;
  const kms = said === 'KMS' || (said === undefined && SSEAwsKmsKeyId !== undefined);
  return {
    'x-amz-server-side-encryption': kms ? 'aws:kms' : said,
    'x-amz-server-side-encryption-aws-kms-key-id': SSEAwsKmsKeyId,
    'x-amz-server-side-encryption-bucket-key-enabled': BucketKeyEnabled?.toString(),
  };
}

function contentHeaders({ NewObjectMetadata: metadata }: CopySettings): Maybe {
  if (metadata === undefined) return {};
  const user = Object.entries(metadata.UserMetadata ?? {}).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return {
    'cache-control': metadata.CacheControl,
    'content-disposition': metadata.ContentDisposition,
    'content-encoding': metadata.ContentEncoding,
    'content-language': metadata.ContentLanguage,
    'content-type': metadata.ContentType,
    expires: httpDate(metadata.HttpExpiresDate),
    ...Object.fromEntries(user),
  };
}

function taggingHeaders({ NewObjectTagging: tags }: CopySettings): Maybe {
  if (tags === undefined || tags.length === 0) return {};
  const query = new URLSearchParams(Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));
  return { 'x-amz-tagging-directive': 'REPLACE', 'x-amz-tagging': query.toString() };
}

const httpDate = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toUTCString());
const isoDate = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());

function present(headers: Maybe): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
