import type { Encryption } from '../s3/object-version';

/** The outcome of one object version. */

/** Why a version cannot be moved now by the method in use. */
export type BlockedReason =
  | 'legal-hold'
  | 'compliance-retention'
  | 'governance-retention'
  | 'object-lock'
  | 'event-hold'
  | 'annotated'
  | 'noncurrent-version'
  | 'dual-layer'
  | 'unencrypted'
  | 'unknown-encryption'
  | 'archived'
  | 'being-restored'
  | 'source-key-unusable';

export interface BlockedVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly reason: BlockedReason;
  /** What must happen for it to become movable. */
  readonly detail: string;
  /** The earliest date it can be moved, ISO 8601; absent where no date is known. */
  readonly earliest: string | undefined;
  /** How it is encrypted now, as reports name it. */
  readonly encryption: string;
}

/** A version that should have moved and did not; a later run tries it again. */
export interface FailedVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly operation: string;
  readonly status: number;
  readonly code: string;
  /** One line for people: operation, code and S3's own message. */
  readonly reason: string;
}

/** What happened to one version. */
export type VersionOutcome = { readonly key: string; readonly versionId: string | undefined; readonly size: number } & (
  | { readonly outcome: 'already-there' }
  /** Under something that the rotation file does not name; never moved. */
  | { readonly outcome: 'out-of-scope'; readonly from: Encryption }
  | {
      readonly outcome: 'moved';
      /** Undefined where it was not inspected before (`optimistic`). */
      readonly from: Encryption | undefined;
      readonly to: Encryption;
      readonly etag: string;
      readonly newVersionId: string | undefined;
    }
  | { readonly outcome: 'would-move'; readonly from: Encryption }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'blocked'; readonly blocked: BlockedVersion }
  | { readonly outcome: 'failed'; readonly failed: FailedVersion }
);
