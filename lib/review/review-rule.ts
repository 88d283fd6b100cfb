import type { ExistingResource } from '../rotation/created-resource';
import type { Rotation } from '../rotation/rotation';
import type { NamedText, PlanFileFacts } from './expectation/expectation';
import type { KnownKeys } from './known-keys';
import type { PlanDocument } from './plan-document';
import type { Values } from './plan-values';
import type { Words } from './review-messages';

/** `error`: the plan is refused. `warning`: a person decides. `note`: information without effect on the verdict. */
export type Severity = 'error' | 'warning' | 'note';

/** The stack of a plan; `both` and `none` for a plan that no Keyturn stack produces. */
export type PlannedStack = 'keys' | 'storage' | 'both' | 'none';

/** A superseded version that, by the evidence, was verified empty and passed the retire gate. */
export interface GreenRetirement {
  readonly version: string;
  readonly keyArn: string;
  /** The evidence file. */
  readonly file: string;
  /**
   * Why the file is trusted. `signed`: by a key that the reviewer gave. `here`: git does not track it. `base`: the base has it.
   * `commit`: it is not, because the reviewed commit may have brought it.
   */
  readonly origin: 'signed' | 'here' | 'base' | 'commit';
}

/** The input of the rules; rules read nothing from AWS or disk. */
export interface RuleContext {
  readonly rotation: Rotation;
  readonly plan: PlanDocument;
  readonly stack: PlannedStack;
  /** Keys of the declared versions, from all plans of the review and, if requested, from AWS. */
  readonly keys: KnownKeys;
  /** What the plans create and AWS holds already; undefined: AWS was not asked. */
  readonly existing: readonly ExistingResource[] | undefined;
  /** Undefined: no evidence was given. */
  readonly green: readonly GreenRetirement[] | undefined;
  /** The version of the declared rollback; undefined: no rollback was declared. */
  readonly rollbackTo: string | undefined;
  /** The default encryption that AWS has now, by bucket; undefined: not read. */
  readonly defaults: ReadonlyMap<string, string> | undefined;
  /** The `cdk.tf.json` that was given with the plan; undefined: none was. */
  readonly stackText: NamedText | undefined;
  /** The synthesized stack of the plan, parsed: that of the plan file, or else the one given with it. */
  readonly stackFile: Values | undefined;
  /** What the plan file holds; undefined: there is only JSON. */
  readonly planFile: PlanFileFacts | undefined;
  /** The text of the stack that trusted code synthesizes from the rotation file. */
  readonly expected: string | undefined;
  /** Whether anything was synthesized to compare with. */
  readonly hasExpectation: boolean;
  /** The provider lock that the plan must have been made with; undefined: any lock of the one provider. */
  readonly expectedLock: string | undefined;
  /** Why a plan file that is there could not be compared with its JSON. */
  readonly notCompared: string | undefined;
}

/** One place where a rule applies. */
export interface Sighting {
  /** Terraform address; absent if the finding is about the whole plan. */
  readonly address?: string;
  readonly message: Words;
}

export interface ReviewRule {
  /** `KT001`: never changes, because waivers and other tools refer to it. */
  readonly id: string;
  /** A few words, lower case. */
  readonly title: string;
  readonly severity: Severity;
  /** Why it matters, one sentence. */
  readonly why: string;
  /** What to do, one sentence. */
  readonly next: string;
  /** False: the rule cannot be waived. */
  readonly waivable: boolean;
  look(context: RuleContext): readonly Sighting[];
}
