import type { AwsResponse } from '../../message';
import type { XmlElement } from '../wire/xml-reader';
import type { Acl } from './acl';
import { KeyIndex } from './key-index';
import type { RetentionMode } from './object-version';
import type { Upload } from './upload';

/** The Region that answers for S3 as a whole. */
export const GLOBAL_REGION = 'us-east-1';

export type Versioning = 'Off' | 'Enabled' | 'Suspended';

/** A bucket's default encryption, one rule as S3 allows. */
export interface EncryptionRule {
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse';
  /** As it was put: S3 does not check it before a write. */
  readonly keyId: string | undefined;
  readonly bucketKey: boolean;
  readonly blocked: readonly string[];
}

export interface PublicAccessBlock {
  readonly BlockPublicAcls: boolean;
  readonly IgnorePublicAcls: boolean;
  readonly BlockPublicPolicy: boolean;
  readonly RestrictPublicBuckets: boolean;
}

export type Ownership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter';

/** The default retention of new objects: days or years, never both. */
export interface LockRule {
  readonly mode: RetentionMode;
  readonly days: number | undefined;
  readonly years: number | undefined;
}

/** What a new bucket has since 2026-04: SSE-S3, and SSE-C writes blocked. */
export const NEW_BUCKET_ENCRYPTION: EncryptionRule = {
  algorithm: 'AES256',
  keyId: undefined,
  bucketKey: false,
  blocked: ['SSE-C'],
};

/** A multipart upload that is an object by now. */
export interface CompletedUpload {
  readonly key: string;
  readonly answer: AwsResponse;
}

export class Bucket {
  readonly name: string;
  readonly region: string;
  /** The account that made it. Every object in it is its own, whoever wrote it. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly keys = new KeyIndex();
  readonly uploads = new Map<string, Upload>();
  /** What CompleteMultipartUpload answered, by the ID of the upload: the request may be repeated. */
  readonly completed = new Map<string, CompletedUpload>();
  versioning: Versioning = 'Off';
  /** When versioning was put for the first time; milliseconds since the epoch. */
  versionsSince = Number.NEGATIVE_INFINITY;
  encryption: EncryptionRule = NEW_BUCKET_ENCRYPTION;
  /** True once PutBucketEncryption has set the default. */
  encryptionWasPut = false;
  policy: string | undefined;
  /** Replication, lifecycle and inventory as they were put, by kind and id. */
  readonly configurations = new Map<string, XmlElement>();
  publicAccessBlock: PublicAccessBlock | undefined = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  ownership: Ownership | undefined = 'BucketOwnerEnforced';
  tags: ReadonlyMap<string, string> | undefined;
  acl: Acl;
  objectLock: { readonly rule: LockRule | undefined } | undefined;

  constructor(name: string, { region, owner }: { region: string; owner: string }, created: number, acl: Acl) {
    this.name = name;
    this.region = region;
    this.owner = owner;
    this.created = created;
    this.acl = acl;
  }
}
