import { text, type Values, values } from '../plan-values';
import { words } from '../review-messages';
import { type Attributes, DATA_TYPES, RESOURCE_TYPES } from './resource-attributes';
import {
  anything,
  attributesOf,
  excluded,
  type Fault,
  listOf,
  maskOf,
  nullable,
  object,
  oneOf,
  type Report,
  recordOf,
  type Shape,
  scalar,
} from './shape';

/** The minor versions of format 1 whose members are listed here. */
const FORMATS = /^1\.[0-2]$/;

/** Every list of actions that Terraform plans. */
const ACTIONS: ReadonlySet<string> = new Set([
  'no-op',
  'create',
  'read',
  'update',
  'delete',
  'forget',
  'delete,create',
  'create,delete',
  'create,forget',
]);

const REASONS = [
  'replace_because_tainted',
  'replace_because_cannot_update',
  'replace_by_request',
  'replace_by_triggers',
  'delete_because_no_resource_config',
  'delete_because_wrong_repetition',
  'delete_because_count_index',
  'delete_because_each_key',
  'delete_because_no_module',
  'delete_because_no_move_target',
  'read_because_config_unknown',
  'read_because_dependency_pending',
  'read_because_check_nested',
] as const;

const MODULE = excluded('belongs to a module');
const REPEATED = excluded('belongs to a resource with count or for_each');
const ACTION = excluded('invokes an action of a provider');
const DEFERRED = excluded('is deferred to a later plan');

const actions: Shape = (value, at, report) => {
  if (!Array.isArray(value) || !ACTIONS.has(value.join(',')))
    report(at, words`is a list of actions that this review does not know`);
};

const sensitive: Shape = (value, at, report) => {
  if (value !== false) report(at, words`hides a value`);
};

const output = object({ sensitive, value: scalar, type: scalar });

/** The schema of the resource's type; undefined: it is no type that the stacks declare. */
function typeOf(resource: Values): Attributes | undefined {
  const types = resource.mode === 'data' ? DATA_TYPES : RESOURCE_TYPES;
  const type = text(resource.type) ?? '';
  return Object.hasOwn(types, type) ? types[type] : undefined;
}

const modeOf = oneOf('managed', 'data');

/** A resource whose members depend on its type. */
const typed =
  (shape: (known: Attributes) => Shape): Shape =>
  (value, at, report) => {
    const known = typeOf(values(value));
    if (known) return shape(known)(value, at, report);
    report(`${at}.type`, words`is ${text(values(value).type) ?? '(none)'}, which no stack of a rotation declares`);
  };

const change = (known: Attributes): Shape =>
  object({
    actions,
    before: nullable(attributesOf(known)),
    after: nullable(attributesOf(known)),
    after_unknown: maskOf(known, 'unknown'),
    before_sensitive: maskOf(known, 'sensitive'),
    after_sensitive: maskOf(known, 'sensitive'),
    replace_paths: listOf(listOf(scalar)),
    importing: excluded('is an import'),
    generated_config: excluded('is a configuration that Terraform generated'),
  });

const resourceChange = typed((known) =>
  object({
    address: scalar,
    previous_address: excluded('is a move from another address'),
    module_address: MODULE,
    mode: modeOf,
    type: scalar,
    name: scalar,
    index: REPEATED,
    provider_name: scalar,
    deposed: excluded('is an object that an earlier apply left behind'),
    change: change(known),
    action_reason: oneOf(...REASONS),
  }),
);

const resource = (more: Readonly<Record<string, Shape>>): Shape =>
  typed((known) =>
    object({
      ...more,
      address: scalar,
      mode: modeOf,
      type: scalar,
      name: scalar,
      index: REPEATED,
      provider_name: scalar,
      schema_version: scalar,
      values: attributesOf(known),
      sensitive_values: maskOf(known, 'sensitive'),
      tainted: excluded('is marked as tainted'),
      deposed_key: excluded('is an object that an earlier apply left behind'),
    }),
  );

