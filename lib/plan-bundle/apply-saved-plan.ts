import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { provenance } from '../evidence/provenance';
import { observe } from '../observation/observe';
import { stateFacts } from '../observation/state-facts';
import { parsedObject } from '../review/expectation/difference';
import { list, values } from '../review/plan-values';
import type { Review } from '../review/review';
import { reviewData } from '../review/review-json';
import { plain } from '../review/review-messages';
import { bindingPath } from '../rotation/binding';
import type { StackRole } from '../terraform/workspace';
import type { ChangeRun } from '../workflow/rotation-run';
import { requireSwitchable } from '../workflow/switch-active';
import {
  BUNDLED_SUFFIXES,
  hashOf,
  MANIFEST,
  observedFacts,
  type PlanManifest,
  readManifest,
  writeWhole,
} from './bundle-manifest';
import type { EvidenceSource } from './green-evidence';
import { reviewFiles } from './review-plan-files';
import { openReviewing, type ReviewingTerraform, showPlan } from './reviewing-terraform';
import { isSamePlan } from './same-plan';

export interface ApplySavedPlanInput {
  readonly run: ChangeRun;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute: what `plan --out` wrote. */
  readonly directory: string;
  readonly evidence: EvidenceSource | undefined;
  /** SHA-256 of the manifest that was approved; undefined: any manifest of the directory. */
  readonly approvedManifest: string | undefined;
}

export interface AppliedStack {
  readonly stack: StackRole;
  /** `applied`: now. `was-applied`: by an earlier run of this directory. `unchanged`: its plan is empty. */
  readonly outcome: 'applied' | 'was-applied' | 'unchanged' | 'not-planned' | 'would-apply';
}

const APPLIED = 'applied.json';
const ORDER: readonly StackRole[] = ['keys', 'storage'];

/**
 * Applies exactly the plan files that were saved and reviewed, in the order of the flow, or nothing: if the rotation file,
 * the stacks, the tools, AWS, or a file of the directory is not what it was, every difference is named.
 *
 * A stack that an earlier run of this directory applied is passed over, so that a run that was interrupted between the
 * two can be repeated.
 *
 * @throws KeyturnError `reviewed-plan-unreadable`, `reviewed-plan-moved`, `reviewed-plan-refused`, and the errors of
 * Terraform and AWS
 */
export async function applySavedPlan(input: ApplySavedPlanInput): Promise<readonly AppliedStack[]> {
  const { run, env, directory } = input;
  const manifest = await readManifest(directory, input.approvedManifest);
  const done = await appliedBefore(directory);
  const left = ORDER.filter((stack) => manifest.stacks[stack].planned && !done.includes(stack));
  if (left.length === 0) return ORDER.map((stack) => ({ stack, outcome: outcomeOfEarlier(manifest, stack, done) }));
  if (manifest.verdict === 'refused') throw await refusedWhenMade(directory);
  const reviewing = await openReviewing({ rotation: run.rotation, env, signal: run.signal });
  const moved = [
    ...(await movedFiles(directory, manifest, left)),
    ...(await movedSources(input, manifest, reviewing, left)),
  ];
  if (moved.length > 0) throw new KeyturnError('reviewed-plan-moved', { directory, moved });
  await placeLocks(directory, reviewing, left);
  const review = await reviewAgain(input, manifest, reviewing, left);
  const outcomes: AppliedStack[] = [];
  for (const stack of ORDER) {
    outcomes.push({
      stack,
      outcome: left.includes(stack)
        ? await applyStack(stack, input, manifest, reviewing, review)
        : outcomeOfEarlier(manifest, stack, done),
    });
  }
  return outcomes;
}

/** The review that is made again has no base: what the rotation file and other files changed was judged when it was planned. */
async function refusedWhenMade(directory: string): Promise<KeyturnError> {
  const text = await readFile(path.join(directory, 'review.json'), 'utf8').catch(() => '');
  const errors = list(parsedObject(text)?.findings)
    .map(values)
    .filter(({ severity }) => severity === 'error');
  return new KeyturnError('reviewed-plan-refused', { directory, findings: errors.map(ruleAndPlace) });
}

