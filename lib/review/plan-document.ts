import { KeyturnError } from '../errors';
import { duplicateMember } from './expectation/duplicate-member';
import { list, text, type Values, values } from './plan-values';

export type PlannedAction = 'create' | 'update' | 'replace' | 'delete' | 'forget' | 'read' | 'no-op';

/** A planned change of one resource or data source. */
export interface PlannedChange {
  /** `aws_kms_alias.main`; in a module with the prefix `module.x.`. */
  readonly address: string;
  readonly mode: 'managed' | 'data';
  readonly type: string;
  readonly provider: string | undefined;
  readonly action: PlannedAction;
  /** Undefined: it does not exist before. */
  readonly before: Values | undefined;
  /** Undefined: it does not exist afterwards. */
  readonly after: Values | undefined;
  /** In the shape of `after`, with true for values that are known only after the apply. */
  readonly unknown: Values;
  /** Id of the existing object that the plan takes into the state; undefined: it imports none. */
  readonly importing: string | undefined;
  /** Where the object was in the state before; undefined: at the same address. */
  readonly previousAddress: string | undefined;
}

/** A planned change of an output. */
export interface PlannedOutput {
  readonly name: string;
  readonly action: PlannedAction;
  readonly before: unknown;
  readonly after: unknown;
  /** True: it is known only after the apply. */
  readonly unknown: boolean;
}

/** A resource or data source in the state. */
export interface StateResource {
  readonly address: string;
  readonly mode: string;
  readonly type: string;
  readonly values: Values;
}

/** The parts of a JSON plan that a review reads. */
export interface PlanDocument {
  /** The path of the plan as given to the command. */
  readonly name: string;
  readonly formatVersion: string;
  readonly terraformVersion: string | undefined;
  /** `redacted`: an HCP export for display, without configuration and state. */
  readonly form: 'plan' | 'redacted';
  readonly errored: boolean;
  readonly complete: boolean;
  readonly changes: readonly PlannedChange[];
  /** Changes outside of Terraform since its last apply. */
  readonly drift: readonly PlannedChange[];
  readonly outputs: readonly PlannedOutput[];
  /** Resources before the plan, in all modules. */
  readonly prior: readonly StateResource[];
  readonly providers: readonly Values[];
  /** Resources in the configuration, in all modules. */
  readonly configured: readonly Values[];
  readonly moduleCalls: readonly string[];
  /** The plan itself, without what a policy engine wraps around it. */
  readonly body: Values;
  /** A member that an object of the text has twice, of which only the last was read. */
  readonly duplicate: string | undefined;
  /** The whole document, for the search for secrets. */
  readonly whole: unknown;
}

/**
 * Reads a JSON plan: what `terraform show -json <plan file>` prints (format 1.x), the same under `plan` or `tfplan` as
 * policy engines are handed it (HCP Terraform's OPA input, Scalr), or HCP's redacted export (`plan_format_version`).
 * Unknown members are kept in `body`, where a rule finds them. Time and memory are linear in the size of the text.
 *
 * @param name - name of the plan in errors and findings
 * @throws KeyturnError `review-plan-unreadable` for truncated text, text that is not JSON, or not a plan;
 * `review-plan-newer` for another major format
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 */
export function readPlanDocument(content: string, name: string): PlanDocument {
  const whole = parsed(content, name);
  const { plan, version, form } = unwrapped(values(whole), name);
  if (!/^1\.\d+/.test(version)) throw new KeyturnError('review-plan-newer', { file: name, version });
  if (plan.resource_changes !== undefined && !Array.isArray(plan.resource_changes)) {
    throw unreadable(name, 'its resource_changes is not a list');
  }
  const configuration = values(plan.configuration);
  const configured = modules(values(configuration.root_module), (module) =>
    Object.values(values(module.module_calls)).map((call) => values(values(call).module)),
  );
  return {
    name,
    formatVersion: version,
    terraformVersion: text(plan.terraform_version),
    form,
    errored: plan.errored === true,
    complete: plan.complete !== false,
    changes: list(plan.resource_changes).map((change) => changeOf(values(change), name)),
    drift: list(plan.resource_drift).map((change) => changeOf(values(change), name)),
    outputs: Object.entries(values(plan.output_changes)).map(([output, one]) => {
      const { actions, before, after, after_unknown } = values(one);
      return { name: output, action: actionOf(actions, name), before, after, unknown: after_unknown === true };
    }),
    prior: stateOf(values(values(plan.prior_state).values)),
    providers: Object.values(values(configuration.provider_config)).map(values),
    configured: configured.flatMap((module) => list(module.resources).map(values)),
    moduleCalls: configured.flatMap((module) => Object.keys(values(module.module_calls))),
    body: plan,
    duplicate: duplicateMember(content),
    whole,
  };
}

