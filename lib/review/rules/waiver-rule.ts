import type { ReviewRule } from '../review-rule';

/** Speaks of the rotation file and not of a plan: what it finds is worked out where waivers are applied. */
export const waiverRule: ReviewRule = {
  id: 'KT090',
  title: 'a waiver does not count',
  severity: 'warning',
  why: 'A waiver past its end, or for a rule that takes none, protects nothing any more and looks as if it did.',
  next: 'Take it out of the rotation file, or give it a new end and reason in a reviewed change.',
  waivable: false,
  look: () => [],
};
