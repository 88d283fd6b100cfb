import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectAnnotationsCommand,
  ListObjectVersionsCommand,
  type S3Client,
  UpdateObjectEncryptionCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { aclGrantsOf } from './acl-grants';
import { copySource } from './copy-source';
import { lockOf } from './head-values';
import type { VersionRef } from './object-version';
import { sdkCalls } from './sdk-calls';
import {
  checksumsOf,
  grantFields,
  headOf,
  targetFields,
  uploadsPageOf,
  versionPageOf,
  wholeContent,
} from './sdk-shapes';
import { sdkWitness } from './sdk-witness';
import type { CopiedPart, MultipartInPlace, ObjectStore } from './store';
import { asFault, faultKind } from './store-fault';

type Send = ReturnType<typeof sdkCalls>['send'];

/**
 * The calls of {@link ObjectStore} through the AWS SDK. Endpoint, credentials and signing are the client's. The SDK's own
 * attempts lie below ours: a fault that comes from here has already been retried by the SDK if the client is set to do so.
 *
 * @param owner - id of the account that must own every bucket; absent: any may
 */
export function createSdkStore(s3: S3Client, owner?: string): ObjectStore {
  const { send, requests, now } = sdkCalls(s3, owner);
  return {
    requests,
    now,
    witness: sdkWitness(send),
    ...bucketCalls(send),
    ...reads(send),
    ...moves(send),
    ...multipart(send),
  };
}

/** Calls about a bucket. */
function bucketCalls(send: Send): Pick<ObjectStore, 'versioning' | 'listVersions' | 'listUploads'> {
  return {
    async versioning(bucket, signal) {
      const { Status } = await send('GetBucketVersioning', new GetBucketVersioningCommand({ Bucket: bucket }), signal);
      return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'unversioned';
    },
    async listVersions({ bucket, after, prefix, limit }, signal) {
      const command = new ListObjectVersionsCommand({
        Bucket: bucket,
        EncodingType: 'url',
        KeyMarker: after?.key,
        VersionIdMarker: after?.versionId,
        Prefix: prefix,
        MaxKeys: limit,
      });
      return versionPageOf(await send('ListObjectVersions', command, signal), bucket, after);
    },
    async listUploads({ bucket, after }, signal) {
      const command = new ListMultipartUploadsCommand({
        Bucket: bucket,
        EncodingType: 'url',
        KeyMarker: after?.key,
        UploadIdMarker: after?.uploadId,
      });
      return uploadsPageOf(await send('ListMultipartUploads', command, signal), bucket, after);
    },
  };
}

/** Calls that read about one version. */
function reads(
  send: Send,
): Pick<ObjectStore, 'head' | 'probe' | 'readAll' | 'grants' | 'tags' | 'annotated' | 'legalHold' | 'retention'> {
  return {
    async head(ref, options, signal) {
      const ChecksumMode = options?.checksums ? 'ENABLED' : undefined;
      return headOf(await send('HeadObject', new HeadObjectCommand({ ...named(ref), ChecksumMode }), signal));
    },
    async probe(ref, size, signal) {
      const Range = size > 0 ? 'bytes=0-0' : undefined;
      const { Body } = await send('GetObject', new GetObjectCommand({ ...named(ref), Range }), signal);
      await Body?.transformToByteArray();
    },
    async readAll(ref, signal) {
      const { Body } = await send('GetObject', new GetObjectCommand(named(ref)), signal);
      let bytes = 0;
      for await (const chunk of Body as AsyncIterable<Uint8Array>) bytes += chunk.length;
      return bytes;
    },
    async grants(ref, signal) {
      const { Owner, Grants } = await send('GetObjectAcl', new GetObjectAclCommand(named(ref)), signal);
      return aclGrantsOf(
        Owner?.ID,
        (Grants ?? []).map(({ Grantee, Permission }) => ({
          id: Grantee?.ID,
          uri: Grantee?.URI,
          permission: Permission ?? '',
        })),
      );
    },
    async annotated(ref, signal) {
      const command = new ListObjectAnnotationsCommand({ ...named(ref), MaxAnnotationResults: 1 });
      // An endpoint that takes the request for a read of the object shall not send all of it.
      withHeader(command, 'range', 'bytes=0-1023');
      try {
        const { Annotations = [] } = await send('ListObjectAnnotations', command, signal);
        return Annotations.length > 0;
      } catch (error) {
        if (isUnsupported(error)) return 'unsupported';
        throw error;
      }
    },
    async legalHold(ref, signal) {
      const command = new GetObjectLegalHoldCommand(named(ref));
      const answer = await lockAnswer(() => send('GetObjectLegalHold', command, signal));
      return answer === 'no-lock' ? answer : answer?.LegalHold?.Status === 'ON';
    },
    async retention(ref, signal) {
      const command = new GetObjectRetentionCommand(named(ref));
      const answer = await lockAnswer(() => send('GetObjectRetention', command, signal));
      if (answer === 'no-lock' || answer?.Retention === undefined) return answer === 'no-lock' ? answer : undefined;
      const { Mode, RetainUntilDate, EventHold } = answer.Retention;
      return lockOf(Mode, RetainUntilDate?.getTime(), undefined, EventHold);
    },
    async tags(ref, signal) {
      const { TagSet } = await send('GetObjectTagging', new GetObjectTaggingCommand(named(ref)), signal);
      return Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    },
  };
}

