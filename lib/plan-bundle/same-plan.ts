import { differences } from '../review/expectation/difference';
import { duplicateMember } from '../review/expectation/duplicate-member';
import { list, values } from '../review/plan-values';

/**
 * Whether two JSON plans say the same, however they are laid out. Terraform lists `relevant_attributes` in no order: two
 * outputs of one plan file differ in it.
 */
export function isSamePlan(left: string, right: string): boolean {
  if (left.trim() === right.trim()) return true;
  if (duplicateMember(left) !== undefined || duplicateMember(right) !== undefined) return false;
  return differences(ordered(left), ordered(right)).length === 0;
}

function ordered(text: string): unknown {
  const plan = values(JSON.parse(text));
  const relevant = list(plan.relevant_attributes).map((one) => JSON.stringify(one));
  return { ...plan, relevant_attributes: relevant.sort() };
}
