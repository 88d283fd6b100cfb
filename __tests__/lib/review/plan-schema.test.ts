import fc from 'fast-check';
import { KeyturnError } from '../../../lib/errors';
import type { ExpectedStacks } from '../../../lib/review/expectation/expectation';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { reviewPlans } from '../../../lib/review/review';
import { reviewMarkdown } from '../../../lib/review/review-markdown';
import { plain } from '../../../lib/review/review-messages';
import type { Rotation } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundAsRecorded } from '../../e2e/recorded-keys';
import { readRecord } from '../../e2e/recorded-plans';
import { SCENES, type SceneName } from '../../e2e/review-scenes';
import { SLOW } from '../../runner/slow';
import { keyChange, planText, reviewWhole } from './plan-texts';

type Json = Record<string, unknown>;

const NOW = new Date('2026-11-28T12:00:00Z');
/** The scenes in which nobody changed anything by hand. */
const CLEAN: readonly SceneName[] = ['first storage', 'unchanged keys', 'switch', 'way back'];

interface Scene {
  readonly rotation: Rotation;
  readonly expected: ExpectedStacks;
  readonly json: string;
}

let scenes: readonly Scene[];
beforeAll(async () => {
  const record = readRecord();
  scenes = await Promise.all(
    CLEAN.map(async (name) => {
      const rotation = boundAsRecorded(await parseRotation(SCENES[name].rotation, 'rotation.yaml', { now: NOW }));
      // What it was recorded of; that this is what is synthesized now, the test of the record says.
      const stack = JSON.stringify(record.get(name)?.stackFile);
      return { rotation, expected: { keys: stack, storage: stack }, json: record.get(name)?.json ?? '' };
    }),
  );
});

function verdictOf({ rotation, expected }: Scene, json: string) {
  const { verdict, findings } = reviewPlans({
    rotation,
    expected,
    rotationFile: 'rotation.yaml',
    plans: [{ plan: readPlanDocument(json, 'plan.json') }],
    now: NOW,
    rollbackTo: rotation.activeVersion,
  });
  return { verdict, rules: [...new Set(findings.map(({ rule }) => rule))], findings };
}

