import { z } from 'zod';
import { KeyturnError } from '../errors';

const CHANGE = z.object({
  actions: z.array(z.enum(['no-op', 'create', 'read', 'update', 'delete', 'forget'])),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  after_unknown: z.unknown().optional(),
  before_sensitive: z.unknown().optional(),
  after_sensitive: z.unknown().optional(),
  importing: z.looseObject({ id: z.string().optional() }).optional(),
  replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
});

const PLAN = z.object({
  format_version: z.string().regex(/^1\.\d+$/),
  terraform_version: z.string(),
  errored: z.boolean().optional(),
  resource_changes: z
    .array(z.object({ address: z.string(), mode: z.enum(['managed', 'data']), type: z.string(), change: CHANGE }))
    .default([]),
  output_changes: z.record(z.string(), CHANGE).default({}),
});

/** The used parts of Terraform's JSON plan (format 1.x). */
export type Plan = z.infer<typeof PLAN>;

/** A planned change of one resource or output; `import`: it exists, and Terraform takes it into its state unchanged. */
export type PlannedAction = 'create' | 'update' | 'replace' | 'delete' | 'forget' | 'import';

/** A value as JSON, or a marker: known after apply, or sensitive. */
export type PlannedValue =
  | { readonly known: true; readonly value: unknown }
  | { readonly known: false; readonly why: 'known after apply' | 'sensitive' };

export interface AttributeChange {
  /** `rule[0].bucket_key_enabled`. */
  readonly path: string;
  readonly before: PlannedValue;
  readonly after: PlannedValue;
  /** True if this attribute makes Terraform replace the resource. */
  readonly forcesReplace: boolean;
}

export interface ResourceChange {
  /** Terraform address, `aws_kms_alias.main`; `output.<name>` for an output. */
  readonly address: string;
  /** `aws_kms_alias`; `output` for an output. */
  readonly type: string;
  readonly action: PlannedAction;
  /** Id of the existing object that Terraform takes into its state; absent: it imports none. */
  readonly importedFrom?: string;
  readonly attributes: readonly AttributeChange[];
}

/** A summary of a plan for reviewers. Empty lists: it changes nothing. */
export interface PlanSummary {
  readonly resources: readonly ResourceChange[];
  readonly outputs: readonly ResourceChange[];
}

/** The summary of a plan without changes. */
export const NO_CHANGES: PlanSummary = { resources: [], outputs: [] };

/**
 * Reads the output of `terraform show -json <plan file>`.
 *
 * @throws KeyturnError `terraform-plan-unreadable` if it is not a JSON plan of format 1.x
 */
export function readPlan(text: string): Plan {
  try {
    return PLAN.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : 'it is not JSON';
    throw new KeyturnError('terraform-plan-unreadable', { reason }, error);
  }
}

/**
 * Summarizes the changes of a plan: each resource and output, each attribute before and after. Data sources change
 * nothing.
 */
export function summarizePlan(plan: Plan): PlanSummary {
  const resources = plan.resource_changes
    .filter((resource) => resource.mode === 'managed')
    .flatMap(({ address, type, change }) => changeOf(address, type, change));
  const outputs = Object.entries(plan.output_changes).flatMap(([name, change]) =>
    changeOf(`output.${name}`, 'output', change),
  );
  return { resources, outputs };
}

/**
 * Resources that hold or protect data. Removing a line from a file must not destroy them: `prevent_destroy` protects
 * them only while it is in the configuration.
 */
const PROTECTED_TYPES = new Set([
  'aws_kms_external_key',
  'aws_s3_bucket',
  'aws_s3_bucket_server_side_encryption_configuration',
]);

/** Addresses of the keys, buckets and default encryptions that a plan would destroy or replace. */
export function destroyedForGood(summary: PlanSummary): readonly string[] {
  return summary.resources
    .filter(({ type, action }) => PROTECTED_TYPES.has(type) && (action === 'delete' || action === 'replace'))
    .map(({ address }) => address);
}

function changeOf(address: string, type: string, change: z.infer<typeof CHANGE>): ResourceChange[] {
  const importedFrom = change.importing && (change.importing.id ?? '(no id)');
  const action = actionOf(change.actions) ?? (importedFrom === undefined ? undefined : 'import');
  if (action === undefined) return [];
  const attributes = compare(change).map((attribute) => ({
    ...attribute,
    forcesReplace:
      action === 'replace' && (change.replace_paths ?? []).some((path) => pathText(path) === attribute.path),
  }));
  return [{ address, type, action, ...(importedFrom === undefined ? {} : { importedFrom }), attributes }];
}

function actionOf(actions: z.infer<typeof CHANGE>['actions']): PlannedAction | undefined {
  if (actions.length > 1) return 'replace';
  const [only = 'no-op'] = actions;
  return only === 'no-op' || only === 'read' ? undefined : only;
}

type Compared = Omit<AttributeChange, 'forcesReplace'>;

function compare(change: z.infer<typeof CHANGE>): Compared[] {
  const found: Compared[] = [];
  const visit = (path: readonly (string | number)[]): void => {
    const before = at(change.before, path);
    const after = at(change.after, path);
    const unknown = at(change.after_unknown, path) === true;
    const hidden = at(change.before_sensitive, path) === true || at(change.after_sensitive, path) === true;
    const keys = unknown || hidden ? [] : keysOf(before, after, at(change.after_unknown, path));
    const already = found.length;
    for (const key of keys) visit([...path, key]);
    if (found.length > already) return;
    if (!unknown && meaning(before) === meaning(after)) return;
    found.push({
      path: pathText(path),
      before: plannedValue(before, false, hidden),
      after: plannedValue(after, unknown, hidden),
    });
  };
  visit([]);
  return found;
}

/** Terraform writes an unset attribute as null or omits it; both mean the same. In a list, null is an element. */
function meaning(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner)
        .filter(([, member]) => member !== null)
        .sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  });
}

function plannedValue(value: unknown, unknown: boolean, hidden: boolean): PlannedValue {
  if (hidden) return { known: false, why: 'sensitive' };
  return unknown ? { known: false, why: 'known after apply' } : { known: true, value: value ?? null };
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Object.entries(here).find(([name]) => name === String(key))?.[1];
  }
  return here;
}

/** Members to compare; none if one side is a plain value, which is compared directly. */
function keysOf(before: unknown, after: unknown, unknown: unknown): readonly (string | number)[] {
  const isPlain = (value: unknown): boolean => value !== undefined && value !== null && typeof value !== 'object';
  if (isPlain(before) || isPlain(after)) return [];
  const keys = new Map<string, string | number>();
  for (const value of [before, after, unknown]) {
    if (typeof value !== 'object' || value === null) continue;
    for (const key of Object.keys(value)) keys.set(key, Array.isArray(value) ? Number(key) : key);
  }
  return [...keys.values()].sort((left, right) => (left < right ? -1 : 1));
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((key) =>
      typeof key === 'number' ? `[${key}]` : /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    )
    .join('')
    .replace(/^\./, '');
}
