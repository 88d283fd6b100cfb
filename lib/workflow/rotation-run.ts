import type { AwsClients } from '../aws/clients';
import type { Identity } from '../aws/identity';
import type { Custodian } from '../key-material/custody/custodian';
import type { MaterialSource } from '../key-material/prepare-import';
import type { BucketReencryption } from '../reencrypt/reencrypt-bucket';
import type { ReencryptEngine, Rotation } from '../rotation/rotation';
import type { ObjectStore } from '../s3/store';
import type { Workspace } from '../terraform/workspace';
import type { Reporter } from './reporter';
import type { VerificationRecord } from './verification-record';

/** What a run writes down as it goes; a dry run writes nothing. */
export interface RunRecord {
  /** Absolute path of the evidence file; absent where nothing is written. */
  readonly file: string | undefined;
  record(type: string, step: string, data: Readonly<Record<string, unknown>>): Promise<unknown>;
}

export interface ReencryptOptions {
  /** Requests under way at once; absent: the engine's own default. */
  readonly concurrency: number | undefined;
  /** Requests a second at the most; absent: no limit of ours. */
  readonly maxRps: number | undefined;
  /** Rewraps without the HEAD before. */
  readonly optimistic: boolean;
  /** Milliseconds between a pass that moved something and the next listing. */
  readonly relistDelayMs: number;
  /** Milliseconds; multipart uploads begun longer ago are aborted. Absent: none is. */
  readonly abortUploadsOlderThanMs: number | undefined;
  /** Milliseconds to wait at the most for multipart uploads that were begun before the switch was seen. */
  readonly waitForUploadsMs: number;
  /** Verification reads every object version in full, not a sample. */
  readonly readAll: boolean;
  /** Which engine this run takes, whatever the rotation file says; absent: what it says. */
  readonly engine: ReencryptEngine | undefined;
  /** Jobs may run once their tasks are counted, without asking again. */
  readonly confirm: boolean;
  /** New jobs are begun even where the last ones are whole. */
  readonly newJob: boolean;
}

/** Where a run keeps what it may lose: absent in a dry run, which keeps nothing. */
export interface RunFiles {
  /** Journals of each bucket, from which an interrupted pass goes on. */
  readonly journals: string;
  /** The outcome of every object version of this run, as compressed NDJSON. */
  readonly outcomes: string;
}

/** Everything a step may use. Built once by a script, handed down the flow, never global. */
export interface RotationRun {
  readonly rotation: Rotation;
  readonly clients: AwsClients;
  readonly identity: Identity;
  readonly store: ObjectStore;
  readonly workspace: Workspace;
  /** Opened at the first call: a run that imports nothing needs no custody. @throws custody-recipients-missing */
  custodian(): Promise<Custodian>;
  readonly material: { readonly source: MaterialSource; readonly identityFile: string | undefined };
  readonly reencrypt: ReencryptOptions;
  readonly files: RunFiles | undefined;
  readonly evidence: RunRecord;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** True: look, plan and count, change nothing. */
  readonly dryRun: boolean;
  /** Asks a person before something is changed; throws `declined` on a no. */
  approve(question: string): Promise<void>;
  /** Asks a person at a terminal. False on a no, and where nobody can be asked: `--yes` answers it for nobody. */
  ask(question: string): Promise<boolean>;
  /** What earlier steps of this run found; the gate reads it. Nothing here outlives the run. */
  readonly findings: {
    reencryptions: readonly BucketReencryption[];
    verification: VerificationRecord | undefined;
    /** Milliseconds by S3's clock; set once this run saw alias and defaults at the active version. */
    switchSeenAt: number | undefined;
  };
}
