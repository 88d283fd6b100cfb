/** Why the gate stays closed; the text is for people, the code for machines. */
export interface GateReason {
  readonly code:
    | 'not-verified'
    | 'verification-too-old'
    | 'key-not-covered'
    | 'active-key-itself'
    | 'key-named-twice'
    | 'key-not-enabled'
    | 'active-key-not-enabled'
    | 'active-key-expires'
    | 'custody-not-proven'
    | 'alias-not-switched'
    | 'bucket-default-not-switched'
    | 'not-accounted'
    | 'objects-left'
    | 'objects-unknown'
    | 'annotations-unknown'
    | 'uploads-open'
    | 'uploads-unknown'
    | 're-encryption-incomplete'
    | 'granted'
    | 'grants-unknown'
    | 'bucket-dropped'
    | 'default-elsewhere'
    | 'defaults-unknown'
    | 'replicates'
    | 'replication-unknown'
    | 'related-key'
    | 'used'
    | 'used-recently'
    | 'use-unknown'
    | 'rehearsal-failed'
    | 'rehearsal-not-possible'
    | 'look-failed';
  /** What a waiver may name: the id of a grant, a bucket, the key of an upload, the Region of a related key. */
  readonly subject?: string;
  /** The id of an upload, which a waiver may name, too: other uploads have the same key. */
  readonly id?: string;
  readonly text: string;
}
