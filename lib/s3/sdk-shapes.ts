import type {
  CopyPartResult,
  HeadObjectCommandOutput,
  ListMultipartUploadsCommandOutput,
  ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';

import { encryptionOf, lockOf, restoreOf } from './head-values';
import { keyReader, type ListingQuestion, requireListing, requireProgress } from './listing-answer';
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  type ContentHeaders,
  type ObjectHead,
  type PageMarker,
  type VersionPage,
} from './object-version';
import type { Grants, TargetEncryption, UploadsPage } from './store';

/** Between the SDK's shapes and ours, one function a shape. */

/** @throws StoreFault `InvalidListing` */
export function versionPageOf(
  output: ListObjectVersionsCommandOutput,
  bucket: string,
  after?: PageMarker,
): VersionPage {
  const question: ListingQuestion = { operation: 'ListObjectVersions', bucket };
  const answer = {
    name: output.Name,
    isTruncated: output.IsTruncated,
    encodingType: output.EncodingType,
    nextKeyMarker: output.NextKeyMarker,
  };
  requireListing(question, answer);
  const keyOf = keyReader(question, answer);
  const next = answer.isTruncated
    ? { key: keyOf(output.NextKeyMarker), versionId: output.NextVersionIdMarker }
    : undefined;
  const page = {
    versions: (output.Versions ?? []).map((version) => ({
      key: keyOf(version.Key),
      versionId: version.VersionId ?? 'null',
      isLatest: version.IsLatest ?? false,
      size: version.Size ?? 0,
      etag: version.ETag ?? '',
      lastModified: version.LastModified?.getTime() ?? 0,
      storageClass: version.StorageClass ?? 'STANDARD',
    })),
    deleteMarkers: (output.DeleteMarkers ?? []).map((marker) => ({
      key: keyOf(marker.Key),
      versionId: marker.VersionId ?? 'null',
      lastModified: marker.LastModified?.getTime() ?? 0,
    })),
    next,
  };
  requireProgress(question, {
    after: after && { key: after.key, id: after.versionId },
    firstKeys: [page.versions[0]?.key, page.deleteMarkers[0]?.key],
    next: page.next && { key: page.next.key, id: page.next.versionId },
  });
  return page;
}

/** @throws StoreFault `InvalidListing` */
export function uploadsPageOf(
  output: ListMultipartUploadsCommandOutput,
  bucket: string,
  after?: UploadsPage['next'],
): UploadsPage {
  const question: ListingQuestion = { operation: 'ListMultipartUploads', bucket };
  const answer = {
    name: output.Bucket,
    isTruncated: output.IsTruncated,
    encodingType: output.EncodingType,
    nextKeyMarker: output.NextKeyMarker,
  };
  requireListing(question, answer);
  const keyOf = keyReader(question, answer);
  const page = {
    uploads: (output.Uploads ?? []).map((upload) => ({
      key: keyOf(upload.Key),
      uploadId: upload.UploadId ?? '',
      initiated: upload.Initiated?.getTime() ?? 0,
      storageClass: upload.StorageClass ?? 'STANDARD',
    })),
    next: output.IsTruncated
      ? { key: keyOf(output.NextKeyMarker), uploadId: output.NextUploadIdMarker ?? '' }
      : undefined,
  };
  requireProgress(question, {
    after: after && { key: after.key, id: after.uploadId },
    firstKeys: [page.uploads[0]?.key],
    next: page.next && { key: page.next.key, id: page.next.uploadId },
  });
  return page;
}

export function headOf(output: HeadObjectCommandOutput): ObjectHead {
  return {
    versionId: output.VersionId,
    size: output.ContentLength ?? 0,
    etag: output.ETag ?? '',
    lastModified: output.LastModified?.getTime() ?? 0,
    storageClass: output.StorageClass ?? 'STANDARD',
    encryption: encryptionOf(
      output.ServerSideEncryption,
      output.SSEKMSKeyId,
      output.BucketKeyEnabled ?? false,
      output.SSECustomerAlgorithm,
    ),
    archiveStatus: output.ArchiveStatus,
    restore: restoreOf(output.Restore),
    lock: lockOf(
      output.ObjectLockMode,
      output.ObjectLockRetainUntilDate?.getTime(),
      output.ObjectLockLegalHoldStatus,
      output.ObjectLockEventHold,
    ),
    replicationStatus: output.ReplicationStatus,
    tagCount: output.TagCount ?? 0,
    content: {
      contentType: output.ContentType,
      cacheControl: output.CacheControl,
      contentDisposition: output.ContentDisposition,
      contentEncoding: output.ContentEncoding,
      contentLanguage: output.ContentLanguage,
      expires: output.ExpiresString,
      websiteRedirect: output.WebsiteRedirectLocation,
      metadata: output.Metadata ?? {},
      hiddenMetadata: output.MissingMeta ?? 0,
      checksum: checksumOf(output),
    },
  };
}

function checksumOf(output: HeadObjectCommandOutput): ContentHeaders['checksum'] {
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => output[`Checksum${one}`] !== undefined);
  return algorithm && { algorithm, type: output.ChecksumType === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT' };
}

export function checksumsOf(part: CopyPartResult | undefined): Partial<Record<ChecksumAlgorithm, string>> {
  const found: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = part?.[`Checksum${algorithm}`];
    if (value !== undefined) found[algorithm] = value;
  }
  return found;
}

export function targetFields({ keyArn, bucketKey, dualLayer }: TargetEncryption) {
  if (dualLayer) return { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: keyArn } as const;
  return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn, BucketKeyEnabled: bucketKey } as const;
}

export function grantFields(grants: Grants) {
  if (grants === undefined) return {};
  return {
    GrantFullControl: grants.fullControl,
    GrantRead: grants.read,
    GrantReadACP: grants.readAcp,
    GrantWriteACP: grants.writeAcp,
  };
}

/** What CopyObject copies and a multipart copy does not, but for `Expires`, which the SDK sends as a date of its own form. */
export function wholeContent(content: ContentHeaders) {
  return {
    ContentType: content.contentType,
    CacheControl: content.cacheControl,
    ContentDisposition: content.contentDisposition,
    ContentEncoding: content.contentEncoding,
    ContentLanguage: content.contentLanguage,
    WebsiteRedirectLocation: content.websiteRedirect,
    Metadata: { ...content.metadata },
  };
}