/** The same; undefined where it is not even read as a plan. */
function refusalOf(scene: Scene, json: string) {
  try {
    return verdictOf(scene, json);
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

/** Every object of a plan, the deepest too. */
function objectsIn(value: unknown, found: Json[] = []): Json[] {
  if (typeof value !== 'object' || value === null) return found;
  if (!Array.isArray(value)) found.push(value as Json);
  for (const one of Object.values(value)) objectsIn(one, found);
  return found;
}

/** Where an object stands in a plan. */
function pathOf(value: unknown, wanted: Json, path = ''): string | undefined {
  if (value === wanted) return path;
  if (typeof value !== 'object' || value === null) return undefined;
  const below = Object.entries(value).map(([name, one]) => pathOf(one, wanted, `${path}/${name}`));
  return below.find((one) => one !== undefined);
}

describe('a plan that Terraform wrote', () => {
  it('has nothing unknown in it, and lacks only its plan file', () => {
    expect(scenes.map((scene) => verdictOf(scene, scene.json).rules)).toEqual(CLEAN.map(() => ['KT063']));
  });

  it(
    'is not clean with any member added anywhere, whether or not it has its plan file',
    () => {
      const parsed = scenes.map(({ json }) => JSON.parse(json) as Json);
      const known = [...new Set(parsed.flatMap((plan) => objectsIn(plan).flatMap(Object.keys)))];
      const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(true, false, null, '', 'x', 1, [], {}));
      const name = fc.oneof(fc.constantFrom(...known), fc.stringMatching(/^[a-z_]{1,12}$/));
      const added = fc.record({ scene: fc.nat(CLEAN.length - 1), place: fc.nat(), name, value: values });
      fc.assert(
        fc.property(added, ({ scene, place, name, value }) => {
          const { json } = scenes[scene] ?? scenes[0] ?? { json: '{}' };
          const plan = JSON.parse(json) as Json;
          const objects = objectsIn(plan);
          const at = objects[place % objects.length] ?? plan;
          fc.pre(!Object.hasOwn(at, name));
          Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
          const found = refusalOf(scenes[scene] as Scene, JSON.stringify(plan));
          if (found?.rules.every((rule) => rule === 'KT063'))
            throw new Error(`${found.verdict}: ${name} at ${pathOf(plan, at)}`);
        }),
        { numRuns: SLOW ? 10_000 : 100 },
      );
    },
    SLOW ? 1_800_000 : 60_000,
  );
});

describe('a member that no stack of a rotation causes', () => {
  const found = async (plan: string) =>
    (await reviewWhole(plan)).findings.map(({ rule, message }) => `${rule} ${plain(message)}`);
  const invocation = { address: 'action.aws_lambda_invoke.anything', type: 'aws_lambda_invoke', name: 'anything' };

  it.each([
    ['an action that is invoked', { action_invocations: [invocation] }, 'KT056 action_invocations invokes an action'],
    [
      'an action that may be invoked later',
      { deferred_action_invocations: [{ reason: 'x', action_invocation: invocation }] },
      'KT056 deferred_action_invocations invokes an action',
    ],
    ['an action that is declared', root({ actions: [invocation] }), 'KT056 configuration.root_module.actions invokes'],
    ['a deferred change', { deferred_changes: [{ reason: 'x' }] }, 'KT056 deferred_changes is deferred'],
    ['a variable', { variables: { x: { value: 1 } } }, 'KT056 variables sets variables'],
    [
      'an ephemeral resource',
      root({ resources: [{ address: 'ephemeral.x.y', mode: 'ephemeral', type: 'x', name: 'y' }] }),
      'KT055 configuration.root_module.resources[0].mode is "ephemeral"',
    ],
    [
      'a data source of another type',
      root({
        resources: [
          {
            address: 'data.aws_secretsmanager_secret_version.s',
            mode: 'data',
            type: 'aws_secretsmanager_secret_version',
          },
        ],
      }),
      'KT071 data.aws_secretsmanager_secret_version.s is read',
    ],
    [
      'a check that failed',
      { checks: [{ address: { kind: 'check' }, status: 'fail' }] },
      'KT055 checks[0].status is "fail"',
    ],
    ['a member of a later format', { provider_meta: {} }, 'KT055 provider_meta is a member'],
    ['a later format', { format_version: '1.3' }, 'KT055 format_version is 1.3'],
  ])('is refused by name: %s', async (_, more, expected) => {
    expect(await found(planText([keyChange()], more))).toContainEqual(expect.stringContaining(expected));
  });

  it.each([
    [
      'an import',
      keyChange({ importing: { id: 'alias/x' } }),
      'KT056 resource_changes[0].change.importing is an import',
    ],
    [
      'a move',
      keyChange({}, { previous_address: 'aws_kms_external_key.other' }),
      'KT056 resource_changes[0].previous_address is a move',
    ],
    ['an object left behind', keyChange({}, { deposed: 'abc' }), 'KT056 resource_changes[0].deposed'],
    [
      'an unknown reason',
      keyChange({}, { action_reason: 'because' }),
      'KT055 resource_changes[0].action_reason is "because"',
    ],
    [
      'a reason of another action',
      keyChange({}, { action_reason: 'replace_by_request' }),
      'KT057 resource_changes[0].action_reason',
    ],
    ['no action', keyChange({ actions: [] }), 'KT055 resource_changes[0].change.actions is a list of actions'],
    ['two updates', keyChange({ actions: ['update', 'update'] }), 'KT055 resource_changes[0].change.actions'],
  ])('is refused by name: %s', async (_, change, expected) => {
    expect(await found(planText([change]))).toContainEqual(expect.stringContaining(expected));
  });

  it('refuses a member that stands twice in the text, of which one reader sees the first and another the last', async () => {
    const text = planText([keyChange()]).replace(
      '"terraform_version"',
      '"errored":true,"errored":false,"terraform_version"',
    );
    expect(await found(text)).toContain('KT057 the member errored stands in it twice');
  });
});

describe('the default tags of the provider', () => {
  const team = { team: 'ledger' };
  const own = { 'keyturn:rotation': 'test' };
  const review = (before: Json | null, after: Json, defaultTags?: Record<string, string>) => {
    const change = {
      actions: [before === null ? 'create' : 'update'],
      before,
      after: { deletion_window_in_days: 30, ...after },
    };
    return reviewWhole(planText([keyChange(change)]), {}, { aws: { defaultTags } });
  };
  const contradicted = async (...args: Parameters<typeof review>) =>
    (await review(...args)).findings.flatMap(({ rule, message }) =>
      rule === 'KT057' && plain(message).includes('tags_all') ? [plain(message)] : [],
    );

  it('are part of tags_all after the apply, and no other tag is', async () => {
    const tagged = { tags: own, tags_all: { ...team, ...own } };
    expect(await contradicted(null, tagged, team)).toEqual([]);
    for (const other of [{ team: 'other' }, undefined])
      expect(await contradicted(null, tagged, other)).toEqual([expect.stringContaining('after.tags_all')]);
    expect(await contradicted(null, { tags: own, tags_all: own }, team)).toHaveLength(1);
    expect(await contradicted(null, { tags: own, tags_all: { ...team, ...own, x: 'y' } }, team)).toHaveLength(1);
  });

  it('may be others before it, where the rotation file has or had some', async () => {
    const before = { tags: own, tags_all: { team: 'before', ...own } };
    expect(await contradicted(before, { tags: own, tags_all: { ...team, ...own } }, team)).toEqual([]);
    expect(await contradicted(before, { tags: own, tags_all: own }, {})).toEqual([]);
    expect(await contradicted(before, { tags: own, tags_all: own })).toHaveLength(1);
    expect(
      await contradicted({ tags: own, tags_all: team }, { tags: own, tags_all: { ...team, ...own } }, team),
    ).toHaveLength(1);
  });

  it('are shown where they change, and tags are shown once', async () => {
    const before = { deletion_window_in_days: 30, tags: own, tags_all: own };
    const markdown = reviewMarkdown(
      await review(before, { tags: { ...own, a: 'b' }, tags_all: { ...team, ...own, a: 'b' } }, team),
    );
    expect(markdown).toContain('tags.a `(unset)` → `b`; tags all.team `(unset)` → `ledger`');
    expect(markdown).not.toContain('tags all.a');
  });
});

describe('an import that the rotation file implies', () => {
  const takeOver = 'arn:aws:kms:ap-northeast-1:111122223333:key/12345678-1234-1234-1234-123456789012';
  const id = '12345678-1234-1234-1234-123456789012';
  const taken = { keyVersions: [{ name: 'v1', takeOver }] };
  const imports = async (importing: Json, file: Json, more: Json = {}) => {
    const plan = planText([keyChange({ actions: ['no-op'], before: {}, after: {}, importing }, more)]);
    const { findings } = await reviewWhole(plan, {}, file);
    return findings.filter(({ rule }) => rule === 'KT056').length;
  };

  it('is one that the stack declares', async () => expect(await imports({ id }, taken)).toBe(0));

  it.each<[string, Json, Json, Json]>([
    ['of a file that takes nothing over', { id }, {}, {}],
    ['of another key', { id: id.replace('1', '2') }, taken, {}],
    ['by its ARN', { id: takeOver }, taken, {}],
    ['without an id', {}, taken, {}],
    ['with something beside the id', { id, identity: {} }, taken, {}],
    ['into another version', { id }, taken, { address: 'aws_kms_external_key.version_v2', name: 'version_v2' }],
  ])('refuses an import %s', async (_name, importing, file, more) => {
    expect(await imports(importing, file, more)).toBeGreaterThan(0);
  });
});

function root(module: Json): Json {
  return { configuration: { root_module: module } };
}