/** Calls that move one version. */
function moves(send: Send): Pick<ObjectStore, 'updateEncryption' | 'copy' | 'discardProbe'> {
  return {
    async updateEncryption(ref, { keyArn, bucketKey }, signal) {
      const ObjectEncryption = { SSEKMS: { KMSKeyArn: keyArn, BucketKeyEnabled: bucketKey } };
      await send(
        'UpdateObjectEncryption',
        new UpdateObjectEncryptionCommand({ ...named(ref), ObjectEncryption }),
        signal,
      );
    },
    async copy(ref, copy, signal) {
      const command = new CopyObjectCommand({
        Bucket: ref.bucket,
        Key: ref.key,
        CopySource: copySource(ref),
        CopySourceIfMatch: copy.etag,
        IfMatch: copy.etag,
        StorageClass: copy.storageClass as never,
        WebsiteRedirectLocation: copy.websiteRedirect,
        ChecksumAlgorithm: copy.checksum,
        ...targetFields(copy.encryption),
        ...grantFields(copy.grants),
      });
      const { CopyObjectResult, VersionId } = await send('CopyObject', command, signal);
      return { etag: CopyObjectResult?.ETag ?? '', versionId: VersionId };
    },
    async discardProbe(ref, signal) {
      await send('DeleteObject', new DeleteObjectCommand(named(ref)), signal);
    },
  };
}

/** Calls of a copy in parts. */
function multipart(
  send: Send,
): Pick<ObjectStore, 'beginMultipart' | 'copyPart' | 'completeMultipart' | 'abortMultipart'> {
  return {
    async beginMultipart(ref, upload, signal) {
      const command = new CreateMultipartUploadCommand({ Bucket: ref.bucket, Key: ref.key, ...uploadFields(upload) });
      const { expires } = upload.content;
      if (expires !== undefined) withHeader(command, 'expires', expires);
      return (await send('CreateMultipartUpload', command, signal)).UploadId ?? '';
    },
    async copyPart(ref, part, signal) {
      const command = new UploadPartCopyCommand({
        Bucket: ref.bucket,
        Key: ref.key,
        UploadId: part.uploadId,
        PartNumber: part.partNumber,
        CopySource: copySource(ref),
        CopySourceRange: `bytes=${part.first}-${part.last}`,
        CopySourceIfMatch: part.etag,
      });
      const { CopyPartResult } = await send('UploadPartCopy', command, signal);
      return { partNumber: part.partNumber, etag: CopyPartResult?.ETag ?? '', checksums: checksumsOf(CopyPartResult) };
    },
    async completeMultipart(ref, end, signal) {
      const command = new CompleteMultipartUploadCommand({
        Bucket: ref.bucket,
        Key: ref.key,
        UploadId: end.uploadId,
        IfMatch: end.etag,
        ChecksumType: end.checksumType,
        MultipartUpload: { Parts: end.parts.map(partFields) },
      });
      const { ETag, VersionId } = await send('CompleteMultipartUpload', command, signal);
      return { etag: ETag ?? '', versionId: VersionId };
    },
    async abortMultipart(bucket, key, uploadId, signal) {
      const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
      await send('AbortMultipartUpload', command, signal);
    },
  };
}

function named({ bucket, key, versionId }: VersionRef) {
  return { Bucket: bucket, Key: key, VersionId: versionId };
}

function uploadFields({ storageClass, tags, content, encryption, grants }: MultipartInPlace) {
  return {
    StorageClass: storageClass as never,
    Tagging: new URLSearchParams(tags).toString() || undefined,
    ChecksumAlgorithm: content.checksum?.algorithm,
    ChecksumType: content.checksum?.type,
    ...wholeContent(content),
    ...targetFields(encryption),
    ...grantFields(grants),
  };
}

function partFields({ partNumber, etag, checksums }: CopiedPart) {
  const named = Object.entries(checksums).map(([algorithm, value]) => [`Checksum${algorithm}`, value]);
  return { PartNumber: partNumber, ETag: etag, ...Object.fromEntries(named) };
}

/** Sends a header as it is: the SDK's own field would give it another form, or has none. */
function withHeader(command: { readonly middlewareStack: unknown }, name: string, value: string): void {
  type Build = (args: { readonly request: unknown }) => unknown;
  const stack = command.middlewareStack as {
    add(middleware: (next: Build) => Build, options: { readonly step: 'build'; readonly name: string }): void;
  };
  stack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers[name] = value;
      return next(args);
    },
    { step: 'build', name: `keyturnHeader-${name}` },
  );
}

/** The answer about a lock; undefined: the version has none of that kind. S3 answers 400 for a bucket without object lock. */
async function lockAnswer<T>(ask: () => Promise<T>): Promise<T | undefined | 'no-lock'> {
  try {
    return await ask();
  } catch (error) {
    const fault = asFault(error);
    if (fault?.code === 'NoSuchObjectLockConfiguration') return undefined;
    if (fault?.code === 'ObjectLockConfigurationNotFoundError') return 'no-lock';
    if (fault?.code === 'InvalidRequest' && /Object Lock Configuration/i.test(fault.message)) return 'no-lock';
    if (fault && faultKind(fault) === 'unsupported') return 'no-lock';
    throw error;
  }
}

/** An endpoint without annotations refuses the operation, or answers with a part of the object. */
function isUnsupported(error: unknown): boolean {
  const fault = asFault(error);
  if (!fault) return false;
  const { $metadata } = (fault.cause ?? {}) as { $metadata?: { httpStatusCode?: number } };
  return faultKind(fault) === 'unsupported' || fault.code === 'InvalidRange' || $metadata?.httpStatusCode === 206;
}
