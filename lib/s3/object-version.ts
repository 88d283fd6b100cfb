/** The nouns of an object version, as S3 lists and describes it. Nothing here talks to S3. */

/** One object version. `versionId` is absent where the bucket has no versions, and `'null'` for the null version of one that has. */
export interface VersionRef {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

/** One entry of ListObjectVersions. */
export interface ListedVersion {
  /** Decoded, exactly as the object is named. */
  readonly key: string;
  /** As listed: `'null'` for every version of a bucket that was never versioned. */
  readonly versionId: string;
  readonly isLatest: boolean;
  /** Bytes. */
  readonly size: number;
  /** With its quotes, as S3 sends it. */
  readonly etag: string;
  /** Milliseconds since the epoch. For a multipart object this is when the upload was started. */
  readonly lastModified: number;
  readonly storageClass: string;
}

/** One delete marker of ListObjectVersions. It holds no data. */
export interface ListedMarker {
  readonly key: string;
  /** As listed: `'null'` where it took the place of a null version. */
  readonly versionId: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

/** One page of ListObjectVersions: at most 1,000 entries. */
export interface VersionPage {
  readonly versions: readonly ListedVersion[];
  readonly deleteMarkers: readonly ListedMarker[];
  /** Where the next page begins; absent on the last page. */
  readonly next: PageMarker | undefined;
}

/** Both markers of ListObjectVersions. Without a version id the listing continues after every version of `key`. */
export interface PageMarker {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** How a version is encrypted at rest, as HEAD reports it. HEAD of an SSE-C version fails, so that kind comes from the failure. */
export type Encryption =
  | { readonly kind: 'sse-kms'; readonly keyArn: string; readonly bucketKey: boolean }
  | { readonly kind: 'dsse-kms'; readonly keyArn: string }
  | { readonly kind: 'sse-s3' }
  | { readonly kind: 'sse-c' }
  | { readonly kind: 'unencrypted' }
  | { readonly kind: 'other'; readonly algorithm: string };

export interface ObjectLock {
  /** `OTHER`: a mode that Keyturn does not know. */
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE' | 'OTHER' | undefined;
  /** Milliseconds since the epoch; present with `mode`. */
  readonly until: number | undefined;
  readonly legalHold: boolean;
  /** While it is on, S3 computes `until` anew for each answer: it is no date on which the version becomes free. */
  readonly eventHold: boolean;
}

/** What HEAD reports about one version, in the form that deciding and comparing need. */
export interface ObjectHead {
  readonly versionId: string | undefined;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since the epoch, in whole seconds. */
  readonly lastModified: number;
  /** `STANDARD` where S3 sends none. */
  readonly storageClass: string;
  readonly encryption: Encryption;
  /** `ARCHIVE_ACCESS` or `DEEP_ARCHIVE_ACCESS` of an Intelligent-Tiering object that sank that deep. */
  readonly archiveStatus: string | undefined;
  /** The restore of an archived object: going on, or done and readable until a date. */
  readonly restore: 'ongoing' | 'restored' | undefined;
  readonly lock: ObjectLock | undefined;
  readonly replicationStatus: string | undefined;
  readonly tagCount: number;
  /** Everything a copy must carry by hand; read only by rewrite. */
  readonly content: ContentHeaders;
}

/** What travels with the content of an object. */
export interface ContentHeaders {
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
  readonly contentDisposition: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLanguage: string | undefined;
  /** As S3 sent it: it need not be a valid date. */
  readonly expires: string | undefined;
  readonly websiteRedirect: string | undefined;
  /** User metadata without the `x-amz-meta-` prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Entries of user metadata that HEAD cannot show. */
  readonly hiddenMetadata: number;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: 'FULL_OBJECT' | 'COMPOSITE' } | undefined;
}

export const CHECKSUM_ALGORITHMS = [
  'CRC64NVME',
  'CRC32',
  'CRC32C',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** An open multipart upload. Its encryption was fixed when it was started, and S3 reports it nowhere. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  /** Milliseconds since the epoch. */
  readonly initiated: number;
  readonly storageClass: string;
}

/**
 * True when S3's `reported` key is `keyArn`. S3 reports the full ARN in practice, but its documentation only promises
 * "the ID of the KMS key". A bare ID is compared with the ARN's last part, as the key is always of the bucket's Region.
 */
export function isKey(reported: string, keyArn: string): boolean {
  return reported === keyArn || (!reported.startsWith('arn:') && keyArn.endsWith(`:key/${reported}`));
}

/**
 * True when both have the id of one key, whatever Region, account or letters they name: a multi-Region key elsewhere, or no ARN as KMS
 * writes it. Where {@link isKey} says no, it is not known to be another key.
 */
export function hasIdOf(reported: string, keyArn: string): boolean {
  return idOf(reported) === idOf(keyArn);
}

const idOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1).toLowerCase();

/** The key that must stay usable for this version to be readable; absent where no KMS key holds it. */
export function holdingKey(encryption: Encryption): string | undefined {
  return encryption.kind === 'sse-kms' || encryption.kind === 'dsse-kms' ? encryption.keyArn : undefined;
}

/** How reports name an encryption: the key ARN alone for SSE-KMS, so that counts by key read as such. */
export function encryptionLabel(encryption: Encryption): string {
  switch (encryption.kind) {
    case 'sse-kms':
      return encryption.keyArn;
    case 'dsse-kms':
      return `DSSE:${encryption.keyArn}`;
    case 'sse-s3':
      return 'SSE-S3';
    case 'sse-c':
      return 'SSE-C';
    case 'unencrypted':
      return 'unencrypted';
    case 'other':
      return encryption.algorithm;
  }
}
