import { createHash } from 'node:crypto';
import { KeyturnError } from '../errors';
import type { ExistingResource } from '../rotation/created-resource';
import type { Rotation } from '../rotation/rotation';
import { applyWaivers } from './apply-waivers';
import { planEffects } from './effects/plan-effects';
import { parsedObject } from './expectation/difference';
import {
  callerAccount,
  type ExpectedStacks,
  expectedStack,
  lockedProviders,
  type NamedText,
  type PlanFileFacts,
} from './expectation/expectation';
import { type FileChange, fileChanges } from './file-changes/file-changes';
import { type ClassifiedFile, classifiedFiles, type RepositoryFile } from './file-changes/repository-files';
import type { Finding, WaivedFinding } from './finding';
import { type KeyFromAws, KnownKeys } from './known-keys';
import { isEmpty, isOfARotation, rotationsNamedIn, stackOf } from './own-addresses';
import type { PlanDocument } from './plan-document';
import { text } from './plan-values';
import { type Words, words } from './review-messages';
import type { GreenRetirement, PlannedStack, RuleContext } from './review-rule';
import { reviewRules } from './rules';
import { bindingFindings, bindingWords } from './rules/binding-rules';
import { fileFindings, otherFileFindings } from './rules/file-rules';
import { concealed, concealedWords } from './secrets';

export interface ReviewedPlan {
  readonly name: string;
  readonly stack: PlannedStack;
  readonly formatVersion: string;
  readonly terraformVersion: string | undefined;
  /** Version of the AWS provider in the lock of the plan file, or else the one that the configuration requires. */
  readonly providerVersion: string | undefined;
  /** SHA-256 of the files, lower-case hex; undefined: there is none. */
  readonly sha256: {
    readonly planFile: string | undefined;
    /** Of the JSON that was given. */
    readonly json: string | undefined;
    readonly stackFile: string | undefined;
  };
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
  /** That of the rotation file, or else the one whose credentials made the plan. */
  readonly account: string | undefined;
  readonly region: string;
  /** Checked-out commit of the rotation file, `(changed since)` behind it where it holds another text. */
  readonly commit: string | undefined;
  readonly verdict: Verdict;
  readonly plans: readonly ReviewedPlan[];
  /** What each version of ours stands for, and what is trusted where nothing binds it; one sentence each. */
  readonly binding: readonly Words[];
  /** What changed in the rotation file and its binding since their base; undefined: no base was given. */
  readonly fileChanges: readonly FileChange[] | undefined;
  /** Every other file of the change; undefined: no revisions were compared. */
  readonly otherFiles: readonly ClassifiedFile[] | undefined;
  /** Errors first, then by rule; without waived findings. */
  readonly findings: readonly Finding[];
  readonly waived: readonly WaivedFinding[];
}

export interface ReviewedPlanInput {
  readonly plan: PlanDocument;
  /** The `cdk.tf.json` given with the plan; undefined: none was. */
  readonly stackText?: NamedText | undefined;
  /** The provider lock given with the plan. */
  readonly lock?: string | undefined;
  /** What the plan file holds; undefined: there is only JSON. */
  readonly planFile?: PlanFileFacts | undefined;
  /** Why a plan file that is there could not be compared with its JSON. */
  readonly notCompared?: string | undefined;
  /** SHA-256 of the file that was given, lower-case hex. */
  readonly sha256?: string | undefined;
}

