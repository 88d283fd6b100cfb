/** What a check of evidence finds. */

/** What can be wrong with a line of evidence. */
export type EvidenceFaultCode =
  | 'not-text'
  | 'not-json'
  | 'not-a-record'
  | 'unknown-version'
  | 'not-canonical'
  | 'wrong-hash'
  | 'broken-chain'
  | 'wrong-seq'
  | 'not-opened'
  | 'after-close'
  | 'not-closed'
  | 'cut-line'
  | 'line-too-long'
  | 'empty'
  | 'missing-run'
  | 'changed-run'
  | 'forked-run'
  | 'missing-head'
  | 'unlisted-run'
  | 'missing-outcomes'
  | 'changed-outcomes'
  | 'unlisted-outcomes'
  | 'not-signed'
  | 'not-a-signature'
  | 'signature-of-another-head'
  | 'wrong-signature'
  | 'signed-by-another-key'
  | 'signature-without-run';

export interface EvidenceFault {
  readonly file: string;
  /** From 1; 0 for a fault of the file as a whole. */
  readonly line: number;
  readonly code: EvidenceFaultCode;
  readonly problem: string;
}

export interface CheckedFile {
  readonly file: string;
  readonly records: number;
  /**
   * Hash in the last record. A chain that was rewritten as a whole agrees with itself: only a head that was kept
   * elsewhere finds that.
   */
  readonly head: string | undefined;
  /** Outcome of the run, absent when the file is not closed. */
  readonly outcome: string | undefined;
  /** The run of the same rotation that it names as the one before; absent for the first, and for what names none. */
  readonly follows: { readonly file: string; readonly head: string } | undefined;
  /** True for a run that ran at the same time as another run of its rotation: it follows none, and none follows it. */
  readonly concurrentRun: boolean;
  /** The signer that its first record declares, as the rotation file named it; absent: none. */
  readonly signer?: string | undefined;
  /** `checked`: made by one of the given keys over this head. `not-checked`: there is one, and no key was given. */
  readonly signature?: 'checked' | 'not-checked' | 'none';
}

export interface EvidenceCheck {
  readonly files: readonly CheckedFile[];
  readonly records: number;
  readonly faults: readonly EvidenceFault[];
  /**
   * Runs that name no run before them, without those that ran at the same time as another. Runs of one place have 1;
   * runs gathered from several places have more.
   */
  readonly beginnings: number;
}
