/**
 * Plans as Terraform 1.14 and later writes them: the recorded ones with that version, and what its JSON format has beyond
 * 1.11, by hand from its documentation. No such Terraform has run here.
 *
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 */
import { readPlanDocument } from '../../../lib/review/plan-document';
import { reviewPlans } from '../../../lib/review/review';
import { plain } from '../../../lib/review/review-messages';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundAsRecorded, keyArn } from '../../e2e/recorded-keys';
import { readRecord } from '../../e2e/recorded-plans';
import { SCENES, type SceneName } from '../../e2e/review-scenes';

type Json = Record<string, unknown>;
interface Plan extends Json {
  resource_changes: { change: Json & { after: Json | null } }[];
  prior_state: { values: { root_module: { resources: Json[] } } };
  configuration: { root_module: Json & { resources: Json[] } };
}

const PHASES: readonly SceneName[] = ['unchanged keys', 'first storage', 'switch', 'way back'];
const NOW = new Date('2026-11-28T12:00:00Z');
const record = readRecord();

async function found(scene: SceneName, change: (plan: Plan) => void): Promise<readonly string[]> {
  const plan = JSON.parse(record.get(scene)?.json ?? '{}') as Plan;
  change(plan);
  const stack = JSON.stringify(record.get(scene)?.stackFile);
  const rotation = boundAsRecorded(await parseRotation(SCENES[scene].rotation, 'rotation.yaml', { now: NOW }));
  const { findings } = reviewPlans({
    rotation,
    rotationFile: 'rotation.yaml',
    expected: { keys: stack, storage: stack },
    plans: [{ plan: readPlanDocument(JSON.stringify(plan), 'plan.json') }],
    now: NOW,
    rollbackTo: rotation.activeVersion,
  });
  return findings
    .filter(({ rule }) => rule !== 'KT063')
    .map(({ rule, severity, message }) => `${severity} ${rule} ${plain(message)}`);
}

const made = (plan: Plan): void => {
  plan.terraform_version = '1.14.3';
};

describe.each(['1.12.2', '1.14.3', '1.15.0'])('a plan of Terraform %s', (version) => {
  it.each(PHASES)('has nothing to decide in a clean rotation: %s', async (scene) => {
    const changed = (plan: Plan) => {
      plan.terraform_version = version;
      Object.assign(plan.prior_state, { terraform_version: version });
    };
    expect(await found(scene, changed)).toEqual([]);
  });
});

const invocation = {
  address: 'action.aws_lambda_invoke.after',
  type: 'aws_lambda_invoke',
  name: 'after',
  config_values: { function_name: 'anything', payload: '{}' },
  config_sensitive: {},
  config_unknown: {},
  provider_name: 'registry.terraform.io/hashicorp/aws',
  lifecycle_action_trigger: {
    triggering_resource_address: 'aws_kms_alias.main',
    action_trigger_event: 'AfterUpdate',
    action_trigger_block_index: 0,
    actions_list_index: 0,
  },
};

const firstChange = ({ resource_changes: [one] }: Plan) => one ?? { change: { after: null } };
const firstState = ({ prior_state: { values } }: Plan): Json => values.root_module.resources[0] ?? {};
const identity = { account_id: '123456789012', region: 'ap-northeast-1', name: 'alias/payroll' };