export interface ReviewInput {
  readonly rotation: Rotation;
  /** Path of the rotation file relative to the repository. */
  readonly rotationFile: string;
  readonly plans: readonly ReviewedPlanInput[];
  /** The rotation file before the change that is reviewed; undefined: its changes are not classified. */
  readonly base?: Rotation | undefined;
  /** The files of the change, as git has them; undefined: unknown. Only with {@link base}. */
  readonly repositoryFiles?: readonly RepositoryFile[] | undefined;
  /** Both stacks as trusted code synthesizes them from the rotation file; undefined: nothing is clean then. */
  readonly expected?: ExpectedStacks | undefined;
  /** The time that waivers are compared with. */
  readonly now: Date;
  /** The declared versions as AWS reports them; undefined: not read. */
  readonly aws?: readonly KeyFromAws[] | undefined;
  /** What the plans create and AWS holds already; undefined: AWS was not asked. */
  readonly existing?: readonly ExistingResource[] | undefined;
  /** Undefined: no evidence was given. */
  readonly green?: readonly GreenRetirement[] | undefined;
  readonly rollbackTo?: string | undefined;
  /** Checked-out commit of the rotation file; undefined: outside of a repository. */
  readonly commit?: string | undefined;
  /** The default encryption that AWS has now, by bucket; undefined: not read. */
  readonly defaults?: ReadonlyMap<string, string> | undefined;
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
  const contexts = plans.map((one) => contextOf(one, keys, input));
  const changes = input.base && fileChanges(input.base, rotation, input.rollbackTo, confirmedBy(keys));
  const otherFiles =
    input.base && input.repositoryFiles && classifiedFiles(input.repositoryFiles, input.base, rotation);
  const found = [
    ...contexts.flatMap(findingsOf),
    ...bindingFindings(rotation, keys),
    ...fileFindings(changes ?? []),
    ...otherFileFindings(otherFiles ?? []),
  ];
  const applied = applyWaivers(found, rotation.review.waivers, now, input.base?.review.waivers);
  const findings = applied.findings.map(withoutSecrets);
  const waived = applied.waived.map(withoutSecrets);
  return {
    rotation: rotation.name,
    rotationFile: input.rotationFile,
    account: rotation.account ?? documents.map(({ prior }) => callerAccount(prior)).find((one) => one !== undefined),
    region: rotation.region,
    commit: input.commit,
    verdict: verdictOf(findings),
    plans: contexts.map((context, index) => reviewedPlan(context, input, plans[index]?.sha256)),
    binding: bindingWords(rotation, keys),
    fileChanges: changes,
    otherFiles,
    findings,
    waived,
  };
}

/** Whether the state of the keys stack shows this key as that of the version: no alias decides that. */
function confirmedBy({ claims }: KnownKeys): (version: string, arn: string) => boolean {
  return (version, arn) =>
    claims.some((one) => one.source === 'keys-stack' && one.version === version && one.arn === arn);
}

/** The verdict of findings that no waiver takes out. */
export function verdictOf(findings: readonly Pick<Finding, 'severity'>[]): Verdict {
  const severities = new Set(findings.map(({ severity }) => severity));
  return severities.has('error') ? 'refused' : severities.has('warning') ? 'decide' : 'clean';
}

function contextOf(
  { plan, stackText, lock, planFile, notCompared }: ReviewedPlanInput,
  keys: KnownKeys,
  { rotation, expected, existing, green, rollbackTo, defaults }: ReviewInput,
): RuleContext {
  const stack = stackOf(plan);
  const stackFile = planFile?.configuration['cdk.tf.json'] ?? stackText?.text;
  return {
    rotation,
    plan,
    stack,
    keys,
    existing,
    green,
    rollbackTo,
    defaults,
    stackText,
    planFile,
    stackFile: stackFile === undefined ? undefined : parsedObject(stackFile),
    expected: expectedStack(expected, stack),
    hasExpectation: expected !== undefined,
    expectedLock: lock,
    notCompared,
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

function reviewedPlan(context: RuleContext, input: ReviewInput, given: string | undefined): ReviewedPlan {
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
    unseen.push(
      words`there is neither a plan file nor cdk.tf.json next to the plan: the stack (KT061), its backend (KT051) and its guards (KT052) were not checked`,
    );
  }
  if (input.aws === undefined)
    unseen.push(
      words`AWS was not read: key states are those of the plan, and whether what is created exists already (KT006) was not checked`,
    );
  const { name, formatVersion, terraformVersion } = plan;
  return {
    name,
    stack,
    formatVersion,
    terraformVersion,
    providerVersion: providerVersion(context),
    sha256: hashes(context, given),
    effects: planEffects(context).map(concealedWords),
    unseen,
  };
}

function providerVersion({ plan, planFile }: RuleContext): string | undefined {
  const locked = planFile?.lock === undefined ? [] : lockedProviders(planFile.lock);
  return locked[0]?.version ?? plan.providers.map((one) => text(one.version_constraint))[0];
}

function hashes({ planFile, stackText }: RuleContext, given: string | undefined): ReviewedPlan['sha256'] {
  const stack = planFile?.configuration['cdk.tf.json'] ?? stackText?.text;
  return {
    planFile: planFile?.sha256,
    json: given === planFile?.sha256 ? undefined : given,
    stackFile: stack === undefined ? undefined : createHash('sha256').update(stack).digest('hex'),
  };
}
