import path from 'node:path';
import type { ObservedVersion } from '../observation/observe';
import type { KeyFromAws } from '../review/known-keys';
import { type Review, reviewPlans } from '../review/review';
import type { StackTexts } from '../terraform/expected-stacks';
import { greenRetirements } from './green-evidence';
import { type LoadPlanOptions, loadPlan } from './load-plan';

export interface ReviewFilesInput extends LoadPlanOptions {
  /** Both stacks as trusted code synthesizes them from the rotation file. */
  readonly expected: StackTexts;
  /** Absolute paths of plans. */
  readonly files: readonly string[];
  /** Absolute; names in the review are relative to it. */
  readonly from: string;
  /** What AWS says of the versions; undefined: it is not asked. */
  readonly observed: readonly ObservedVersion[] | undefined;
  /** Directory or file of evidence; undefined: none is given. */
  readonly evidence: string | undefined;
  readonly rollbackTo: string | undefined;
  readonly now: Date;
}

/**
 * Reads plans and reviews them together: what one of them says of a key counts for all.
 *
 * @throws KeyturnError `review-plan-unreadable`, `review-plan-newer`, `review-plan-other-rotation`, `evidence-missing`
 */
export async function reviewFiles(input: ReviewFilesInput): Promise<Review> {
  const { rotation, files, from, observed, expected, evidence, rollbackTo, now } = input;
  const plans = [];
  for (const file of files) plans.push(await loadPlan(file, relative(from, file), input));
  return reviewPlans({
    rotation,
    rotationFile: relative(from, rotation.file),
    plans,
    expected,
    now,
    aws: observed?.flatMap(keyFromAws),
    green: evidence === undefined ? undefined : await greenRetirements(evidence),
    rollbackTo,
  });
}

function keyFromAws({ version, key }: ObservedVersion): readonly KeyFromAws[] {
  return key ? [{ version: version.name, arn: key.arn, state: key.state }] : [];
}

/** As a path in a repository is written, on any system. */
const relative = (from: string, file: string): string => path.relative(from, file).split(path.sep).join('/');
