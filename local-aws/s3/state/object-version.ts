import type { Acl } from './acl';
import type { Encryption } from './encryption';
import type { SealedPart } from './sealing';

/** Checksum algorithms S3 stores; the header is `x-amz-checksum-<name in lower case>`. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64, with `-<parts>` for a composite one. */
  readonly value: string;
}

/** `OFF` was said; undefined was never said. */
export type LegalHold = 'ON' | 'OFF';

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE';

export interface Retention {
  readonly mode: RetentionMode;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A restored or restoring copy of an archived object. Milliseconds since the epoch. */
export interface Restore {
  readonly readyAt: number;
  readonly expiresAt: number;
}

/** What a writer sets on an object besides its bytes. Shared between versions that have the same. */
export interface Attributes {
  /** Content headers in lower case, as they are sent back. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata without the `x-amz-meta-` prefix. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** One part as it was uploaded: what `partNumber` and GetObjectAttributes need. */
export interface StoredPart extends SealedPart {
  readonly number: number;
  readonly checksum: string | undefined;
}

/** A named piece of data of a version, with a data key of its own. */
export interface Annotation {
  readonly size: number;
  readonly etag: string;
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly parts: readonly SealedPart[];
  readonly encryption: Encryption;
}

/**
 * A stored version or a delete marker. Fields that a request can change later are mutable; the rest is fixed by the
 * write. A million of these are held at once: what is rare is `undefined`, what repeats is shared.
 */
export class ObjectVersion {
  readonly id: string;
  readonly deleteMarker: boolean;
  /** Seconds since the epoch, S3's resolution. */
  readonly modified: number;
  readonly size: number;
  /** 32 hex digits, `-<parts>` after a multipart upload; no quotes. */
  readonly etag: string;
  readonly attributes: Attributes;
  readonly parts: readonly SealedPart[];
  readonly multipart: boolean;
  readonly checksum: Checksum | undefined;
  readonly storageClass: string;
  readonly redirect: string | undefined;
  encryption: Encryption;
  tags: ReadonlyMap<string, string> | undefined;
  acl: Acl | undefined;
  retention: Retention | undefined;
  legalHold: LegalHold | undefined;
  restore: Restore | undefined;
  annotations: ReadonlyMap<string, Annotation> | undefined;

  constructor(fields: VersionFields) {
    this.id = fields.id;
    this.deleteMarker = fields.deleteMarker;
    this.modified = Math.floor(fields.now / 1000);
    this.size = fields.size;
    this.etag = fields.etag;
    this.attributes = fields.attributes;
    this.parts = fields.parts;
    this.multipart = fields.multipart;
    this.checksum = fields.checksum;
    this.storageClass = fields.storageClass;
    this.redirect = fields.redirect;
    this.encryption = fields.encryption;
    this.tags = fields.tags;
    this.acl = fields.acl;
    this.retention = fields.retention;
    this.legalHold = fields.legalHold;
    this.restore = undefined;
    this.annotations = undefined;
  }
}

export interface VersionFields {
  readonly id: string;
  readonly deleteMarker: boolean;
  readonly now: number;
  readonly size: number;
  readonly etag: string;
  readonly attributes: Attributes;
  readonly parts: readonly SealedPart[];
  readonly multipart: boolean;
  readonly checksum: Checksum | undefined;
  readonly storageClass: string;
  readonly redirect: string | undefined;
  readonly encryption: Encryption;
  readonly tags: ReadonlyMap<string, string> | undefined;
  readonly acl: Acl | undefined;
  readonly retention: Retention | undefined;
  readonly legalHold: LegalHold | undefined;
}
