import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { isCode, KeyturnError } from '../errors';
import { provenance } from '../evidence/provenance';
import { type Observation, observe } from '../observation/observe';
import { commitOf } from '../repository/revision';
import type { Review } from '../review/review';
import { reviewJson } from '../review/review-json';
import { reviewMarkdown } from '../review/review-markdown';
import { reviewSarif } from '../review/review-sarif';
import { bindingPath } from '../rotation/binding';
import type { Rotation } from '../rotation/rotation';
import { declaredResources } from '../terraform/created-in';
import { formatPlan } from '../terraform/plan-text';
import type { StackRole, Workspace } from '../terraform/workspace';
import { refuseUnmanaged } from '../workflow/refuse-existing';
import type { VerifyRun } from '../workflow/rotation-run';
import {
  bucketDefaults,
  hashOf,
  MANIFEST,
  MANIFEST_SCHEMA_VERSION,
  observedFacts,
  type PlanManifest,
  writeWhole,
} from './bundle-manifest';
import type { EvidenceSource } from './green-evidence';
import { JOBS_FILE, type PlannedJobs, plannedJobs } from './planned-jobs';
import { type Revisions, reviewFiles } from './review-plan-files';
import { openReviewing, type ReviewingTerraform, showPlan } from './reviewing-terraform';
import { sarifTool } from './sarif-tool';

export interface PlanBundleInput {
  readonly run: VerifyRun;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute. Created; what an earlier `plan` left in it is replaced. */
  readonly directory: string;
  readonly evidence: EvidenceSource | undefined;
  readonly rollbackTo: string | undefined;
  /** The rotation file before the change that is reviewed; undefined: its changes are not classified. */
  readonly base: Rotation | undefined;
  /** The revisions between which the files of the repository are compared; undefined: they are not. */
  readonly revisions?: Revisions | undefined;
}

export interface PlanBundle {
  readonly manifest: PlanManifest;
  /** SHA-256 of `manifest.json`, lower-case hex: it stands for every file of the directory. */
  readonly manifestSha256: string;
  /** Absent where the rotation file takes no jobs. */
  readonly jobs: PlannedJobs | undefined;
  readonly review: Review;
}

/** Names in the directory that are this command's own; anything else in it makes it refuse. */
const OWN =
  /^(manifest|applied|jobs)\.json(\.part)?$|^review\.(md|json|sarif)$|^(keys|storage)\.(tfplan|json|cdk\.tf\.json|lock\.hcl)$/;

/**
 * Plans both stacks and saves what a reviewer reads and what `apply` needs: plan files, their JSON, the synthesized
 * stacks, the provider locks, the review, what jobs will be asked for, and last of all the manifest. Nothing in AWS or in a state is changed.
 *
 * The storage stack cannot be planned before the keys are there and Enabled; the manifest then says so, and why.
 *
 * @throws KeyturnError `reviewed-plan-directory`, `resource-exists` where the storage stack, which cannot be planned yet,
 * declares what exists already, and the errors of synthesis, Terraform, AWS and the review
 */
export async function writePlanBundle(input: PlanBundleInput): Promise<PlanBundle> {
  const { run, env, directory } = input;
  const options = { rotation: run.rotation, env, signal: run.signal };
  await clear(directory);
  const reviewing = await openReviewing(options);
  const seen = await observe(run);
  const keys = await planStack('keys', reviewing, input);
  const storage = await planStack('storage', reviewing, input);
  if (!storage.planned) await refuseUnmanaged(run, 'storage', managedBy(reviewing));
  const planned = (['keys', 'storage'] as const).filter((stack) => (stack === 'keys' ? keys : storage).planned);
  const review = await reviewFiles({
    ...options,
    expected: reviewing.expected,
    jsonIsShown: true,
    files: planned.map((stack) => path.join(directory, `${stack}.json`)),
    from: directory,
    aws: { observing: run, versions: seen.versions },
    base: input.base,
    revisions: input.revisions,
    defaults: bucketDefaults(seen),
    evidence: input.evidence,
    rollbackTo: input.rollbackTo,
    now: new Date(),
  }).then((found) => ({ ...found, rotationFile: path.basename(run.rotation.file) }));
  await writeWhole(path.join(directory, 'review.md'), reviewMarkdown(review));
  await writeWhole(path.join(directory, 'review.json'), reviewJson(review));
  await writeWhole(path.join(directory, 'review.sarif'), reviewSarif(review, await sarifTool(run.rotation.file)));
  const jobs = await plannedJobs(run);
  if (jobs) await writeWhole(path.join(directory, JOBS_FILE), `${JSON.stringify(jobs, null, 2)}\n`);
  const manifest = await manifestOf(input, reviewing, seen, review, { keys, storage });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeWhole(path.join(directory, MANIFEST), text);
  return { manifest, manifestSha256: createHash('sha256').update(text).digest('hex'), jobs, review };
}

