/** Plans of real Terraform, each of a stack file that somebody edited by hand. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExpectedStacks } from '../../../lib/review/expectation/expectation';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { type Review, reviewPlans } from '../../../lib/review/review';
import type { Rotation } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { synthesized } from '../../stacks/synthesized';

export interface EditedPlan {
  /** What was edited, in a few words. */
  readonly edit: string;
  readonly rotation: string;
  readonly stackFile: Record<string, unknown>;
  readonly plan: Record<string, unknown>;
}

export const EDITED_PLANS: readonly EditedPlan[] = readFileSync(path.join(__dirname, 'edited-plans.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as EditedPlan);

const NOW = new Date('2026-11-28T12:00:00Z');

/** The texts of both stacks of a rotation, as `main.ts` writes them. */
export function expectedOf(rotation: Rotation): ExpectedStacks {
  const { keys, storage } = synthesized(rotation);
  return { keys: JSON.stringify(keys, null, 2), storage: JSON.stringify(storage, null, 2) };
}

/** Reviews a plan as JSON, beside the stack file that it was made of or without one. */
export async function reviewEdited({ rotation, plan, stackFile }: EditedPlan, withStack: boolean): Promise<Review> {
  const parsed = await parseRotation(rotation, 'rotation.yaml', { now: NOW });
  return reviewPlans({
    rotation: parsed,
    rotationFile: 'rotation.yaml',
    expected: expectedOf(parsed),
    plans: [
      {
        plan: readPlanDocument(JSON.stringify(plan), 'plan.json'),
        ...(withStack ? { stackText: { name: 'cdk.tf.json', text: JSON.stringify(stackFile) } } : {}),
      },
    ],
    now: NOW,
  });
}
