import type { GeneratedManifest } from '../batch/generated-manifest';
import type { MetadataFile } from '../batch/metadata-rows';
import { KeyturnError, throwIfInterrupted } from '../errors';
import { RunStopped } from '../s3/fault-policy';
import type { OpenUploadFound, StragglerVersion } from '../s3/open-uploads';
import type { RetryOptions } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { VersionScanner } from './version-scanner';

export interface VerifyRequest {
  readonly bucket: string;
  readonly activeKeyArn: string;
  readonly signal?: AbortSignal | undefined;
  /** Requests under way at once at the most, 1 to 1,024. Default 384. */
  readonly concurrency?: number | undefined;
  /** Requests a second at the most. Default: no limit of ours. */
  readonly maxRps?: number | undefined;
  /** Versions under the active key that are also read: a number, taken at random, or all. Default 20. */
  readonly read?: number | 'all' | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** A version of which it cannot be told under which key it is, or that its key does not open. */
export interface UnknownVersion {
  readonly key: string;
  readonly versionId: string;
  readonly reason: string;
}

/** Under which key every object version of a bucket was, by a fresh listing and a HEAD of each. */
export interface BucketVerification {
  readonly bucket: string;
  /** ISO 8601, by the endpoint's clock, of the moment the listing began. */
  readonly at: string;
  readonly objectVersions: number;
  readonly deleteMarkers: number;
  /** Versions by key ARN; `SSE-S3`, `SSE-C`, `unencrypted` and `DSSE:<arn>` for those not under SSE-KMS. */
  readonly byKey: Readonly<Record<string, number>>;
  /** Under a KMS key that is not the active one: the first 1,000 of `leftTotal`. */
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
  /** Keys of which it tells that no version is under them, or which are: every key, where every version was looked at. */
  readonly covers: 'every-key' | readonly string[];
  readonly sources: VerificationSources;
}

/** What a verification stands on. */
export interface VerificationSources {
  /** Versions that were looked at, by why: `every version`, or what a generated manifest left open. */
  readonly heads: Readonly<Record<string, number>>;
  /** Listed and not looked at: what is said of them stands on the generated manifests. */
  readonly notLookedAt: number;
  /** Manifests that S3 generated of the bucket. */
  readonly generated: readonly GeneratedManifest[];
  /** What somebody put down of an S3 Metadata table: what it names is looked at, what it does not name proves nothing. */
  readonly metadata: MetadataFile | undefined;
  /** Why every version was looked at though manifests were asked for; absent: they were not, or were believed. */
  readonly because: string | undefined;
  /** Versions of which a source said something else than its HEAD, which counts: the first 1,000 of `disagreementsTotal`. */
  readonly disagreements: readonly Disagreement[];
  readonly disagreementsTotal: number;
}

export interface Disagreement {
  readonly key: string;
  readonly versionId: string;
  readonly source: string;
  /** Key ARN that the source names, or that none is named. */
  readonly said: string;
  /** How the version is encrypted by its HEAD. */
  readonly found: string;
}

/**
 * Looks at every object version of a bucket, by a listing of its own. It takes nothing from a re-encryption: what that
 * one believes, wrote down or skipped does not matter here. A version that was deleted meanwhile is not unknown; one
 * that could not be looked at is.
 *
 * @throws interrupted, aws-access-denied, aws-failed, verification-stopped: it is whole or it is nothing
 */
export async function verifyBucket(store: ObjectStore, request: VerifyRequest): Promise<BucketVerification> {
  try {
    const looking = new VersionScanner(store, request);
    const begun = await looking.begin();
    const listed = await looking.scanListing(() => 'every version');
    return looking.report(begun, listed, 'every-key', EVERY_VERSION);
  } catch (error) {
    throw verificationFault(error, request);
  }
}

const EVERY_VERSION = {
  generated: [],
  metadata: undefined,
  because: undefined,
  disagreements: [],
  disagreementsTotal: 0,
} as const;

/** What a verification rejects with, whatever ended it. */
export function verificationFault(error: unknown, { bucket, signal }: VerifyRequest): unknown {
  if (error instanceof KeyturnError) return error;
  throwIfInterrupted(signal, 'verification');
  if (!(error instanceof RunStopped)) return error;
  return new KeyturnError('verification-stopped', { bucket, detail: error.stopped.detail }, error);
}