const state = (more: Readonly<Record<string, Shape>>): Shape =>
  object({
    outputs: recordOf(output),
    root_module: object({ resources: listOf(resource(more)), child_modules: MODULE, address: MODULE }),
  });

/** Expressions are compared with the stack file. */
const configured = object({
  address: scalar,
  mode: modeOf,
  type: scalar,
  name: scalar,
  provider_config_key: scalar,
  provisioners: excluded('has provisioners'),
  expressions: anything,
  schema_version: scalar,
  count_expression: REPEATED,
  for_each_expression: REPEATED,
  depends_on: listOf(scalar),
});

const configuration = object({
  provider_config: recordOf(
    object({ name: scalar, full_name: scalar, alias: scalar, version_constraint: scalar, expressions: anything }),
  ),
  root_module: object({
    outputs: recordOf(object({ expression: anything, description: scalar, sensitive, depends_on: listOf(scalar) })),
    resources: listOf(configured),
    module_calls: MODULE,
    variables: excluded('declares variables'),
    actions: ACTION,
  }),
});

const checkAddress = { to_display: scalar, instance_key: REPEATED, module: MODULE };
const passed = oneOf('pass', 'unknown');
const checks = listOf(
  object({
    address: object({ ...checkAddress, kind: oneOf('resource'), mode: modeOf, type: scalar, name: scalar }),
    status: passed,
    instances: listOf(object({ address: object(checkAddress), status: passed, problems: listOf(anything) })),
  }),
);

const flagOnly: Shape = (value, at, report) => {
  if (typeof value !== 'boolean') report(at, words`is not a mask`);
};

const outputChange = object({
  actions,
  before: scalar,
  after: scalar,
  after_unknown: flagOnly,
  before_sensitive: sensitive,
  after_sensitive: sensitive,
});

const PLAN = object({
  format_version: (value, at, report) => {
    if (!FORMATS.test(text(value) ?? ''))
      report(at, words`is ${text(value) ?? '(none)'}, which this review does not know`);
  },
  terraform_version: scalar,
  variables: excluded('sets variables'),
  planned_values: state({}),
  resource_drift: listOf(resourceChange),
  resource_changes: listOf(resourceChange),
  deferred_changes: DEFERRED,
  output_changes: recordOf(outputChange),
  action_invocations: ACTION,
  deferred_action_invocations: ACTION,
  prior_state: object({
    format_version: scalar,
    terraform_version: scalar,
    values: state({ depends_on: listOf(scalar) }),
  }),
  configuration,
  relevant_attributes: listOf(object({ resource: scalar, attribute: listOf(scalar) })),
  checks,
  timestamp: scalar,
  applyable: scalar,
  complete: scalar,
  errored: scalar,
});

/** More are counted, not listed: a plan of thousands of strange resources is refused by the first. */
const MOST_FAULTS = 200;

/**
 * Every place of a JSON plan (format 1.0 to 1.2) that Terraform never writes, that this version does not know, or that
 * no stack of a rotation causes.
 *
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 */
export function formatFaults(plan: Values): readonly Fault[] {
  const found: Fault[] = [];
  const report: Report = (path, what, kind = 'strange') => {
    if (found.length < MOST_FAULTS) found.push({ path, kind, what, address: addressAt(plan, path) });
  };
  PLAN(plan, '', report);
  return found;
}

/** Address of the resource at `resource_changes[3].change`, or in one of the other lists of resources. */
function addressAt(plan: Values, path: string): string | undefined {
  const [, place = '', index = ''] =
    /^(resource_changes|resource_drift|planned_values\.root_module\.resources|prior_state\.values\.root_module\.resources|configuration\.root_module\.resources)\[(\d+)\]/.exec(
      path,
    ) ?? [];
  if (index === '') return undefined;
  const at = place.split('.').reduce<unknown>((held, step) => values(held)[step], plan);
  return text(values((at as readonly unknown[])[Number(index)]).address);
}
