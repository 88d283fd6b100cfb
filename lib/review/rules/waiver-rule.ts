import type { ReviewRule } from '../review-rule';

/** This rule is about the rotation file, not a plan: its findings are computed where waivers are applied. */
export const waiverRule: ReviewRule = {
  id: 'KT090',
  title: 'a waiver is not valid',
  severity: 'warning',
  why: 'A waiver after its end date, for more than a year, for a rule that cannot be waived, or of the same change as what it waives has no effect but looks as if it had.',
  next: 'Remove it from the rotation file, or set a new end date and reason in a reviewed change.',
  waivable: false,
  look: () => [],
};