async function clear(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const names = await readdir(directory);
  const foreign = names.filter((name) => !OWN.test(name));
  if (foreign.length > 0) throw new KeyturnError('reviewed-plan-directory', { directory, foreign });
  // The manifest first: without it the rest is no plan that could be applied.
  for (const name of [MANIFEST, ...names]) await rm(path.join(directory, name), { force: true });
}

async function planStack(
  stack: StackRole,
  { terraform, stacks }: ReviewingTerraform,
  { run, env, directory }: PlanBundleInput,
): Promise<PlanManifest['stacks'][StackRole]> {
  const target = stacks[stack];
  run.reporter.heading(`plan the ${stack} stack`);
  try {
    const { planFile, changes, summary, json } = await terraform.plan(target);
    run.reporter.block(formatPlan(target.name, summary));
    const saved = (suffix: string): string => path.join(directory, `${stack}.${suffix}`);
    await writeWhole(saved('tfplan'), await readFile(planFile));
    const options = { rotation: run.rotation, env, signal: run.signal };
    const shown = json ?? (await showPlan(planFile, `${stack}.tfplan`, [target.directory], options));
    await writeWhole(saved('json'), shown);
    await copyFile(path.join(target.directory, 'cdk.tf.json'), saved('cdk.tf.json'));
    await copyFile(path.join(target.directory, '.terraform.lock.hcl'), saved('lock.hcl'));
    const [synthesized = '', lock = ''] = [await hashOf(saved('cdk.tf.json')), await hashOf(saved('lock.hcl'))];
    return { planned: true, name: target.name, changes, synthesized, lock };
  } catch (error) {
    if (stack !== 'storage' || !isCode(error, 'terraform-guard')) throw error;
    const why = [...error.facts.refusals, error.facts.next];
    for (const reason of why) run.reporter.warn(reason);
    return { planned: false, name: target.name, why };
  }
}

const managedBy = ({ terraform, stacks }: ReviewingTerraform): Pick<Workspace, 'declared' | 'managed'> => ({
  declared: (stack) => declaredResources(stacks[stack]),
  managed: (stack) => terraform.managed(stacks[stack]),
});

async function manifestOf(
  { run, env, directory, rollbackTo, revisions }: PlanBundleInput,
  { binary }: ReviewingTerraform,
  seen: Observation,
  review: Review,
  stacks: PlanManifest['stacks'],
): Promise<PlanManifest> {
  const { rotation, identity } = run;
  const { rotationFile, tools } = await provenance(rotation.file, env);
  const binding = await hashOf(bindingPath(rotation.file));
  const base = revisions && (await commitOf(path.dirname(rotation.file), revisions.base, env));
  const files: Record<string, string> = {};
  for (const name of (await readdir(directory)).sort()) files[name] = (await hashOf(path.join(directory, name))) ?? '';
  return {
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    rotation: rotation.name,
    account: identity.account,
    region: rotation.region,
    plannedAt: new Date().toISOString(),
    rotationFile: rotationFile.sha256,
    ...(binding === undefined ? {} : { binding }),
    ...(base === undefined ? {} : { base }),
    tools: {
      ...tools,
      [binary.product.toLowerCase()]: binary.version,
      'hashicorp/aws': await lockedProvider(path.join(directory, 'keys.lock.hcl')),
    },
    verdict: review.verdict,
    ...(rollbackTo === undefined ? {} : { rollbackTo }),
    stacks,
    observed: {
      ...observedFacts(seen, 'keys', rotation.activeVersion),
      ...observedFacts(seen, 'storage', rotation.activeVersion),
    },
    files,
  };
}

/** Version of the AWS provider that a lock names. */
async function lockedProvider(lock: string): Promise<string> {
  const text = await readFile(lock, 'utf8');
  return /\/hashicorp\/aws" \{\s+version\s+= "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
