import type { AwsClients } from '../aws/clients';
import type { Custodian } from '../key-material/custody/custodian';
import type { MaterialSource } from '../key-material/prepare-import';
import type { Observing } from '../observation/observe';
import type { SegmentWorkers } from '../reencrypt/segment-workers';
import type { ReencryptEngine } from '../rotation/settings';
import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { ObjectStore } from '../s3/store';
import type { Workspace } from '../terraform/workspace';
import type { Reporter } from './reporter';

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
  /** Paces the buckets that are worked on side by side, by the two limits above; absent: each has its own. */
  readonly pace?: AdaptiveLimiter;
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

/** Whose rotation it is, and how AWS is reached. */
export interface RunTarget extends Observing {
  readonly clients: AwsClients;
}

/** How a run tells people and the evidence what it does. */
export interface RunReport {
  readonly evidence: RunRecord;
  readonly reporter: Reporter;
}

/** Who decides whether something is changed. */
export interface RunApproval {
  /** True: read, plan and count, change nothing. */
  readonly dryRun: boolean;
  /** Asks a person before something is changed; throws `declined` on a no. */
  approve(question: string): Promise<void>;
}

/** Who asks custody. */
export interface CustodyRun extends RunTarget, RunReport {
  /** Opened at the first call: a run that needs no custody opens none. @throws custody-recipients-missing */
  custodian(): Promise<Custodian>;
}

/** What a Terraform step uses. */
export interface TerraformRun extends CustodyRun, RunApproval {
  readonly workspace: Workspace;
}

/** What the steps and commands about key material use. */
export interface MaterialRun extends CustodyRun, RunApproval {
  readonly material: { readonly source: MaterialSource; readonly identityFile: string | undefined };
}

/** What verification uses. It only reads, and asks before it creates jobs that cost money. */
export interface VerifyRun extends RunTarget, RunReport {
  readonly store: ObjectStore;
  readonly reencrypt: ReencryptOptions;
  readonly dryRun: boolean;
  /** Asks a person at a terminal. False on a no, and where nobody can be asked: `--yes` does not answer it. */
  ask(question: string): Promise<boolean>;
}

/** What re-encryption uses. */
export interface ReencryptRun extends VerifyRun, RunApproval {
  readonly files: RunFiles | undefined;
  /** Absent: this process moves everything by itself. */
  readonly workers?: SegmentWorkers | undefined;
}

/** What verifying before a version retires, and retiring it, use: the last verification is repeated once it is old. */
export interface RetireRun extends VerifyRun, CustodyRun, RunApproval {}

/** What a rollback and the control of jobs use. */
export interface ChangeRun extends CustodyRun, RunApproval {}

/** Everything a run has. A script builds it once; each step names the part that it uses. */
export interface RotationRun extends TerraformRun, MaterialRun, ReencryptRun {}
