import { KeyturnError } from '../errors';
import type { ExistingResource } from '../rotation/created-resource';
import type { Rotation } from '../rotation/rotation';
import { applyWaivers } from './apply-waivers';
import type { Finding, WaivedFinding } from './finding';
import { type KeyFromAws, KnownKeys } from './known-keys';
import { isEmpty, isOfARotation, rotationsNamedIn, stackOf } from './own-addresses';
import type { PlanDocument } from './plan-document';
import { planSummary } from './plan-summary';
import type { Values } from './plan-values';
import { type Words, words } from './review-messages';
import type { GreenRetirement, PlannedStack, RuleContext } from './review-rule';
import { reviewRules } from './rules';
import { concealed, concealedWords } from './secrets';

export interface ReviewedPlan {
  readonly name: string;
  readonly stack: PlannedStack;
  readonly formatVersion: string;
  readonly terraformVersion: string | undefined;
  /** What the plan does, one sentence each. */
  readonly effects: readonly Words[];
  /** What could not be checked, and why. */
  readonly unseen: readonly Words[];
}

/** `clean`: nothing to decide. `decide`: warnings only. `refused`: at least one error. Waived findings do not count. */
export type Verdict = 'clean' | 'decide' | 'refused';

export interface Review {
  readonly rotation: string;
  readonly rotationFile: string;
  readonly verdict: Verdict;
  readonly plans: readonly ReviewedPlan[];
  /** Errors first, then by rule; without waived findings. */
  readonly findings: readonly Finding[];
  readonly waived: readonly WaivedFinding[];
}

export interface ReviewedPlanInput {
  readonly plan: PlanDocument;
  /** The parsed `cdk.tf.json` of the plan; undefined: not available. */
  readonly stackFile: Values | undefined;
}

export interface ReviewInput {
  readonly rotation: Rotation;
  /** Path of the rotation file relative to the repository. */
  readonly rotationFile: string;
  readonly plans: readonly ReviewedPlanInput[];
  /** The time that waivers are compared with. */
  readonly now: Date;
  /** The declared versions as AWS reports them; undefined: not read. */
  readonly aws?: readonly KeyFromAws[] | undefined;
  /** What the plans create and AWS holds already; undefined: AWS was not asked. */
  readonly existing?: readonly ExistingResource[] | undefined;
  /** Undefined: no evidence was given. */
  readonly green?: readonly GreenRetirement[] | undefined;
  readonly rollbackTo?: string | undefined;
}

/**
 * Checks plans of one rotation against its rules. Pure: the same input gives the same review.
 *
 * @throws KeyturnError `review-plan-other-rotation` for a plan of another rotation, or of none
 */
export function reviewPlans(input: ReviewInput): Review {
  const { rotation, plans, now } = input;
  for (const { plan } of plans) refuseOthers(plan, rotation);
  const documents = plans.map(({ plan }) => plan);
  const keys = new KnownKeys(rotation, documents, input.aws ?? []);
  const contexts = plans.map(
    ({ plan, stackFile }): RuleContext => ({
      rotation,
      plan,
      keys,
      stackFile,
      stack: stackOf(plan),
      existing: input.existing,
      green: input.green,
      rollbackTo: input.rollbackTo,
    }),
  );
  const applied = applyWaivers(contexts.flatMap(findingsOf), rotation.review.waivers, now);
  const findings = applied.findings.map(withoutSecrets);
  const waived = applied.waived.map(withoutSecrets);
  const severities = new Set(findings.map((finding) => finding.severity));
  return {
    rotation: rotation.name,
    rotationFile: input.rotationFile,
    verdict: severities.has('error') ? 'refused' : severities.has('warning') ? 'decide' : 'clean',
    plans: contexts.map((context) => reviewedPlan(context, input)),
    findings,
    waived,
  };
}

function refuseOthers(plan: PlanDocument, rotation: Rotation): void {
  const named = rotationsNamedIn(plan);
  const fact = { file: plan.name, rotation: rotation.name };
  if (named.size > 0 && !named.has(rotation.name)) {
    throw new KeyturnError('review-plan-other-rotation', {
      ...fact,
      found: `it belongs to ${[...named].sort().join(', ')}`,
    });
  }
  if (named.size === 0 && !isOfARotation(plan) && !isEmpty(plan)) {
    throw new KeyturnError('review-plan-other-rotation', { ...fact, found: 'nothing in it belongs to a rotation' });
  }
}

/** After the waivers, which are compared with the unescaped addresses. */
function withoutSecrets<F extends Finding>(finding: F): F {
  const { address, message } = finding;
  return {
    ...finding,
    address: address === undefined ? undefined : concealed(address),
    message: concealedWords(message),
  };
}

function findingsOf(context: RuleContext): readonly Finding[] {
  return reviewRules.flatMap((rule) =>
    rule.look(context).map(({ address, message }) => ({
      rule: rule.id,
      severity: rule.severity,
      plan: context.plan.name,
      address,
      message,
    })),
  );
}

function reviewedPlan(context: RuleContext, input: ReviewInput): ReviewedPlan {
  const { plan, stack, stackFile } = context;
  const unseen: Words[] = [];
  if (plan.form === 'redacted') {
    unseen.push(
      words`the plan is a redacted export without configuration and state: provider, modules and data sources (KT050, KT071) and sensitive values (KT010, KT011) were not checked`,
    );
  }
  if (plan.form === 'plan' && plan.providers.length === 0 && !isEmpty(plan)) {
    unseen.push(
      words`the plan has no configuration: provider, modules and data sources (KT050, KT071) were not checked`,
    );
  }
  if (stackFile === undefined) {
    unseen.push(words`cdk.tf.json is not next to the plan: backend (KT051) and guards (KT052) were not checked`);
  }
  if (input.aws === undefined)
    unseen.push(
      words`AWS was not read: key states are those of the plan, and whether what is created exists already (KT006) was not checked`,
    );
  const { name, formatVersion, terraformVersion } = plan;
  return { name, stack, formatVersion, terraformVersion, effects: planSummary(context).map(concealedWords), unseen };
}
