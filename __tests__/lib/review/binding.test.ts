/** What the review makes of `rotation.lock.json`, on plans of real Terraform. */
import { readPlanDocument } from '../../../lib/review/plan-document';
import { type Review, type ReviewInput, reviewPlans } from '../../../lib/review/review';
import { reviewMarkdown } from '../../../lib/review/review-markdown';
import { plain } from '../../../lib/review/review-messages';
import type { BoundVersion, Rotation } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundAsRecorded, boundVersion, KEY_IDS, keyArn } from '../../e2e/recorded-keys';
import { readRecord } from '../../e2e/recorded-plans';
import { rotationFile, type SceneName, SWITCHED, TWO } from '../../e2e/review-scenes';

const NOW = new Date('2026-11-28T12:00:00Z');
const STRANGER = '99999999-9999-4999-8999-999999999999';
const strangerArn = keyArn('v1').replace(KEY_IDS.v1, STRANGER);
const record = readRecord();

interface Scene {
  readonly text?: string;
  readonly scenes?: readonly SceneName[];
  /** Replaced in the text of each plan. */
  readonly swap?: readonly [string, string];
  readonly bind?: (rotation: Rotation) => Rotation;
}

async function review(
  { text = SWITCHED, scenes = ['switch'], swap = ['', ''], bind = boundAsRecorded }: Scene,
  more: Partial<ReviewInput> = {},
): Promise<Review> {
  const [from, to] = swap;
  const json = (name: SceneName) => {
    const whole = record.get(name)?.json ?? '';
    return from === '' ? whole : whole.replaceAll(from, to);
  };
  return reviewPlans({
    rotation: bind(await parseRotation(text, 'rotation.yaml', { now: NOW })),
    rotationFile: 'rotation.yaml',
    plans: scenes.map((name) => ({ plan: readPlanDocument(json(name), `${name}.json`) })),
    now: NOW,
    ...more,
  });
}

const found = ({ findings }: Review): readonly string[] =>
  findings.filter(({ rule }) => rule !== 'KT063').map(({ rule, message }) => `${rule} ${plain(message)}`);
const rules = (one: Review): readonly string[] => [...new Set(found(one).map((line) => line.slice(0, 5)))];
const unbound = (rotation: Rotation): Rotation => ({ ...rotation, binding: [] });
const only =
  (...names: readonly string[]) =>
  (rotation: Rotation): Rotation => ({
    ...rotation,
    binding: boundAsRecorded(rotation).binding.filter(({ name }) => names.includes(name)),
  });
const with2 =
  (differences: Partial<BoundVersion>) =>
  (rotation: Rotation): Rotation => ({
    ...rotation,
    binding: [boundVersion('v1', keyArn('v1')), boundVersion('v2', keyArn('v2'), differences)],
  });

/** `alias/payroll/v2` was moved to a stranger's key before the storage stack was planned: all of the plan fits it. */
const HIJACKED = { swap: [KEY_IDS.v2, STRANGER] } as const;

describe('a switch to a key that a version alias was moved to', () => {
  it('is refused with both ARNs where the version is bound', async () => {
    const refused = await review(HIJACKED);
    expect(refused.verdict).toBe('refused');
    expect(found(refused)).toEqual(
      expect.arrayContaining([
        `KT024 v2 is ${keyArn('v2')} by rotation.lock.json, ${strangerArn} by the look-up of the plan`,
        `KT024 alias alias/payroll moves to ${strangerArn}, and v2 is bound to ${keyArn('v2')}`,
        `KT024 the default of bucket payroll.data moves to ${strangerArn}, and v2 is bound to ${keyArn('v2')}`,
      ]),
    );
  });

  it('is never clean without a binding: the review says that it trusts the alias', async () => {
    const trusting = await review({ ...HIJACKED, bind: unbound });
    expect([trusting.verdict, rules(trusting)]).toEqual(['decide', ['KT026']]);
    expect(found(trusting)).toContain(
      `KT026 alias alias/payroll moves to ${strangerArn}, which is v2 only because alias/payroll/v2 leads to it`,
    );
    expect(reviewMarkdown(trusting)).toContain(
      '- `v2` is not bound: which key it is comes from `alias/payroll/v2` alone',
    );
  });

  it('is refused without a binding where the plan of the keys stack shows which key Terraform made', async () => {
    const stacks = await review({ bind: unbound, scenes: ['unchanged keys', 'switch'] });
    expect(rules(stacks)).toEqual([]);
    expect(stacks.binding.map(plain)).toContain(
      `v2 is not bound: the state of the keys stack says that it is ${keyArn('v2')}`,
    );
    const keys = { plan: readPlanDocument(record.get('unchanged keys')?.json ?? '', 'keys.json') };
    const hijacked = record.get('switch')?.json.replaceAll(KEY_IDS.v2, STRANGER) ?? '';
    const plans = [keys, { plan: readPlanDocument(hijacked, 'storage.json') }];
    const refused = await review({ bind: unbound }, { plans });
    expect(found(refused)).toContain(
      `KT024 v2 is ${keyArn('v2')} by the state of the keys stack, ${strangerArn} by the look-up of the plan`,
    );
  });

  it('is refused where the alias was moved after the plan was made, and AWS is asked', async () => {
    const aws = [{ version: 'v2', arn: strangerArn, state: 'Enabled' }];
    expect(found(await review({}, { aws }))).toContain(
      `KT024 v2 is ${keyArn('v2')} by rotation.lock.json, ${keyArn('v2')} by the look-up of the plan, ${strangerArn} by AWS`,
    );
  });

  it('is refused where the pull request binds the stranger’s key, and the keys stack knows the right one', async () => {
    const plans = ['unchanged keys', 'switch'].map((name, index) => ({
      plan: readPlanDocument(
        (record.get(name as SceneName)?.json ?? '').replaceAll(index === 0 ? 'nothing' : KEY_IDS.v2, STRANGER),
        `${name}.json`,
      ),
    }));
    expect(rules(await review({ bind: with2({ keyArn: strangerArn }) }, { plans }))).toContain('KT024');
  });
});

