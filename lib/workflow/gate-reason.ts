/** Why the gate stays closed; the text is for people, the code for machines. */
export interface GateReason {
  readonly code:
    | 'not-verified'
    | 'key-not-covered'
    | 'active-key-itself'
    | 'active-key-not-enabled'
    | 'alias-not-switched'
    | 'bucket-default-not-switched'
    | 'not-accounted'
    | 'objects-left'
    | 'objects-unknown'
    | 'uploads-open'
    | 're-encryption-incomplete';
  readonly text: string;
}
