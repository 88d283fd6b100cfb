/** Objects with one layer of encryption under a key, or with two: S3's filter accepts one of them. */
export type Layers = 'SSE-KMS' | 'DSSE-KMS';

/** Which objects S3 is asked to list. */
export interface KeyListingRequest {
  /** Full ARN of the key whose objects are listed. */
  readonly underKeyArn: string;
  readonly layers: Layers;
  /** Objects whose keys do not start with it are left out. */
  readonly prefix?: string | undefined;
}

/** The record of a list that S3 made of the objects under one key. A verification reports it and interprets `rows` alone. */
export interface KeyListing {
  /** By which S3 made the list. */
  readonly jobId: string;
  readonly underKeyArn: string;
  readonly layers: Layers;
  /** Objects in it. */
  readonly rows: number;
  /** How S3 reported an empty list; absent where there is something in it. */
  readonly empty: string | undefined;
  /** Absent where S3 wrote none, because the list is empty. */
  readonly file: { readonly objectArn: string; readonly etag: string } | undefined;
}

/**
 * Asks S3 what is under a key. A row whose key is ambiguous is passed once for each key it may mean. Resolves only for a
 * list that is whole, and rejects otherwise.
 */
export type ListUnderKey = (request: KeyListingRequest, onKey: (key: string) => void) => Promise<KeyListing>;