describe('an alias that was moved before the first import, so that the stranger’s key is bound', () => {
  const hijacked = (scenes: readonly SceneName[]) =>
    scenes.map((name) => {
      const json = record.get(name)?.json ?? '';
      const swapped = name === 'unchanged keys' ? json : json.replaceAll(KEY_IDS.v2, STRANGER);
      return { plan: readPlanDocument(swapped, `${name}.json`) };
    });
  const bind = with2({ keyArn: strangerArn });

  it('is refused by the state of the keys stack, which plan always shows', async () => {
    const refused = await review({ bind }, { plans: hijacked(['unchanged keys', 'switch']) });
    expect(refused.verdict).toBe('refused');
    expect(found(refused).join('\n')).toContain(
      `v2 is ${strangerArn} by rotation.lock.json, ${keyArn('v2')} by the state`,
    );
  });

  it('is to decide in the change that brings the binding, where the storage plan is reviewed alone', async () => {
    const base = only('v1')(await parseRotation(TWO, 'rotation.yaml', { now: NOW }));
    const brought = await review({ bind }, { plans: hijacked(['switch']), base });
    expect(brought.verdict).toBe('decide');
    expect(found(brought)).toContainEqual(expect.stringMatching(/^KT080 binding\[v2\].*Nothing but this change says/));
  });

  it('is trusted after that, and the review says so', async () => {
    const trusting = await review({ bind }, { plans: hijacked(['switch']) });
    expect(found(trusting)).toEqual([]);
    expect(reviewMarkdown(trusting)).toContain(
      'trusted as rotation.lock.json has it: the state of the keys stack is not in this review',
    );
    const both = await review({ scenes: ['unchanged keys', 'switch'] });
    expect(both.binding.map(plain).join()).not.toContain('not in this review');
  });
});

