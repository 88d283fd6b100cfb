import type {
  ChecksumAlgorithm,
  ContentHeaders,
  ObjectHead,
  ObjectLock,
  OpenUpload,
  PageMarker,
  VersionPage,
  VersionRef,
} from './object-version';
import type { Witness } from './witness';

/**
 * The S3 calls that moving and verifying objects needs, and no others: the permissions of a run can be read from
 * this interface. Each call is one request, is never retried inside, and rejects with a `StoreFault`.
 */
export interface ObjectStore {
  /** s3:GetBucketVersioning */
  versioning(bucket: string, signal?: AbortSignal): Promise<Versioning>;
  /** s3:ListBucketVersions. At most `limit` entries, default and maximum 1,000. */
  listVersions(request: ListRequest, signal?: AbortSignal): Promise<VersionPage>;
  /** s3:GetObject, s3:GetObjectVersion; with `checksums`, also kms:Decrypt under the version's key. */
  head(ref: VersionRef, options?: HeadOptions, signal?: AbortSignal): Promise<ObjectHead>;
  /** Reads the first byte of a version, or all of an empty one: proves that its key still opens it, and learns why a HEAD failed. */
  probe(ref: VersionRef, size: number, signal?: AbortSignal): Promise<void>;
  /** Reads a whole version and throws its bytes away. Resolves with the number of bytes. */
  readAll(ref: VersionRef, signal?: AbortSignal): Promise<number>;
  /** s3:UpdateObjectEncryption, kms:Decrypt and kms:ReEncryptFrom on the old key, kms:Encrypt, kms:GenerateDataKey, kms:ReEncryptTo on the new. */
  updateEncryption(
    ref: VersionRef,
    target: { keyArn: string; bucketKey: boolean },
    signal?: AbortSignal,
  ): Promise<void>;
  /** s3:GetObjectAcl, s3:GetObjectVersionAcl */
  grants(ref: VersionRef, signal?: AbortSignal): Promise<Grants>;
  /** s3:GetObjectTagging, s3:GetObjectVersionTagging */
  tags(ref: VersionRef, signal?: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /**
   * Whether a version has annotations; `unsupported` where the endpoint knows none. HEAD does not show them. s3:ListObjectAnnotations
   */
  annotated(ref: VersionRef, signal?: AbortSignal): Promise<boolean | 'unsupported'>;
  /** s3:GetObjectLegalHold. HEAD does not show a hold to who may not read it. `no-lock`: the bucket has no object lock. */
  legalHold(ref: VersionRef, signal?: AbortSignal): Promise<boolean | 'no-lock'>;
  /** s3:GetObjectRetention; undefined: the version has none. HEAD does not show it to who may not read it. */
  retention(ref: VersionRef, signal?: AbortSignal): Promise<Retention | undefined | 'no-lock'>;
  /** s3:PutObject, s3:PutObjectTagging, s3:PutObjectAcl. Copies the version onto its own key. */
  copy(ref: VersionRef, copy: CopyInPlace, signal?: AbortSignal): Promise<Written>;
  beginMultipart(ref: VersionRef, upload: MultipartInPlace, signal?: AbortSignal): Promise<string>;
  copyPart(ref: VersionRef, part: PartCopy, signal?: AbortSignal): Promise<CopiedPart>;
  /** Conditional on the destination's ETag, as UploadPartCopy and CreateMultipartUpload cannot be. */
  completeMultipart(ref: VersionRef, end: MultipartEnd, signal?: AbortSignal): Promise<Written>;
  /** s3:AbortMultipartUpload. An upload that is gone already is not an error. */
  abortMultipart(bucket: string, key: string, uploadId: string, signal?: AbortSignal): Promise<void>;
  /** s3:DeleteObject. Only ever for the object that a foreign endpoint made of a probe. */
  discardProbe(ref: VersionRef, signal?: AbortSignal): Promise<void>;
  /** s3:ListBucketMultipartUploads */
  listUploads(request: UploadsRequest, signal?: AbortSignal): Promise<UploadsPage>;
  /** The second way to ask, for verification alone. */
  readonly witness: Witness;
  /** Milliseconds since the epoch by the endpoint's clock, from the last answer; this machine's before the first. */
  now(): number;
  /** Requests sent so far. */
  requests(): number;
}

/** The retention of a version, as a question of its own reports it. */
export type Retention = Pick<ObjectLock, 'mode' | 'until' | 'eventHold'>;

export type Versioning = 'unversioned' | 'enabled' | 'suspended';

export interface ListRequest {
  readonly bucket: string;
  readonly after?: PageMarker | undefined;
  readonly prefix?: string | undefined;
  readonly limit?: number | undefined;
}

export interface HeadOptions {
  /** Asks for the checksum too, which makes S3 open the object's data key. */
  readonly checksums?: boolean;
}

/** Grants as S3's `x-amz-grant-*` headers accept them; `undefined` where the owner alone has access, which is what a copy gives anyway. */
export type Grants = Readonly<Record<GrantHeader, string | undefined>> | undefined;
export type GrantHeader = 'fullControl' | 'read' | 'readAcp' | 'writeAcp';

/** SSE-KMS or DSSE-KMS under the target key. */
export interface TargetEncryption {
  readonly keyArn: string;
  readonly bucketKey: boolean;
  readonly dualLayer: boolean;
}

export interface CopyInPlace {
  /** The ETag that both the source and the current object must still have. */
  readonly etag: string;
  readonly encryption: TargetEncryption;
  readonly storageClass: string;
  readonly websiteRedirect: string | undefined;
  readonly grants: Grants;
  readonly checksum: ChecksumAlgorithm | undefined;
}

export interface MultipartInPlace {
  readonly encryption: TargetEncryption;
  readonly storageClass: string;
  readonly content: ContentHeaders;
  readonly grants: Grants;
  readonly tags: Readonly<Record<string, string>>;
}

export interface PartCopy {
  readonly uploadId: string;
  /** From 1 to 10,000. */
  readonly partNumber: number;
  /** First and last byte, both included. */
  readonly first: number;
  readonly last: number;
  readonly etag: string;
}

export interface CopiedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface MultipartEnd {
  readonly uploadId: string;
  readonly parts: readonly CopiedPart[];
  readonly etag: string;
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE' | undefined;
}

export interface Written {
  readonly etag: string;
  readonly versionId: string | undefined;
}

export interface UploadsRequest {
  readonly bucket: string;
  readonly after?: { readonly key: string; readonly uploadId: string } | undefined;
}

export interface UploadsPage {
  readonly uploads: readonly OpenUpload[];
  readonly next: { readonly key: string; readonly uploadId: string } | undefined;
}
