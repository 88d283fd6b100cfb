import { list, same, text, type Values, values } from '../plan-values';
import { type Words, words } from '../review-messages';
import { SENSITIVE_ATTRIBUTES } from './resource-attributes';
import type { Fault } from './shape';

/**
 * A JSON plan states most facts twice: a value after the apply also stands under `planned_values`, a value before it under
 * `prior_state`. Where the two differ, one of them was changed after Terraform wrote the plan.
 *
 * @param defaultTags - of the provider; {}: resources may have some from before. Absent: there never were any
 */
export function contradictions(plan: Values, defaultTags?: DefaultTags): readonly Fault[] {
  const faults: Fault[] = [];
  const add = (path: string, what: Words, address?: string): void => {
    faults.push({ path, kind: 'strange', what, address });
  };
  const changes = list(plan.resource_changes).map(values);
  repeated(changes, add);
  for (const [index, one] of changes.entries()) {
    changeContradicts(one, `resource_changes[${index}]`, add);
    tagsContradict(one, `resource_changes[${index}].change`, add, defaultTags);
  }
  for (const [index, one] of list(plan.resource_drift).map(values).entries()) {
    maskContradicts(one, `resource_drift[${index}].change`, add);
    // What AWS has now, and had before: whose tags those are that a resource does not set, nothing in the plan says.
    tagsContradict(one, `resource_drift[${index}].change`, add, defaultTags && {});
  }
  if (plan.planned_values !== undefined) plannedContradicts(plan, changes, add);
  if (plan.prior_state !== undefined && plan.complete !== false) priorContradicts(plan, changes, add);
  outputsContradict(plan, add);
  return faults;
}

type DefaultTags = Readonly<Record<string, string>>;
type Add = (path: string, what: Words, address?: string) => void;

const addressOf = (resource: Values): string => text(resource.address) ?? '';

function repeated(changes: readonly Values[], add: Add): void {
  const seen = new Set<string>();
  for (const [index, one] of changes.entries()) {
    const address = addressOf(one);
    if (seen.has(address)) add(`resource_changes[${index}]`, words`is a second change of ${address}`, address);
    seen.add(address);
    if (one.type !== undefined && one.name !== undefined && address !== impliedAddress(one))
      add(`resource_changes[${index}].address`, words`is ${address}, not ${impliedAddress(one)}`, address);
  }
}

const impliedAddress = ({ mode, type, name }: Values): string =>
  `${mode === 'data' ? 'data.' : ''}${String(type)}.${String(name)}`;

function changeContradicts(resource: Values, path: string, add: Add): void {
  const { actions, before, after } = values(resource.change);
  const address = addressOf(resource);
  const [only, second] = list(actions);
  if (only === 'no-op' && !same(before, after))
    add(`${path}.change`, words`is no change, but before and after differ`, address);
  const creates = only === 'create' && second === undefined;
  if (creates && before !== null && before !== undefined) add(`${path}.change.before`, words`exists already`, address);
  const ends = second === undefined && (only === 'delete' || only === 'forget');
  if (ends && after !== null && after !== undefined) add(`${path}.change.after`, words`still exists`, address);
  const kind = second === undefined ? String(only) : 'replace';
  const reason = text(resource.action_reason);
  // The reason of what is forgotten is that of a deletion.
  if (reason !== undefined && !reason.startsWith(`${kind === 'forget' ? 'delete' : kind}_`))
    add(`${path}.action_reason`, words`is ${reason}, but the action is ${kind}`, address);
  const paths = values(resource.change).replace_paths;
  if (paths !== undefined && kind !== 'replace')
    add(`${path}.change.replace_paths`, words`is there, but the action is ${kind}`, address);
  maskContradicts(resource, `${path}.change`, add);
}

/** Tags are given twice: `tags_all` has those of the provider besides, and before the apply those that it had then. */
function tagsContradict(resource: Values, path: string, add: Add, defaults: DefaultTags | undefined): void {
  const { before, after } = values(resource.change);
  for (const [side, held] of Object.entries({ before, after })) {
    const { tags, tags_all } = values(held);
    if (tags_all === undefined || tags_all === null) continue;
    const expected = { ...defaults, ...values(tags) };
    const hasAll = Object.entries(side === 'after' ? expected : values(tags)).every(
      ([name, value]) => values(tags_all)[name] === value,
    );
    const mayHaveMore = defaults !== undefined && (side === 'before' || Object.keys(defaults).length === 0);
    const isTold = mayHaveMore ? hasAll : same(expected, tags_all);
    if (!isTold) add(`${path}.${side}.tags_all`, words`is not what tags says`, addressOf(resource));
  }
}

/** A value cannot be known and known later at once. */
function maskContradicts(resource: Values, path: string, add: Add): void {
  const { after, after_unknown } = values(resource.change);
  const masked = (mask: unknown, value: unknown): boolean => {
    if (mask === true) return value !== undefined && value !== null;
    if (typeof mask !== 'object' || mask === null) return false;
    if (Array.isArray(mask)) return mask.some((one, index) => masked(one, list(value)[index]));
    return Object.entries(mask).some(([name, one]) => masked(one, values(value)[name]));
  };
  if (masked(after_unknown, after))
    add(`${path}.after_unknown`, words`masks a value that is known`, addressOf(resource));
  const { actions, before, before_sensitive, after_sensitive } = values(resource.change);
  if (list(actions)[0] === 'no-op' && !same(after_unknown ?? {}, {}))
    add(`${path}.after_unknown`, words`is not empty, but nothing changes`, addressOf(resource));
  const masks = [
    ['after_unknown', after_unknown, after, {}],
    ['before_sensitive', before_sensitive, before, {}],
    ['after_sensitive', after_sensitive, after, after_unknown],
  ] as const;
  for (const [name, mask, held, later] of masks)
    for (const attribute of emptyMasks(mask, held, later))
      add(`${path}.${name}.${attribute}`, words`masks nothing`, addressOf(resource));
}