describe('a bound rotation', () => {
  it('is clean through its phases, and shows what each version is', async () => {
    expect(found(await review({ text: TWO, scenes: ['unchanged keys', 'first storage'] }))).toEqual([]);
    const switched = await review({ scenes: ['unchanged keys', 'switch'] });
    expect(found(switched)).toEqual([]);
    expect(reviewMarkdown(switched)).toContain(`- \`v2\` is \`${keyArn('v2')}\`: material that KMS does not name`);
    expect(found(await review({ text: TWO, scenes: ['way back'] }, { rollbackTo: 'v1' }))).toEqual([]);
  });

  it('is refused where the active version is not bound, and others are', async () => {
    expect(found(await review({ bind: only('v1') }))).toEqual([
      'KT025 rotation.lock.json binds v1, and not v2, which is active',
    ]);
    expect(found(await review({ bind: only('v1'), text: TWO, scenes: ['unchanged keys'] }))).toEqual([]);
  });

  it('is refused where two versions stand for one key', async () => {
    const same = await review({ bind: with2({ keyArn: keyArn('v1') }) });
    expect(found(same)).toContain(
      `KT024 the key ${keyArn('v1')} is v1 by rotation.lock.json, v2 by rotation.lock.json, v1 by the look-up of the plan`,
    );
  });

  it('is refused where a rollback leads to another key than the one that the earlier version is bound to', async () => {
    const back = { text: TWO, scenes: ['way back'], swap: [KEY_IDS.v1, STRANGER] } as const;
    expect(rules(await review(back, { rollbackTo: 'v1' }))).toEqual(['KT024']);
  });

  it('is refused where the key has the id of the bound one in another account or Region', async () => {
    for (const swap of [
      ['123456789012:key/2', '999988887777:key/2'],
      ['ap-northeast-1:123456789012:key/2', 'eu-west-1:123456789012:key/2'],
    ] as const)
      expect(rules(await review({ swap }))).toContain('KT024');
  });

  it('is refused where a plan makes a new key for a bound version', async () => {
    const plan = JSON.parse(record.get('unchanged keys')?.json ?? '{}');
    const of = (one: { address: string }) => one.address === 'aws_kms_external_key.version_v2';
    plan.resource_changes.find(of).change.actions = ['create'];
    const plans = [{ plan: readPlanDocument(JSON.stringify(plan), 'keys.json') }];
    expect(found(await review({ text: TWO }, { plans }))).toContain(
      `KT024 a new key is created for v2, which is bound to ${keyArn('v2')}`,
    );
  });

  it('needs no binding of an adopted version: its ARN in the rotation file is one', async () => {
    const text = rotationFile([`{ name: v1, keyArn: '${keyArn('v1')}' }`, 'name: v2'], 'v2');
    expect(rules(await review({ text, bind: only('v2') }))).toEqual([]);
    const other = rotationFile([`{ name: v1, keyArn: '${keyArn('v2')}' }`, 'name: v2'], 'v2');
    expect(rules(await review({ text: other, bind: only('v2') }))).toContain('KT024');
  });

  it('has the recipients of the rotation file, or somebody decides', async () => {
    const recipients = ['age136egyx48wwqcvkr4r7vez9h4cfv7hfrlcly0ujls8j3dp397j9tqpfz35g'];
    expect(found(await review({ bind: with2({ recipients }) }))).toEqual([
      `KT027 the material of v2 is sealed for ${recipients[0]}`,
    ]);
    const named = `${SWITCHED}custody: { age: { recipients: [${recipients}] } }\n`;
    expect(found(await review({ text: named, bind: with2({ recipients }) }))).toEqual([]);
  });
});

describe('a change of the binding', () => {
  const HEX = 'ab'.repeat(32);
  const changes = async (before: Scene['bind'], after: Scene['bind'], scene: Scene = {}) => {
    const base = (before ?? unbound)(await parseRotation(scene.text ?? SWITCHED, 'rotation.yaml', { now: NOW }));
    return (await review({ ...scene, bind: after ?? unbound }, { base })).fileChanges?.map(
      ({ verdict, path }) => `${verdict} ${path}`,
    );
  };

  it('that adds a version is free where the state of the keys stack shows the same key, else to decide', async () => {
    expect(await changes(only('v1'), only('v1', 'v2'))).toEqual(['decide binding[v2]']);
    const both = { scenes: ['unchanged keys', 'switch'] } as const;
    expect(await changes(only('v1'), only('v1', 'v2'), both)).toEqual(['free binding[v2]']);
    expect(await changes(only('v1'), with2({ keyArn: strangerArn }), both)).toEqual(['decide binding[v2]']);
  });

  it.each<[string, Partial<BoundVersion>, Partial<BoundVersion>, string]>([
    ['key', {}, { keyArn: strangerArn }, 'refused binding[v2].keyArn'],
    ['material', { keyMaterialId: HEX }, { keyMaterialId: 'cd'.repeat(32) }, 'refused binding[v2].keyMaterialId'],
    ['date', {}, { materialValidTo: '2027-01-01T00:00:00.000Z' }, 'decide binding[v2].materialValidTo'],
    ['recipients', {}, { recipients: ['age1x'] }, 'decide binding[v2].recipients'],
    ['custody record', { custodyRecordSha256: HEX }, {}, 'decide binding[v2].custodyRecordSha256'],
  ])('of the %s of a version whose key is the same is classified', async (_, before, after, expected) => {
    expect(await changes(with2(before), with2(after))).toEqual([expected]);
  });

  it('that takes a version out is refused', async () => {
    expect(await changes(boundAsRecorded, only('v1'))).toEqual(['refused binding[v2]']);
  });

  it('of a date is free where the rotation file declares the same', async () => {
    const text = rotationFile(['name: v1', '{ name: v2, materialValidTo: 2027-01-01T00:00:00Z }'], 'v2');
    const dated = with2({ materialValidTo: '2027-01-01T00:00:00.000Z' });
    expect(await changes(boundAsRecorded, dated, { text })).toEqual(['free binding[v2].materialValidTo']);
  });
});
