import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { ListedVersion } from '../s3/object-version';
import type { OpenUploadFound } from '../s3/open-uploads';
import type { RetryOptions } from '../s3/pacing-and-retry';
import type { Versioning } from '../s3/store';
import type { AnnotationFindings } from './annotation-check';
import type { KeyListing } from './key-listing';
import type { ListingComparison } from './listing-comparison';
import type { ListingDigest } from './listing-digest';
import type { ToRehearse } from './rehearsal-sample';
import type { ScopeOf } from './scope-of';
import type { VersionAccount } from './version-account';

/** What a verification of a bucket is to do. */
export interface VerifyRequest {
  readonly bucket: string;
  readonly activeKeyArn: string;
  readonly signal?: AbortSignal | undefined;
  /** Concurrent requests at most, 1 to 1,024. Default 384. */
  readonly concurrency?: number | undefined;
  /** Requests a second at most. Default: no limit. */
  readonly maxRps?: number | undefined;
  /** Paces the verification together with those of other buckets, by limits of its own. Default: one with the two limits above. */
  readonly pace?: AdaptiveLimiter | undefined;
  /** Versions under the active key that are also read: a number, chosen at random, or all. Default 20. */
  readonly read?: number | 'all' | undefined;
  /** Versions whose HEAD is repeated through the AWS SDK, chosen at random. Default 100. */
  readonly secondHeads?: number | undefined;
  /** Decides whether a version is one that this rotation empties a key of. Default: every one under another KMS key is. */
  readonly scopeOf?: ScopeOf | undefined;
  /** What a re-encryption of the same run listed: this verification has to find as many, or to explain each that it does not. */
  readonly listedBefore?: ListedBefore | undefined;
  /** The listing of a verification before: the versions of old dates are compared with it. */
  readonly listedBy?: ListingDigest | undefined;
  /** True: the bucket is listed once more by both clients, and what only one of them holds keeps the gate closed. Default false. */
  readonly byBoth?: boolean | undefined;
  /** Versions under the active key that are chosen for a dress rehearsal of the disable. Default 0. */
  readonly rehearse?: number | undefined;
  /**
   * Milliseconds since the epoch: a version under the active key that S3 dates before it may have been moved there, so S3 is asked for
   * its annotations. Default: every version may.
   */
  readonly movedBefore?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** A listing of the bucket by other code, before. */
export interface ListedBefore {
  readonly versions: number;
  /** The latest LastModified in it, milliseconds since the epoch: what is newer cannot have been in it. */
  readonly newest: number;
}

/** An object version under a KMS key that this rotation empties. */
export interface StragglerVersion {
  readonly key: string;
  readonly versionId: string;
  readonly keyArn: string;
  readonly isLatest: boolean;
  /** ISO 8601. Later than the switch: some writer still names the old key. */
  readonly lastModified: string;
}

/** A version whose key cannot be determined, or that its key does not open. */
export interface UnknownVersion {
  readonly key: string;
  readonly versionId: string;
  readonly reason: string;
}

/** Under which key every object version of a bucket was, by a new listing and a HEAD of each. */
export interface BucketVerification {
  readonly bucket: string;
  /** ISO 8601, by the endpoint's clock, of the moment the listing began. */
  readonly at: string;
  /** ISO 8601: the latest LastModified of a listed version. A version that is not listed is no older, whatever clock `at` is by. */
  readonly newestListed: string;
  readonly objectVersions: number;
  readonly deleteMarkers: number;
  /** Where each listed version is accounted for; `left`, `unknown` and `listed` are the totals below. */
  readonly account: VersionAccount;
  /** This listing beside others: that of the re-encryption in the same run, and one more where versions were found to be gone. */
  readonly comparisons: readonly ListingComparison[];
  /** HEADs that were repeated through the AWS SDK. A version where the two differ is unknown. */
  readonly secondHeads: { readonly versions: number; readonly contradictions: number };
  readonly annotations: AnnotationFindings;
  /** Versions by key ARN; `SSE-S3`, `SSE-C`, `unencrypted` and `DSSE:<arn>` for those not under SSE-KMS. */
  readonly byKey: Readonly<Record<string, number>>;
  /** Under a KMS key that this rotation empties: the first 1,000 of `leftTotal`. */
  readonly left: readonly StragglerVersion[];
  readonly leftTotal: number;
  /** The first 1,000 of `unknownTotal`. */
  readonly unknown: readonly UnknownVersion[];
  readonly unknownTotal: number;
  /** The first 1,000 of `openUploadsTotal`. */
  readonly openUploads: readonly OpenUploadFound[];
  readonly openUploadsTotal: number;
  /** Versions that were read, and their bytes. Those that could not be read count as unknown. */
  readonly read: { readonly versions: number; readonly bytes: number };
  readonly requests: number;
  /** Keys that the verification accounts for: every key where every version was inspected. */
  readonly covers: 'every-key' | readonly string[];
  readonly sources: VerificationSources;
  /** Versions that were inspected while the bucket was re-encrypted. Absent: all were inspected after it. */
  readonly behindTheMove?: LookedBehind | undefined;
  /** What a dress rehearsal is to read. Absent: none was asked for. */
  readonly toRehearse?: ToRehearse | undefined;
}

/** Where a verification took what it found behind a move, and where not. Numbers of object versions. */
export interface LookedBehind {
  /** Inspected behind the move, and listed alike at the end. */
  readonly asThen: number;
  /** Inspected at the end: written since, listed otherwise, or not settled behind the move. */
  readonly atTheEnd: number;
}

/** What a verification is based on. */
export interface VerificationSources {
  /** Versions that were inspected, by reason: `every version`, or what a generated manifest left open. */
  readonly heads: Readonly<Record<string, number>>;
  /** Listed and not inspected: only the generated manifests account for them. */
  readonly notInspected: number;
  /** Manifests that S3 generated of the bucket. */
  readonly generated: readonly KeyListing[];
  /** Why every version was inspected although manifests were requested; absent: they were not, or they were accepted. */
  readonly because: string | undefined;
  /** Versions that a source places under another key than their HEAD, which counts: the first 1,000 of `disagreementsTotal`. */
  readonly disagreements: readonly Disagreement[];
  readonly disagreementsTotal: number;
}

export interface Disagreement {
  readonly key: string;
  readonly versionId: string;
  readonly source: string;
  /** Key ARN that the source reports, or that it reports none. */
  readonly reported: string;
  /** How the version is encrypted by its HEAD. */
  readonly found: string;
}

/** The state of a bucket when its verification began. */
export interface VerificationStart {
  readonly versioning: Versioning;
  /** Milliseconds since the epoch by the endpoint's clock. */
  readonly at: number;
  readonly uploads: { readonly total: number; readonly first: readonly OpenUploadFound[] };
}

/** Why a listed version is inspected; undefined: it is not. */
export type InspectionReason = (version: ListedVersion) => string | undefined;
