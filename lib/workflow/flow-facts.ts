import type { CustodyRecord } from '../key-material/custody/custody-record';
import type { Answered, LastUsage } from '../kms/other-users';
import type { MaterialFacts } from '../observation/observed-materials';
import type { StateFacts } from '../observation/state-facts';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { StackPlan } from '../terraform/workspace';
import type { BucketVerification } from '../verify/bucket-verification';
import type { GateReason } from './gate-reason';

/** One Terraform step: the plan it made of its stack. */
export interface TerraformFacts {
  readonly stack: StackPlan['stack'];
  readonly changes: boolean;
  readonly summary: StackPlan['summary'];
  readonly tools: StackPlan['tools'];
  /** The plan in words, with values, one line each. */
  readonly effects: readonly string[];
}

/** The import of material; in place with the materials of the one key. */
export interface ImportFacts extends MaterialFacts {
  /** Custody records of what was imported now. */
  readonly imported: readonly CustodyRecord[];
  /** In a dry run: the versions that would be given material. */
  readonly wouldImport: readonly string[];
  /** Key ARNs of the versions that `rotation.lock.json` binds otherwise than before. */
  readonly bound: Readonly<Record<string, string>>;
}

/** A last use of a key that was read before a run moved anything. */
export interface UsageBefore {
  readonly keyArn: string;
  readonly usage: Answered<LastUsage>;
}

/** The re-encryption of every declared bucket. */
export interface ReencryptFacts {
  readonly passes: readonly BucketReencryption[];
  /** Milliseconds by S3's clock: this run had seen alias and defaults at the active version by then. */
  readonly switchSeenAt: number;
  /** The last use of each superseded key before anything was moved. */
  readonly usagesBefore: readonly UsageBefore[];
  /** Milliseconds by S3's clock of the end of the last pass; undefined where nothing was moved. */
  readonly movedUntil: number | undefined;
}

/** What a fresh listing, HEADs and other sources found in every bucket that could hold objects under a superseded version. */
export interface VerificationRecord {
  readonly activeKeyArn: string;
  readonly buckets: readonly BucketVerification[];
  /** What was found, bucket by bucket, under versions that changed while a long verification went on; empty for a short one. */
  readonly changes: readonly BucketVerification[];
  /** ISO 8601, by S3's clock: when the first listing began; where there are `changes`, when they were inspected. */
  readonly asOf: string;
}

/** The verification, and what was agreed to before it. */
export interface VerifyFacts extends VerificationRecord {
  /** ARNs of keys that a person, or `--yes`, agreed to disable if the verification allows it. */
  readonly approvedToDisable: readonly string[];
}

/** The retirement: the verdict on every version but the active one, what was disabled, or in a dry run what the gate would say. */
export interface RetireFacts {
  readonly verdicts: readonly {
    readonly name: string;
    /** Absent: its key is gone. */
    readonly keyArn: string | undefined;
    readonly state: string;
    readonly empty: boolean;
    readonly reasons: readonly { readonly code: string; readonly text: string }[];
    /** Why its key stays on although nothing is left under it. */
    readonly keep: readonly { readonly code: string; readonly text: string }[];
  }[];
  readonly retired: readonly { readonly version: string; readonly keyArn: string }[];
  /** Versions that were Disabled already, and that no evidence showed to be empty afterwards: now it does. */
  readonly lookedAt: readonly { readonly version: string; readonly keyArn: string }[];
  readonly gates: readonly { readonly version: string; readonly reasons: readonly GateReason[] }[];
}

/** A step that a rotation in place has no work for. */
interface NothingToDo {
  readonly strategy: 'in-place';
}

/** What each step of the flow finds, by its id: the only way in which a step learns of another. */
export interface FlowFacts {
  readonly 'declare-keys': TerraformFacts;
  readonly 'import-material': ImportFacts;
  readonly switch: TerraformFacts;
  readonly 'rotate-material': MaterialFacts;
  readonly 're-encrypt': ReencryptFacts & NothingToDo;
  readonly verify: VerifyFacts & NothingToDo;
  readonly retire: RetireFacts & NothingToDo;
  readonly record: StateFacts;
}

export type StepId = keyof FlowFacts;
