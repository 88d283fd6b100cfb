import { createHash } from 'node:crypto';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { reviewJson } from '../../../lib/review/review-json';
import { MARKDOWN_LIMIT, reviewMarkdown } from '../../../lib/review/review-markdown';
import { plain } from '../../../lib/review/review-messages';
import { reviewSarif } from '../../../lib/review/review-sarif';
import { boundVersion } from '../../e2e/recorded-keys';
import { parse, textWith } from '../rotation/rotation-texts';
import { keyChange, planText, reviewText } from './plan-texts';

const SET = planText([keyChange({ after: { ...keyChange().change.after, key_material_base64: 'AAAA' } })]);
const foreign = (name: string) => ({ ...keyChange(), address: `aws_s3_bucket.${name}`, type: 'aws_s3_bucket' });
const waive = (...waivers: readonly Record<string, string>[]) => ({ review: { waivers } });
const WAIVER = { rule: 'KT070', reason: 'moved out next week', until: '2026-11-24' };

describe('waivers', () => {
  const plan = planText([keyChange(), foreign('a'), foreign('b')]);
  const rules = async (rotation: Record<string, unknown>, now = '2026-11-24T23:59:59Z') =>
    (await reviewText(plan, { now: new Date(now) }, rotation)).findings.map(
      (one) => `${one.rule} ${one.address ?? ''}`,
    );

  it('take their findings out of the verdict, and are shown with their reason', async () => {
    const review = await reviewText(plan, {}, waive(WAIVER));
    expect([review.verdict, review.waived.length]).toEqual(['clean', 2]);
    expect(reviewMarkdown(review)).toContain('waived until `2026-11-24`, `moved out next week`');
  });

  it('count for their address alone, where they name one', async () => {
    expect(await rules(waive({ ...WAIVER, address: 'aws_s3_bucket.a' }))).toEqual(['KT070 aws_s3_bucket.b']);
  });

  it('count through the whole of their last day, and then are a finding themselves', async () => {
    expect(await rules(waive(WAIVER))).toEqual([]);
    expect(await rules(waive(WAIVER), '2026-11-25T00:00:00Z')).toEqual([
      'KT070 aws_s3_bucket.a',
      'KT070 aws_s3_bucket.b',
      'KT090 ',
    ]);
  });

  it.each(['KT001', 'KT010'])('count for nothing where a rule takes none: %s', async (rule) => {
    const found = await reviewText(SET, {}, waive({ ...WAIVER, rule }));
    expect(found.findings.map((one) => one.rule)).toEqual(['KT010', 'KT090']);
  });

  it('are a finding where they name no rule of the review', async () => {
    expect(await rules(waive({ ...WAIVER, rule: 'KT999' }))).toContain('KT090 ');
  });
});

describe('a plan', () => {
  it('is refused when it is of another rotation, or has nothing of any', async () => {
    const other = planText([keyChange({ after: { tags: { 'keyturn:rotation': 'billing' } } })]);
    await expect(reviewText(other)).rejects.toMatchObject({ code: 'review-plan-other-rotation', exitCode: 64 });
    await expect(
      reviewText(planText([foreign('a')].map((one) => ({ ...one, change: { actions: ['create'] } })))),
    ).rejects.toMatchObject({
      code: 'review-plan-other-rotation',
      facts: { found: 'nothing in it belongs to a rotation' },
    });
  });

  it('is accepted when there is nothing in it at all: a keys stack whose versions are all adopted', async () => {
    expect((await reviewText(planText([]))).plans[0]).toMatchObject({ stack: 'none', effects: [] });
  });

  it('is refused when it holds resources of both stacks: no program of ours makes one', async () => {
    const alias = { ...keyChange({ actions: ['no-op'] }), address: 'aws_kms_alias.main', type: 'aws_kms_alias' };
    expect((await reviewText(planText([keyChange(), alias]))).findings.map((one) => one.rule)).toEqual(['KT070']);
  });

  it('is named with account, Region, commit, versions and the SHA-256 of its files', async () => {
    const stack = '{"terraform":{}}';
    const identity = { address: 'data.aws_caller_identity.x', mode: 'data', type: 'aws_caller_identity' };
    const resources = [{ ...identity, values: { account_id: '111122223333' } }];
    const plan = planText([keyChange()], { prior_state: { values: { root_module: { resources } } } });
    const given = { plan: readPlanDocument(plan, 'keys.json'), stackText: { name: 'cdk.tf.json', text: stack } };
    const review = await reviewText(plan, { commit: 'c0ffee', plans: [{ ...given, sha256: 'ab'.repeat(32) }] });
    const text = reviewMarkdown(review);
    expect(text).toContain('- Account `111122223333` · Region `ap-northeast-1` · commit `c0ffee`\n');
    const sha = createHash('sha256').update(stack).digest('hex');
    expect(text).toContain(
      `- *made with* Terraform \`1.11.4\` · SHA-256 of the JSON \`${'ab'.repeat(32)}\` · SHA-256 of the stack \`${sha}\`\n`,
    );
  });

  it('reports what it cannot check without the configuration', async () => {
    const [plan] = (await reviewText(planText([keyChange()]))).plans;
    expect(plan?.unseen.map(plain)).toContainEqual(expect.stringContaining('the plan has no configuration'));
  });

  it('never shows the material that it refuses', async () => {
    const material = Buffer.alloc(32, 5).toString('base64');
    const nested = planText([keyChange()], {
      planned_values: { outputs: { [material]: { value: `key=${material};` } } },
    });
    const review = await reviewText(nested);
    expect(review.findings.map((one) => one.rule)).toEqual(['KT011', 'KT011']);
    const shown = [reviewMarkdown(review), reviewJson(review), reviewSarif(review)].join();
    expect(shown).not.toContain(material);
    expect(shown).toContain('(hidden: 32 bytes in base64)');
  });

  it('is reviewed however deep it nests', async () => {
    const depth = 100_000;
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    const change = keyChange({ actions: ['update'], before: { tags: 0 }, after: { tags: 1, description: 2 } });
    const text = planText([change], { deep: 3 }).replace(/"(tags|description|deep)":[0-3]/g, `"$1":${deep}`);
    const review = await reviewText(
      text.replace('"resource_changes"', '"x":{"keyturn:rotation":"test"},"resource_changes"'),
    );
    expect(reviewMarkdown(review).length).toBeLessThan(MARKDOWN_LIMIT);
  });

  it('of two megabytes of strange resources gives one finding each', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => foreign(`n${index}`));
    expect((await reviewText(planText([keyChange(), ...many]))).findings).toHaveLength(5000);
  });
});

