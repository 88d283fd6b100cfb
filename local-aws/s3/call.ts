import type { AwsBehavior } from '../behavior';
import type { AwsRequest, AwsResponse } from '../message';
import type { Permissions } from '../permissions';
import type { Bucket } from './state/bucket';
import type { CiphertextBuffer } from './state/ciphertext-buffer';
import type { KeyRing } from './state/encryption';

/** Sizes in bytes; the defaults are S3's own. Tests lower them to meet them with small bodies. */
export interface Limits {
  /** Largest body of one PutObject, UploadPart or CopyObject: 5 GiB. */
  readonly singleWrite: number;
  /** Smallest part but the last: 5 MiB. */
  readonly smallestPart: number;
}

/** What every operation works on. */
export interface Endpoint {
  /** Every Region that is served. */
  readonly regions: readonly string[];
  readonly limits: Limits;
  readonly buckets: Map<string, Bucket>;
  readonly keyRing: KeyRing;
  readonly ciphertextBuffer: CiphertextBuffer;
  readonly behavior: AwsBehavior;
  readonly permissions: Pick<Permissions, 'permits' | 'shows'>;
}

/** One request, its target resolved. */
export interface Call {
  readonly endpoint: Endpoint;
  readonly request: AwsRequest;
  /** The request's headers, with the `x-amz-…` ones that a presigned URL carries in its query. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: ReadonlyMap<string, string>;
  readonly bucketName: string;
  readonly key: string;
  /** Milliseconds since the epoch, one value for the whole request. */
  readonly now: number;
}

export type Handler = (call: Call) => AwsResponse;
