import type { Rotation } from '../rotation/rotation';
import type { KnownKeys } from './known-keys';
import type { PlanDocument } from './plan-document';
import type { Values } from './plan-values';
import type { Words } from './review-messages';

/** `error`: the plan is refused. `warning`: a person decides. `note`: worth knowing, counts for nothing. */
export type Severity = 'error' | 'warning' | 'note';

/** Which of a rotation's two stacks a plan is of; `both` and `none` for one that no stack of ours gives. */
export type PlannedStack = 'keys' | 'storage' | 'both' | 'none';

/** A superseded version that the evidence shows as verified empty and let through the retire gate. */
export interface GreenRetirement {
  readonly version: string;
  readonly keyArn: string;
  /** Evidence file that says so. */
  readonly file: string;
}

/** All that the rules may look at; nothing in it is read from AWS or disk by them. */
export interface RuleContext {
  readonly rotation: Rotation;
  readonly plan: PlanDocument;
  readonly stack: PlannedStack;
  /** Keys behind the declared versions, from all plans of the review and, when asked for, from AWS. */
  readonly keys: KnownKeys;
  /** Undefined: no evidence was given. */
  readonly green: readonly GreenRetirement[] | undefined;
  /** The version that this change is announced to go back to; undefined: no rollback was announced. */
  readonly rollbackTo: string | undefined;
  /** The synthesized stack (`cdk.tf.json`) that the plan was made of, where it is at hand. */
  readonly stackFile: Values | undefined;
}

/** One place where a rule speaks. */
export interface Sighting {
  /** Terraform address; absent where the finding belongs to the plan as a whole. */
  readonly address?: string;
  readonly says: Words;
}

export interface ReviewRule {
  /** `KT001`: stable for ever, a contract with waivers and other tools. */
  readonly id: string;
  /** A few words, lower case. */
  readonly title: string;
  readonly severity: Severity;
  /** Why it matters, one sentence. */
  readonly why: string;
  /** What to do, one sentence. */
  readonly next: string;
  /** False: no waiver counts for it. */
  readonly waivable: boolean;
  look(context: RuleContext): readonly Sighting[];
}