const ruleAndPlace = ({ rule, address }: { readonly rule?: unknown; readonly address?: unknown }): string =>
  `${rule} ${address ?? ''}`.trim();

function outcomeOfEarlier(
  manifest: PlanManifest,
  stack: StackRole,
  done: readonly StackRole[],
): AppliedStack['outcome'] {
  if (done.includes(stack)) return 'was-applied';
  return manifest.stacks[stack].planned ? 'unchanged' : 'not-planned';
}

/** Every file that the manifest lists, and that it lists those that are about to be used. */
async function movedFiles(
  directory: string,
  { files }: PlanManifest,
  left: readonly StackRole[],
): Promise<readonly string[]> {
  const needed = left.flatMap((stack) => BUNDLED_SUFFIXES.map((suffix) => `${stack}.${suffix}`));
  const moved = needed.filter((name) => files[name] === undefined).map((name) => `${name} is not in the manifest`);
  for (const [name, hash] of Object.entries(files)) {
    const found = await hashOf(path.join(directory, name));
    if (found !== hash) moved.push(`${name} ${found === undefined ? 'is gone' : 'was changed'}`);
  }
  return moved;
}

async function movedSources(
  { run, env }: ApplySavedPlanInput,
  manifest: PlanManifest,
  { binary, stacks }: ReviewingTerraform,
  left: readonly StackRole[],
): Promise<readonly string[]> {
  const { rotation, identity } = run;
  const moved: string[] = [];
  const compare = (what: string, was: string | undefined, is: string | undefined): void => {
    if (was !== is) moved.push(`${what}: was ${was ?? 'none'}, is ${is ?? 'none'}`);
  };
  compare('rotation', manifest.rotation, rotation.name);
  compare('account', manifest.account, identity.account);
  compare('Region', manifest.region, rotation.region);
  const { rotationFile, tools } = await provenance(rotation.file, env);
  if (manifest.rotationFile !== rotationFile.sha256) moved.push(`the rotation file ${rotationFile.name} was changed`);
  const binding = bindingPath(rotation.file);
  compare(`the binding ${path.basename(binding)}`, manifest.binding, await hashOf(binding));
  compare('Keyturn', manifest.tools.keyturn, tools.keyturn);
  compare(binary.product, manifest.tools[binary.product.toLowerCase()], binary.version);
  const seen = await observe(run);
  for (const stack of left) {
    const entry = manifest.stacks[stack];
    const { directory, name } = stacks[stack];
    if (!entry.planned) continue;
    if ((await hashOf(path.join(directory, 'cdk.tf.json'))) !== entry.synthesized)
      moved.push(`the stack ${name} is synthesized otherwise`);
    const lock = await hashOf(path.join(directory, '.terraform.lock.hcl'));
    if (lock !== undefined && lock !== entry.lock) moved.push(`the provider lock of ${name} is another one`);
    const now = observedFacts(seen, stack, rotation.activeVersion);
    const before = Object.keys(manifest.observed).filter((what) => what.startsWith(`${stack}: `));
    for (const what of new Set([...before, ...Object.keys(now)])) compare(what, manifest.observed[what], now[what]);
  }
  return moved;
}

/** A fresh clone has no lock: with the one of the plan, init takes the very provider that the plan was made by. */
async function placeLocks(
  directory: string,
  { stacks, terraform }: ReviewingTerraform,
  left: readonly StackRole[],
): Promise<void> {
  for (const stack of left) {
    const lock = path.join(stacks[stack].directory, '.terraform.lock.hcl');
    if ((await hashOf(lock)) === undefined) await copyFile(path.join(directory, `${stack}.lock.hcl`), lock);
    await terraform.init(stacks[stack]);
  }
}

