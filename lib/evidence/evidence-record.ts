/** The format of an evidence record, for the writer and the check. A change needs a new version. */

/** Version of the record format. A reader refuses any other. */
export const EVIDENCE_SCHEMA_VERSION = 1;

/** `previous` of the first record of a file. */
export const NO_PREVIOUS = '0'.repeat(64);

/** Type of the first record of every file. */
export const RUN_OPENED = 'run-opened';

/** Type of the last record of a closed run; without it, the file was truncated or the run was killed. */
export const RUN_CLOSED = 'run-closed';

/** Ending of the name of an evidence file. */
export const EVIDENCE_SUFFIX = '.ndjson';

/** Ending of the name of a file with the signature of a run, beside its evidence file. */
export const SIGNATURE_SUFFIX = '.dsse.json';

/** Types of a signature: a DSSE envelope around an in-toto statement about the head of a run. */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'urn:keyturn:evidence-head:v1';

/** What is hashed: the record without its own hash. */
export interface EvidenceBody {
  readonly schemaVersion: typeof EVIDENCE_SCHEMA_VERSION;
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. By the clock of the machine, which may have been changed during the run. */
  readonly at: string;
  /** What kind of record: `run-opened`, `intent`, `outcome`, `gate`, …, `run-closed`. */
  readonly type: string;
  /** Id of the step it belongs to. */
  readonly step: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Hash of the record before; {@link NO_PREVIOUS} for the first. */
  readonly previous: string;
}

/** A record in the file. */
export interface EvidenceRecord extends EvidenceBody {
  /** SHA-256, lower-case hex, of the canonical JSON of the record without this member. */
  readonly hash: string;
}