/** Attributes with a mask of a list or an object, where there is none and none will be. */
function emptyMasks(mask: unknown, held: unknown, later: unknown): readonly string[] {
  return Object.entries(values(mask))
    .filter(
      ([name, one]) => typeof one === 'object' && (values(held)[name] ?? null) === null && values(later)[name] !== true,
    )
    .map(([name]) => name);
}

const resourcesOf = (state: unknown): readonly Values[] =>
  list(values(values(state).root_module).resources).map(values);

/** What is sensitive in a state, and in the change that it repeats. */
function sameMask({ sensitive_values }: Values, mask: unknown): boolean {
  if (sensitive_values === undefined || mask === undefined) return true;
  // Terraform marks what the provider declares sensitive in one of the two places only, for a resource that is replaced.
  const others = (held: unknown): Values =>
    Object.fromEntries(Object.entries(values(held)).filter(([name]) => !SENSITIVE_ATTRIBUTES.has(name)));
  return same(others(sensitive_values), others(mask));
}

function isPrior(held: Values, { actions, before, before_sensitive }: Values): boolean {
  // Terraform does not refresh what it is about to destroy for lack of a configuration.
  if (list(actions)[0] === 'delete') return true;
  return same(held.values, before) && sameMask(held, before_sensitive);
}

function plannedContradicts(plan: Values, changes: readonly Values[], add: Add): void {
  const planned = new Map(resourcesOf(plan.planned_values).map((one) => [addressOf(one), one]));
  const left = changes.filter(({ mode, change }) => mode === 'managed' && typeof values(change).after === 'object');
  for (const one of left) {
    const { after } = values(one.change);
    const address = addressOf(one);
    if (after === null) continue;
    const held = planned.get(address);
    if (!held) add('planned_values', words`lacks ${address}`, address);
    else if (!same(held.values, after) || !sameMask(held, values(one.change).after_sensitive))
      add('planned_values', words`gives ${address} other values than its change`, address);
  }
  // What is forgotten stays under planned_values.
  const stays = ({ change }: Values): boolean =>
    values(change).after !== null || list(values(change).actions)[0] === 'forget';
  const known = new Set(changes.filter(stays).map(addressOf));
  for (const address of planned.keys())
    if (!known.has(address)) add('planned_values', words`holds ${address}, which is in no change`, address);
}

function priorContradicts(plan: Values, changes: readonly Values[], add: Add): void {
  const prior = new Map(resourcesOf(values(plan.prior_state).values).map((one) => [addressOf(one), one]));
  const existing = changes.filter(({ change }) => (values(change).before ?? null) !== null);
  for (const one of existing) {
    const address = addressOf(one);
    const held = prior.get(address);
    if (!held) add('prior_state', words`lacks ${address}`, address);
    else if (!isPrior(held, values(one.change)))
      add('prior_state', words`gives ${address} other values than its change`, address);
  }
  const known = new Set(existing.map(addressOf));
  for (const [address, { mode, values: held, sensitive_values }] of prior) {
    if (mode === 'managed' && !known.has(address))
      add('prior_state', words`holds ${address}, which is in no change`, address);
    for (const attribute of emptyMasks(sensitive_values, held, {}))
      add(`prior_state: ${attribute}`, words`of ${address} is masked, but is not there`, address);
  }
}

function outputsContradict(plan: Values, add: Add): void {
  const changes = values(plan.output_changes);
  if (plan.planned_values !== undefined) {
    const planned = values(values(plan.planned_values).outputs);
    for (const [name, change] of Object.entries(changes)) {
      const { actions, after } = values(change);
      const gone = list(actions)[0] === 'delete';
      if (gone !== !Object.hasOwn(planned, name) || !same(values(planned[name]).value ?? null, after ?? null))
        add('planned_values.outputs', words`differs from the change of output ${name}`);
    }
    for (const name of Object.keys(planned))
      if (!Object.hasOwn(changes, name)) add('planned_values.outputs', words`holds ${name}, which is in no change`);
  }
  const prior = plan.complete === false ? {} : values(values(values(plan.prior_state).values).outputs);
  for (const [name, held] of Object.entries(prior)) {
    const { before, after } = values(changes[name]);
    const value = values(held).value ?? null;
    if (!Object.hasOwn(changes, name) || !(same(value, before ?? null) || same(value, after ?? null)))
      add('prior_state.values.outputs', words`differs from the change of output ${name}`);
  }
  for (const [name, change] of Object.entries(changes)) {
    const { actions, before, after } = values(change);
    if (list(actions)[0] === 'no-op' && !same(before ?? null, after ?? null))
      add(`output_changes.${name}`, words`is no change, but before and after differ`);
  }
}