/**
 * The review is made again, since waivers end and evidence grows, and of what the plan files themselves say: JSON beside a
 * plan file proves nothing about the file.
 */
async function reviewAgain(
  { run, env, directory, evidence }: ApplySavedPlanInput,
  { rollbackTo, base }: PlanManifest,
  { stacks, expected }: ReviewingTerraform,
  left: readonly StackRole[],
): Promise<Review> {
  const options = { rotation: run.rotation, env, signal: run.signal };
  const moved: string[] = [];
  for (const stack of left) {
    const shown = await showPlan(
      path.join(directory, `${stack}.tfplan`),
      `${stack}.tfplan`,
      [stacks[stack].directory],
      options,
    );
    if (!isSamePlan(shown, await readFile(path.join(directory, `${stack}.json`), 'utf8')))
      moved.push(`${stack}.json is not what ${stack}.tfplan says`);
  }
  if (moved.length > 0) throw new KeyturnError('reviewed-plan-moved', { directory, moved });
  const review = await reviewFiles({
    ...options,
    expected,
    jsonIsShown: true,
    files: left.map((stack) => path.join(directory, `${stack}.json`)),
    from: directory,
    aws: { observing: run, versions: (await observe(run)).versions },
    evidence: evidence && { ...evidence, base },
    rollbackTo,
    now: new Date(),
  });
  const errors = review.findings.filter((one) => one.severity === 'error').map(ruleAndPlace);
  if (errors.length > 0) throw new KeyturnError('reviewed-plan-refused', { directory, findings: errors });
  return review;
}

async function applyStack(
  stack: StackRole,
  { run, directory, approvedManifest }: ApplySavedPlanInput,
  manifest: PlanManifest,
  { stacks, terraform }: ReviewingTerraform,
  review: Review,
): Promise<AppliedStack['outcome']> {
  const entry = manifest.stacks[stack];
  if (!entry.planned || !entry.changes) return 'unchanged';
  run.reporter.heading(`apply the reviewed plan of the ${stack} stack`);
  if (run.dryRun) return 'would-apply';
  if (stack === 'storage') await requireSwitchable(run);
  await run.approve(`apply the reviewed plan of the ${stack} stack?`);
  const step = stack === 'keys' ? 'declare-keys' : 'switch';
  const { verdict, findings, waived } = reviewData(review);
  const { plans } = review;
  const facts = {
    stack,
    /** In words, with values: what a reader of the evidence relies on without the plan file. */
    effects: plans.find(({ name }) => name === `${stack}.json`)?.effects.map(plain) ?? [],
    manifest: await hashOf(path.join(directory, MANIFEST)),
    approvedManifest: approvedManifest ?? 'not given',
    plan: manifest.files[`${stack}.tfplan`],
    rotationFile: manifest.rotationFile,
    plannedAt: manifest.plannedAt,
    tools: manifest.tools,
  };
  await run.evidence.record('review', step, { ...facts, verdict, findings, waived });
  await run.evidence.record('intent', step, facts);
  await terraform.apply({ stack: stacks[stack], planFile: path.join(directory, `${stack}.tfplan`) });
  const done = [...(await appliedBefore(directory)), stack];
  await writeWhole(path.join(directory, APPLIED), `${JSON.stringify(done)}\n`);
  await run.evidence.record('outcome', step, {
    ...facts,
    outcome: 'changed',
    summary: `the ${stack} stack is applied`,
  });
  await run.evidence.record('state', step, { ...stateFacts(await observe(run)) });
  return 'applied';
}

async function appliedBefore(directory: string): Promise<readonly StackRole[]> {
  const text = await readFile(path.join(directory, APPLIED), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  try {
    const done: unknown = JSON.parse(text);
    return ORDER.filter((stack) => Array.isArray(done) && done.includes(stack));
  } catch (error) {
    throw new KeyturnError('reviewed-plan-unreadable', { directory, reason: `${APPLIED} is no JSON` }, error);
  }
}
