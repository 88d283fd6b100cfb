import type { ReviewWaiver } from '../rotation/settings';
import type { Words } from './review-messages';
import type { Severity } from './review-rule';

/** One finding of a rule. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Name of the plan; undefined for a finding of the rotation file. */
  readonly plan: string | undefined;
  readonly address: string | undefined;
  readonly message: Words;
}

export interface WaivedFinding extends Finding {
  readonly waiver: ReviewWaiver;
}
