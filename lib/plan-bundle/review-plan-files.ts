import path from 'node:path';
import { isCode, KeyturnError } from '../errors';
import { provenance } from '../evidence/provenance';
import { existingResources } from '../observation/existing-resources';
import { type ObservedVersion, type Observing, observe } from '../observation/observe';
import { changedFiles } from '../repository/changed-files';
import { custodyFolders } from '../review/file-changes/repository-files';
import { BUCKET_DEFAULT } from '../review/key-target-changes';
import type { KeyFromAws } from '../review/known-keys';
import type { PlanDocument } from '../review/plan-document';
import { type Review, reviewPlans } from '../review/review';
import { createdResource, nameAttribute } from '../rotation/created-resource';
import type { Rotation } from '../rotation/rotation';
import type { StackTexts } from '../terraform/expected-stacks';
import { bucketDefaults } from './bundle-manifest';
import { type EvidenceSource, greenRetirements } from './green-evidence';
import { type LoadPlanOptions, loadPlan } from './load-plan';

/** Git revisions of a change. */
export interface Revisions {
  readonly base: string;
  readonly proposed: string;
}

export interface ReviewFilesInput extends LoadPlanOptions {
  /** Both stacks as trusted code synthesizes them from the rotation file. */
  readonly expected: StackTexts;
  /** Absolute paths of plans. */
  readonly files: readonly string[];
  /** Absolute; names in the review are relative to it. */
  readonly from: string;
  /** How AWS is asked, and what it says of the versions; undefined: it is not asked. */
  readonly aws: { readonly observing: Observing; readonly versions: readonly ObservedVersion[] } | undefined;
  /** Undefined: none is given. */
  readonly evidence: EvidenceSource | undefined;
  readonly rollbackTo: string | undefined;
  /** The rotation file before the change that is reviewed; undefined: its changes are not classified. */
  readonly base?: Rotation | undefined;
  /** The revisions between which the files of the repository are compared; undefined: they are not. */
  readonly revisions?: Revisions | undefined;
  /** The default encryption that AWS has now, by bucket; undefined: not read. */
  readonly defaults?: ReadonlyMap<string, string> | undefined;
  readonly now: Date;
}

async function commitOf({ rotation, env }: ReviewFilesInput): Promise<string | undefined> {
  const { commit, asCommitted } = (await provenance(rotation.file, env)).rotationFile;
  return commit === undefined || asCommitted ? commit : `${commit} (the rotation file was changed since)`;
}

/**
 * Reads plans and reviews them together: what one of them says of a key counts for all.
 *
 * @throws KeyturnError `review-plan-unreadable`, `review-plan-newer`, `review-plan-other-rotation`, `evidence-missing`
 */
export async function reviewFiles(input: ReviewFilesInput): Promise<Review> {
  const { rotation, files, from, aws, expected, evidence, rollbackTo, now } = input;
  const plans = [];
  for (const file of files) plans.push(await loadPlan(file, relative(from, file), input));
  return reviewPlans({
    rotation,
    rotationFile: relative(from, rotation.file),
    plans,
    expected,
    now,
    aws: aws?.versions.flatMap(keyFromAws),
    existing:
      aws &&
      (await existingResources(
        aws.observing,
        plans.flatMap(({ plan }) => createdBy(plan)),
      )),
    base: input.base,
    repositoryFiles: await repositoryFiles(input),
    defaults: input.defaults ?? (await defaultsNow(input, plans)),
    commit: await commitOf(input),
    green: evidence === undefined ? undefined : await greenRetirements(evidence),
    rollbackTo,
  });
}

/** Asked only where a plan creates a default, which replaces one that no plan shows. Undefined: not asked, or denied. */
async function defaultsNow({ aws }: ReviewFilesInput, plans: readonly { readonly plan: PlanDocument }[]) {
  const isCreated = plans.some(({ plan }) =>
    plan.changes.some(({ type, action }) => type === BUCKET_DEFAULT && action === 'create'),
  );
  if (aws === undefined || !isCreated) return undefined;
  try {
    return bucketDefaults(await observe(aws.observing));
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return undefined;
    throw error;
  }
}

/** @throws usage where a revision is none */
async function repositoryFiles({ rotation, base, revisions, env }: ReviewFilesInput) {
  if (base === undefined || revisions === undefined) return undefined;
  const custody = custodyFolders(base, rotation);
  const found = await changedFiles({
    ...revisions,
    folder: path.dirname(rotation.file),
    env,
    hashed: (file) => custody.some((folder) => file.startsWith(`${folder}/`)),
  });
  if (found !== undefined) return found;
  const problem = `--base ${revisions.base} and --proposed ${revisions.proposed} are not two commits of this repository`;
  throw new KeyturnError('usage', { problem, hint: 'fetch both: a shallow clone may have one of them alone' });
}

/** The keys, aliases and buckets that a plan creates. */
function createdBy({ changes }: PlanDocument) {
  return changes.flatMap(({ address, type, action, after }) =>
    action === 'create' ? (createdResource(address, type, after?.[nameAttribute(type)]) ?? []) : [],
  );
}

function keyFromAws({ version, key }: ObservedVersion): readonly KeyFromAws[] {
  return key ? [{ version: version.name, arn: key.arn, state: key.state }] : [];
}

/** As a path in a repository is written, on any system. */
const relative = (from: string, file: string): string => path.relative(from, file).split(path.sep).join('/');
