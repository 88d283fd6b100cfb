import type { PageMarker, VersionPage, VersionRef } from './object-version';

/**
 * A second way to ask S3 the two questions that a verdict depends on. It shares no code with the direct client: no parser, no
 * decoding, no naming of encryptions. Verification alone uses it; an engine that did would be judged by its own code.
 */
export interface Witness {
  /** s3:ListBucketVersions. @throws StoreFault `InvalidListing` for an answer that is no listing in order of this bucket */
  listVersions(request: WitnessedListing, signal?: AbortSignal): Promise<VersionPage>;
  /** s3:GetObject, s3:GetObjectVersion */
  head(ref: VersionRef, signal?: AbortSignal): Promise<WitnessedHead>;
}

/** One page of a listing. */
export interface WitnessedListing {
  readonly bucket: string;
  readonly after?: PageMarker | undefined;
  readonly prefix?: string | undefined;
  /** Entries at most, default and maximum 1,000. */
  readonly limit?: number | undefined;
}

/** What HEAD answers about the encryption of a version, as it came. */
export interface WitnessedHead {
  readonly versionId: string | undefined;
  readonly algorithm: string | undefined;
  readonly keyId: string | undefined;
}
