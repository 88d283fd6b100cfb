import fc from 'fast-check';
import { formatPlan } from '../../../lib/terraform/plan-text';
import { NO_CHANGES, readPlan, summarizePlan } from '../../../lib/terraform/terraform-plan';
import { runs } from '../../runner/slow';

const V1 = 'arn:aws:kms:ap-northeast-1:111122223333:key/v1';
const V2 = 'arn:aws:kms:ap-northeast-1:111122223333:key/v2';

type Change = Record<string, unknown>;
const resource = (address: string, change: Change) => ({
  address,
  mode: 'managed',
  type: address.split('.')[0],
  change: { after_unknown: {}, before_sensitive: {}, after_sensitive: {}, ...change },
});
const planned = (resources: readonly unknown[], outputs: Record<string, Change> = {}) =>
  summarizePlan(
    readPlan(
      JSON.stringify({
        format_version: '1.2',
        terraform_version: '1.11.4',
        resource_changes: resources,
        output_changes: outputs,
      }),
    ),
  );

describe('a switch', () => {
  const summary = planned(
    [
      resource('aws_kms_alias.main', {
        actions: ['update'],
        before: { name: 'alias/payroll', target_key_id: V1, target_key_arn: V1 },
        after: { name: 'alias/payroll', target_key_id: V2 },
        after_unknown: { target_key_arn: true },
      }),
      resource('aws_s3_bucket_server_side_encryption_configuration.bucket_a', {
        actions: ['update'],
        before: { rule: [{ bucket_key_enabled: true, by_default: [{ kms_master_key_id: V1 }] }] },
        after: { rule: [{ bucket_key_enabled: true, by_default: [{ kms_master_key_id: V2 }] }] },
      }),
      resource('aws_s3_bucket.bucket_a', { actions: ['no-op'], before: { bucket: 'a' }, after: { bucket: 'a' } }),
      { ...resource('data.aws_kms_key.active', { actions: ['read'], before: null, after: {} }), mode: 'data' },
    ],
    { active_key_arn: { actions: ['update'], before: V1, after: V2, after_unknown: false } },
  );

  it('is told by what moves, from where and to where, and by nothing else', () => {
    expect(formatPlan('payroll-storage', summary)).toBe(
      [
        'plan of payroll-storage: 0 to create, 2 to change, 0 to destroy',
        '',
        '  ~ change aws_kms_alias.main',
        `      target_key_arn: "${V1}" → (known after apply)`,
        `      target_key_id: "${V1}" → "${V2}"`,
        '',
        '  ~ change aws_s3_bucket_server_side_encryption_configuration.bucket_a',
        `      rule[0].by_default[0].kms_master_key_id: "${V1}" → "${V2}"`,
        '',
        '  ~ change output.active_key_arn',
        `      "${V1}" → "${V2}"`,
      ].join('\n'),
    );
  });

  it('is data for the evidence', () => {
    expect(summary.resources[1]).toEqual({
      address: 'aws_s3_bucket_server_side_encryption_configuration.bucket_a',
      type: 'aws_s3_bucket_server_side_encryption_configuration',
      action: 'update',
      attributes: [
        {
          path: 'rule[0].by_default[0].kms_master_key_id',
          before: { known: true, value: V1 },
          after: { known: true, value: V2 },
          forcesReplace: false,
        },
      ],
    });
  });
});

it('shows clearly which attribute forces a replacement', () => {
  const text = formatPlan(
    'payroll-storage',
    planned([
      resource('aws_s3_bucket.bucket_a', {
        actions: ['delete', 'create'],
        before: { bucket: 'a', id: 'a' },
        after: { bucket: 'b' },
        after_unknown: { id: true },
        replace_paths: [['bucket']],
      }),
    ]),
  );
  expect(text).toContain('1 to destroy');
  expect(text).toContain('! DESTROY AND CREATE AGAIN aws_s3_bucket.bucket_a');
  expect(text).toContain('bucket: "a" → "b"   (forces replacement)');
});

it('shows a removed resource as destroyed, with what it was', () => {
  const text = formatPlan(
    'payroll-keys',
    planned([
      resource('aws_kms_external_key.version_v1', {
        actions: ['delete'],
        before: { description: 'Keyturn payroll v1', valid_to: null },
        after: null,
      }),
    ]),
  );
  expect(text).toContain('! DESTROY aws_kms_external_key.version_v1');
  expect(text).toContain('description: "Keyturn payroll v1" → (unset)');
  expect(text).not.toContain('valid_to');
});

it('shows what Terraform would forget, apart from what it destroys', () => {
  const text = formatPlan('s', planned([resource('a.b', { actions: ['forget'], before: { x: 1 }, after: null })]));
  expect(text).toContain('plan of s: 0 to create, 0 to change, 0 to destroy, 1 to forget');
});

it('shows what Terraform imports, with its old values where they change, and where nothing changes', () => {
  const importing = { id: 'alias/payroll' };
  const same = { name: 'alias/payroll' };
  const summary = planned([
    resource('aws_kms_alias.main', {
      actions: ['update'],
      before: { target_key_id: V1 },
      after: { target_key_id: V2 },
      importing,
    }),
    resource('aws_kms_alias.version_v1', { actions: ['no-op'], before: same, after: same, importing }),
  ]);
  expect(formatPlan('payroll-storage', summary).split('\n')).toEqual([
    'plan of payroll-storage: 0 to create, 1 to change, 0 to destroy, 2 to import',
    '',
    '  ~ change aws_kms_alias.main, imported from alias/payroll',
    `      target_key_id: "${V1}" → "${V2}"`,
    '',
    '  = import aws_kms_alias.version_v1, imported from alias/payroll, unchanged',
  ]);
});

