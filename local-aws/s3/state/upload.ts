import type { Acl } from './acl';
import type { Encryption } from './encryption';
import type {
  Attributes,
  ChecksumAlgorithm,
  ChecksumType,
  LegalHold,
  ObjectVersion,
  Retention,
} from './object-version';
import type { SealedPart } from './sealing';

export interface UploadedPart extends SealedPart {
  readonly etag: string;
  /** Base64 of the upload's algorithm. */
  readonly checksum: string | undefined;
  /** Seconds since the epoch. */
  readonly modified: number;
}

/** An open multipart upload. Its encryption is fixed when it is created, whatever the bucket's default becomes. */
export interface Upload {
  readonly id: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly initiated: number;
  /** ARN of who began it. */
  readonly initiator: string;
  readonly encryption: Encryption;
  readonly attributes: Attributes;
  readonly storageClass: string;
  readonly redirect: string | undefined;
  readonly tags: ReadonlyMap<string, string> | undefined;
  readonly acl: Acl | undefined;
  readonly retention: Retention | undefined;
  readonly legalHold: LegalHold | undefined;
  readonly algorithm: ChecksumAlgorithm;
  /** False when the client named no algorithm: then S3 keeps a full-object CRC64NVME of its own. */
  readonly algorithmNamed: boolean;
  readonly checksumType: ChecksumType;
  readonly parts: Map<number, UploadedPart>;
  nextSerial: number;
  /** The version that was current when the upload began. */
  readonly overwrites: ObjectVersion | undefined;
}