describe('key material', () => {
  const found = async (value: unknown) =>
    (await reviewText(planText([keyChange()], { planned_values: { outputs: { x: { value } } } }))).findings.map(
      (one) => one.rule,
    );

  it.each([
    ['base64', Buffer.alloc(32, 1).toString('base64')],
    ['base64url', Buffer.alloc(32, 255).toString('base64').replaceAll('/', '_')],
    ['hex', Buffer.alloc(32, 171).toString('hex')],
    ['hex in capitals', Buffer.alloc(32, 171).toString('hex').toUpperCase()],
    ['base64 inside other text', `{"k":"${Buffer.alloc(32, 9).toString('base64')}"}`],
    ['an age identity', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
  ])('is recognized as %s', async (_, value) => expect(await found(value)).toEqual(['KT011']));

  it.each([
    ['an ARN', 'arn:aws:kms:ap-northeast-1:123456789012:key/11111111-2222-3333-4444-555555555555'],
    ['more than 32 bytes', Buffer.alloc(64, 1).toString('base64')],
    ['a longer run of hex', 'a'.repeat(65)],
    ['31 bytes', Buffer.alloc(31, 1).toString('base64')],
  ])('is not taken for %s', async (_, value) => expect(await found(value)).toEqual([]));

  it('is not what S3 calls an account by', async () => {
    const grant = [{ id: 'ab'.repeat(32), type: 'CanonicalUser' }];
    expect(await found({ grant })).toEqual([]);
    expect(await found({ grant: [{ id: 'ab'.repeat(32), type: 'Group' }] })).toEqual(['KT011']);
  });
});

describe('a rotation in place, whose versions are material of one key', () => {
  const arn = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';
  const rotation = { strategy: 'in-place', keyVersions: [{ name: 'v1' }, { name: 'v2' }], activeVersion: 'v2' };
  const lookUp = {
    address: 'data.aws_kms_key.after_test-keys_and_keyturn_pre-apply',
    mode: 'data',
    type: 'aws_kms_key',
    values: { arn, key_id: 'alias/test/v1', key_state: 'Enabled' },
  };
  const resource = (type: string, name: string, after: unknown) => ({
    ...keyChange({ after }),
    address: `${type}.${name}`,
    type,
  });

  it('is clean in both stacks, though its key stands behind the first version', async () => {
    expect((await reviewText(planText([keyChange()]), {}, rotation)).findings).toEqual([]);
    const applied = { sse_algorithm: 'aws:kms', kms_master_key_id: arn };
    const rule = [{ apply_server_side_encryption_by_default: [applied], bucket_key_enabled: true }];
    const storage = planText(
      [
        resource('aws_kms_alias', 'main', { name: 'alias/test', target_key_id: arn }),
        resource('aws_s3_bucket_server_side_encryption_configuration', 'bucket_test-bucket', { rule }),
      ],
      { prior_state: { values: { root_module: { resources: [lookUp] } } } },
    );
    const binding = ['v1', 'v2'].map((name) => boundVersion(name, arn));
    const bound = { ...(await parse(textWith(rotation))), binding };
    expect((await reviewText(storage, { rotation: bound })).findings).toEqual([]);
    const half = { ...bound, binding: binding.slice(0, 1) };
    expect((await reviewText(storage, { rotation: half })).findings.map(({ rule }) => rule)).toEqual(['KT025']);
  });
});