it('leaves out of a creation what Terraform fills in, what stays unset, and tags that are said twice', () => {
  const tags = { 'keyturn:version': 'v1' };
  const text = formatPlan(
    'payroll-keys',
    planned([
      resource('aws_kms_external_key.version_v1', {
        actions: ['create'],
        before: null,
        after: { deletion_window_in_days: 30, valid_to: null, tags, tags_all: tags },
        after_unknown: { arn: true },
      }),
    ]),
  );
  expect(text.split('\n').slice(2)).toEqual([
    '  + create aws_kms_external_key.version_v1',
    '      deletion_window_in_days: 30',
    '      tags["keyturn:version"]: "v1"',
  ]);
});

it('shows tags_all where default tags make it differ', () => {
  const text = formatPlan(
    's',
    planned([
      resource('a.b', {
        actions: ['create'],
        before: null,
        after: { tags: { a: '1' }, tags_all: { a: '1', org: 'x' } },
      }),
    ]),
  );
  expect(text).toContain('tags_all.org: "x"');
  expect(text).not.toContain('tags_all.a');
});

it('never shows a sensitive value', () => {
  const text = formatPlan(
    's',
    planned([
      resource('a.b', {
        actions: ['update'],
        before: { secret: 'old' },
        after: { secret: 'new' },
        before_sensitive: { secret: true },
        after_sensitive: { secret: true },
      }),
    ]),
  );
  expect(text).toContain('secret: (sensitive) → (sensitive)');
});

describe('a policy', () => {
  const allow = (action: string) => ({
    Sid: 'Use',
    Effect: 'Allow',
    Principal: { AWS: 'r' },
    Action: action,
    Resource: '*',
  });
  const deny = { Effect: 'Deny', NotPrincipal: '*', Action: 's3:*', Resource: 'b' };
  const document = (...statements: readonly unknown[]) =>
    JSON.stringify({ Version: '2012-10-17', Statement: statements });

  it('is compared statement by statement', () => {
    const text = formatPlan(
      's',
      planned([
        resource('a.b', {
          actions: ['update'],
          before: { policy: document(allow('kms:Decrypt'), deny) },
          after: { policy: document(allow('kms:Encrypt'), deny) },
        }),
      ]),
    );
    expect(text.split('\n').slice(3)).toEqual([
      '      policy:',
      '        - Use allows r: kms:Decrypt',
      '        + Use allows r: kms:Encrypt',
    ]);
  });

  it('shows a statement of unusual form as it stands', () => {
    const text = formatPlan(
      's',
      planned([resource('a.b', { actions: ['create'], before: null, after: { policy: document(deny) } })]),
    );
    expect(text).toContain(`+ ${JSON.stringify(deny)}`);
  });

  it('shows its conditions', () => {
    const bound = { ...allow('kms:Decrypt'), Condition: { StringEquals: { 'kms:ViaService': ['a', 'b'] } } };
    const text = formatPlan(
      's',
      planned([resource('a.b', { actions: ['create'], before: null, after: { policy: document(bound) } })]),
    );
    expect(text).toContain('+ Use allows r: kms:Decrypt, if kms:ViaService StringEquals a or b');
  });
});

it('hides no difference: a plan is summarized as no change only when nothing differs', () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('a', 'b'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('x', 'y.z', 'w'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  /** Terraform writes an attribute that is not set as null or leaves it out, and means the same. */
  const meaning = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(meaning);
    if (typeof value !== 'object' || value === null) return value;
    const set = Object.entries(value).filter(([, inner]) => inner !== null);
    return Object.fromEntries(set.map(([key, inner]) => [key, meaning(inner)]).sort());
  };
  fc.assert(
    fc.property(json, json, (before, after) => {
      const [change] = planned([
        resource('a.b', { actions: ['update'], before: { v: before }, after: { v: after } }),
      ]).resources;
      const same = JSON.stringify(meaning({ v: before })) === JSON.stringify(meaning({ v: after }));
      if (!same) expect(change?.attributes.length).toBeGreaterThan(0);
      if (JSON.stringify(before) === JSON.stringify(after)) expect(change?.attributes).toEqual([]);
    }),
    { numRuns: runs(500) },
  );
});

it('reports an empty plan as no changes', () => {
  expect(formatPlan('payroll-keys', NO_CHANGES)).toBe('plan of payroll-keys: no changes');
});

it.each([
  ['no JSON', 'Error: no plan'],
  ['another format', JSON.stringify({ format_version: '2.0', terraform_version: '3.0.0' })],
  [
    'an unknown action',
    JSON.stringify({
      format_version: '1.9',
      terraform_version: '1',
      resource_changes: [resource('a.b', { actions: ['melt'] })],
    }),
  ],
])('fails when the plan is %s', (_, text) => {
  expect(() => readPlan(text)).toThrow(expect.objectContaining({ code: 'terraform-plan-unreadable' }));
});