function parsed(content: string, name: string): unknown {
  const trimmed = content.trim();
  if (trimmed === '') throw unreadable(name, 'it is empty');
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    const cut = /^[{[]/.test(trimmed) && !/[}\]]$/.test(trimmed);
    throw unreadable(name, cut ? 'it is truncated JSON' : 'it is not JSON', error);
  }
}

function unwrapped(
  outer: Values,
  name: string,
): { readonly plan: Values; readonly version: string; readonly form: PlanDocument['form'] } {
  for (const plan of [outer, values(outer.plan), values(outer.tfplan)]) {
    const version = text(plan.format_version);
    // A JSON state also has a format_version, but values instead of changes.
    if (version !== undefined && !('values' in plan)) return { plan, version, form: 'plan' };
    const redacted = text(plan.plan_format_version);
    if (redacted !== undefined) return { plan, version: redacted, form: 'redacted' };
  }
  throw unreadable(name, 'it is JSON but not a plan: it has no format_version');
}

const unreadable = (file: string, reason: string, cause?: unknown) =>
  new KeyturnError('review-plan-unreadable', { file, reason }, cause);

function changeOf(resource: Values, name: string): PlannedChange {
  const change = values(resource.change);
  const address = text(resource.address);
  if (address === undefined) throw unreadable(name, 'a resource change has no address');
  return {
    address,
    mode: resource.mode === 'data' ? 'data' : 'managed',
    type: text(resource.type) ?? '',
    provider: text(resource.provider_name),
    action: actionOf(change.actions, name),
    before: object(change.before),
    after: object(change.after),
    unknown: values(change.after_unknown),
    importing: change.importing === undefined ? undefined : importedFrom(values(change.importing)),
    previousAddress: text(resource.previous_address),
  };
}

/** No id of anything is in parentheses. */
function importedFrom({ id, ...more }: Values): string {
  return Object.keys(more).length === 0 ? (text(id) ?? '(no id)') : '(an id and more)';
}

const ACTIONS: readonly string[] = ['create', 'update', 'delete', 'forget', 'read', 'no-op'];

/** `delete` with `create` in either order is a replacement, and so is `create` with `forget`. */
function actionOf(value: unknown, name: string): PlannedAction {
  const actions = list(value);
  const strange = actions.find((action) => typeof action !== 'string' || !ACTIONS.includes(action));
  if (strange !== undefined) throw unreadable(name, 'a change has an action that this version does not support');
  if (actions.length > 1) return 'replace';
  return (actions[0] ?? 'no-op') as PlannedAction;
}

const object = (value: unknown): Values | undefined =>
  typeof value === 'object' && value !== null ? values(value) : undefined;

function stateOf(state: Values): readonly StateResource[] {
  const all = modules(values(state.root_module), (module) => list(module.child_modules).map(values));
  return all.flatMap((module) =>
    list(module.resources).map((resource) => {
      const { address, mode, type, values: held } = values(resource);
      return { address: text(address) ?? '', mode: text(mode) ?? '', type: text(type) ?? '', values: values(held) };
    }),
  );
}

/** A module and all of its descendants. A loop, because a hostile plan may nest them deeper than the stack. */
function modules(root: Values, below: (module: Values) => readonly Values[]): readonly Values[] {
  const found: Values[] = [root];
  for (let index = 0; index < found.length; index += 1) {
    const module = found[index];
    if (module) found.push(...below(module));
  }
  return found;
}
