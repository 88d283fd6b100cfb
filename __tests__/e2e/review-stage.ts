import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { readPlanDocument } from '../../lib/review/plan-document';
import { type Review, type ReviewInput, reviewPlans, verdictOf } from '../../lib/review/review';
import { parseRotation } from '../../lib/rotation/rotation-file';
import type { StackDirectory } from '../../lib/terraform/synthesize';
import { boundAsRecorded } from './recorded-keys';
import type { Stage } from './stacks-stage';

export type Body = Record<string, unknown>;
/** A synthesized stack, as far as tests change it. */
export interface StackBody extends Body {
  resource: Record<string, Record<string, Body>>;
  data: Record<string, Record<string, Body>>;
  provider: { aws: Body[] };
  output: Record<string, Body>;
}

export interface RealPlan {
  readonly json: string;
  /** Undefined: it is reviewed without it. */
  readonly stackFile: Body | undefined;
}

const run = promisify(execFile);

/** Real Terraform on a stack as somebody may have changed it by hand; the stack is as it was afterwards. */
export async function planChanged(
  on: Stage,
  { directory }: StackDirectory,
  change: (stack: StackBody) => void = () => {},
  args: readonly string[] = [],
): Promise<RealPlan> {
  const file = path.join(directory, 'cdk.tf.json');
  const before = await readFile(file, 'utf8');
  const stack = JSON.parse(before) as StackBody;
  change(stack);
  const out = path.join(directory, 'changed.tfplan');
  const options = { cwd: directory, env: on.env, maxBuffer: 64 << 20 };
  try {
    await writeFile(file, JSON.stringify(stack));
    await run(on.terraformFile(), ['plan', '-input=false', '-no-color', `-out=${out}`, ...args], options);
    const { stdout } = await run(on.terraformFile(), ['show', '-json', '-no-color', out], options);
    return { json: stdout, stackFile: stack };
  } finally {
    await writeFile(file, before);
    await rm(out, { force: true });
  }
}

/** The rule that a plan without its plan file always breaks. */
const NOT_COMPARED = 'KT063';

/** What the other rules find in real plans, each beside the stack it was made of. */
export async function reviewReal(
  rotation: string,
  plans: readonly RealPlan[],
  more: Partial<ReviewInput> = {},
): Promise<Review> {
  const review = await reviewRecorded(rotation, plans, more);
  const findings = review.findings.filter(({ rule }) => rule !== NOT_COMPARED);
  return { ...review, findings, verdict: verdictOf(findings) };
}

/** What every rule finds in them. */
export async function reviewRecorded(
  rotation: string,
  plans: readonly RealPlan[],
  more: Partial<ReviewInput> = {},
): Promise<Review> {
  return reviewPlans({
    rotation: boundAsRecorded(await parseRotation(rotation, 'rotation.yaml', { now: new Date() })),
    rotationFile: 'rotation.yaml',
    plans: plans.map(({ json, stackFile }, index) => ({
      plan: readPlanDocument(json, `plan-${index + 1}.json`),
      stackText: stackFile && { name: `plan-${index + 1}.cdk.tf.json`, text: JSON.stringify(stackFile) },
    })),
    now: new Date(),
    ...more,
  });
}

/** Ids of the rules that found something, each once. */
export const rulesIn = ({ findings }: Pick<Review, 'findings'>): readonly string[] =>
  [...new Set(findings.map((finding) => finding.rule))].sort();