describe('what Terraform 1.12 to 1.15 added is refused by name', () => {
  it.each<[string, (plan: Plan) => void, string]>([
    [
      'an action that a change triggers',
      (plan) => Object.assign(plan, { action_invocations: [invocation] }),
      'error KT056 action_invocations invokes an action of a provider',
    ],
    [
      'an action that was asked for by -invoke',
      (plan) => Object.assign(plan, { action_invocations: [{ ...invocation, invoke_action_trigger: {} }] }),
      'error KT056 action_invocations invokes an action of a provider',
    ],
    [
      'an action that is deferred',
      (plan) =>
        Object.assign(plan, {
          deferred_action_invocations: [{ reason: 'deferred_prereq', action_invocation: invocation }],
        }),
      'error KT056 deferred_action_invocations invokes an action',
    ],
    [
      'an action in the configuration',
      (plan) => Object.assign(plan.configuration.root_module, { actions: [invocation] }),
      'error KT056 configuration.root_module.actions invokes an action',
    ],
    [
      'a trigger of an action in a resource',
      (plan) => Object.assign(plan.configuration.root_module.resources[0] ?? {}, { action_triggers: [{}] }),
      'error KT055 configuration.root_module.resources[0].action_triggers is a member',
    ],
    [
      'a change that is deferred',
      (plan) =>
        Object.assign(plan, {
          deferred_changes: [{ reason: 'provider_config_unknown', resource_change: firstChange(plan) }],
        }),
      'error KT056 deferred_changes is deferred to a later plan',
    ],
    ['a plan that is not complete', (plan) => Object.assign(plan, { complete: false }), 'error KT053'],
    [
      'an ephemeral resource',
      (plan) =>
        plan.configuration.root_module.resources.push({
          address: 'ephemeral.aws_kms_secrets.all',
          mode: 'ephemeral',
          type: 'aws_kms_secrets',
          name: 'all',
        }),
      'mode is "ephemeral"',
    ],
    [
      'a list of a query',
      (plan) =>
        plan.configuration.root_module.resources.push({
          address: 'list.aws_kms_alias.all',
          mode: 'list',
          type: 'aws_kms_alias',
          name: 'all',
        }),
      'mode is "list"',
    ],
    [
      'an identity after a change, which the declared provider does not have',
      (plan) => Object.assign(firstChange(plan).change, { after_identity: identity }),
      'error KT055 resource_changes[0].change.after_identity is a member',
    ],
    [
      'an identity before a change',
      (plan) => Object.assign(firstChange(plan).change, { before_identity: identity }),
      'error KT055 resource_changes[0].change.before_identity is a member',
    ],
    [
      'an identity in the state',
      (plan) => Object.assign(firstState(plan), { identity_schema_version: 0, identity }),
      'error KT055 prior_state.values.root_module.resources[0].identity',
    ],
    [
      'an import by identity',
      (plan) => Object.assign(firstChange(plan).change, { importing: { identity } }),
      'error KT056 resource_changes[0].change.importing is an import',
    ],
    [
      'an import of what is not known yet',
      (plan) => Object.assign(firstChange(plan).change, { importing: { unknown: true } }),
      'error KT056 resource_changes[0].change.importing is an import',
    ],
    [
      'a write-only attribute',
      (plan) => Object.assign(firstChange(plan).change.after ?? {}, { target_key_id_wo_version: 1 }),
      'error KT055 resource_changes[0].change.after.target_key_id_wo_version',
    ],
    [
      'a write-only argument in the configuration',
      (plan) =>
        Object.assign(plan.configuration.root_module.resources[0] ?? {}, {
          expressions: { key_material_base64_wo: { constant_value: 'x' } },
        }),
      'error KT061 the configuration in the plan: ',
    ],
    [
      'a check block',
      (plan) =>
        Object.assign(plan, {
          checks: [{ address: { kind: 'check', to_display: 'check.x', name: 'x' }, status: 'pass' }],
        }),
      'error KT055 checks[0].address.kind is "check"',
    ],
    [
      'a reason of a later version',
      (plan) => Object.assign(firstChange(plan), { action_reason: 'replace_because_identity' }),
      'error KT055 resource_changes[0].action_reason is "replace_because_identity"',
    ],
    ['a later format', (plan) => Object.assign(plan, { format_version: '1.3' }), 'error KT055 format_version is 1.3'],
  ])('%s', async (_, change, expected) => {
    const lines = await found('switch', (plan) => {
      made(plan);
      change(plan);
    });
    expect(lines).toContainEqual(expect.stringContaining(expected));
    expect(lines.some((line) => line.startsWith('error '))).toBe(true);
  });
});

it('is read with the keys that its phases are about', () => {
  expect(record.get('switch')?.json).toContain(keyArn('v2'));
});
