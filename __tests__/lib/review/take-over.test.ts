import { plain } from '../../../lib/review/review-messages';
import { keyChange, planText, reviewText } from './plan-texts';

/** What a review finds where a rotation takes over what somebody else made. */
const ID = '11111111-2222-4333-8444-555555555555';
const KEY = `arn:aws:kms:ap-northeast-1:111122223333:key/${ID}`;
const FOREIGN = 'arn:aws:kms:ap-northeast-1:111122223333:key/99999999-2222-4333-8444-555555555555';
const ROOT = { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'kms:*', Resource: '*' };
const PARTNER = { ...ROOT, Principal: { AWS: '999900001111' }, Action: 'kms:Decrypt' };
const policy = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
const TAGS = { 'keyturn:rotation': 'test', 'keyturn:version': 'v1' };

const HELD = { arn: KEY, description: 'Keyturn test v1', enabled: true, policy: policy(ROOT), tags: {} };
const WANTED = { ...HELD, deletion_window_in_days: 30, bypass_policy_lockout_safety_check: false, tags: TAGS };

/** The plan of a key that is imported with some values, and gets others. */
const takenOver = (before: object, after: object = {}, change: object = {}) =>
  planText([
    keyChange({
      actions: ['update'],
      before: { ...HELD, ...before },
      after: { ...WANTED, ...after },
      importing: { id: ID },
      ...change,
    }),
  ]);

/** An import of the storage stack, with what it changes. */
const imported = (type: string, name: string, before: object, after: object, more: object = {}) => ({
  address: `${type}.${name}`,
  mode: 'managed',
  type,
  change: { actions: ['update'], before, after, after_unknown: {}, importing: { id: 'x' }, ...more },
});

const TAKEN = { keyVersions: [{ name: 'v1', takeOver: KEY }] };

/** `KT047 …`, one text a finding that is not of the binding. */
async function found(plan: string, more = {}, rotation: Record<string, unknown> = TAKEN): Promise<readonly string[]> {
  const { findings } = await reviewText(plan, more, rotation);
  return findings
    .filter(({ rule }) => ['KT003', 'KT007', 'KT008', 'KT044', 'KT047'].includes(rule))
    .map(({ rule, message }) => `${rule} ${plain(message)}`);
}

describe('KT047, a key policy takes something away', () => {
  it('names each statement that a take-over replaces, and who loses what', async () => {
    expect(await found(takenOver({ policy: policy(ROOT, PARTNER) }))).toEqual([
      'KT047 the policy no longer allows 999900001111: kms:Decrypt on *',
      'KT047 arn:aws:iam::999900001111:root may no longer by this policy: kms:decrypt',
    ]);
  });

  it('asks a person, never refuses, and mentions how the statements are kept', async () => {
    const { verdict, findings } = await reviewText(takenOver({ policy: policy(ROOT, PARTNER) }), {}, TAKEN);
    expect([verdict, findings.map(({ severity }) => severity)]).toEqual([
      'decide',
      expect.arrayContaining(['warning']),
    ]);
  });

  it('finds nothing where the statements are kept, in whatever order', async () => {
    expect(await found(takenOver({ policy: policy(PARTNER, ROOT) }, { policy: policy(ROOT, PARTNER) }))).toEqual([]);
  });

  it('finds what is denied from now on, and what is bound by a condition', async () => {
    const bound = { ...PARTNER, Condition: { StringEquals: { 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' } } };
    const denied = { ...ROOT, Effect: 'Deny', Principal: '*', Action: 'kms:CreateGrant' };
    expect(await found(takenOver({ policy: policy(ROOT, PARTNER) }, { policy: policy(ROOT, bound, denied) }))).toEqual([
      'KT047 the policy no longer allows 999900001111: kms:Decrypt on *',
      'KT047 arn:aws:iam::999900001111:root may now only under stricter conditions: kms:decrypt',
      'KT047 everybody is now denied: kms:creategrant',
    ]);
  });

  it.each([
    ['is not in the plan', { policy: null }, {}, {}, /does not show the policy that it replaces/],
    ['cannot be read', { policy: '{' }, {}, {}, /that is replaced cannot be read/],
    ['gives way to one known after the apply', {}, { policy: null }, { after_unknown: { policy: true } }, /not known/],
  ])('asks a person where the policy that is replaced %s', async (_, before, after, more, said) => {
    const [first] = (await found(takenOver(before, after, more))).filter((one) => one.startsWith('KT047'));
    expect(first).toMatch(said);
  });

  it('finds it for a key of ours too, without the statements that only tighten a deletion', async () => {
    const own = (after: string) =>
      planText([
        keyChange({
          actions: ['update'],
          before: { ...WANTED, policy: policy(ROOT, PARTNER) },
          after: { ...WANTED, policy: after },
        }),
      ]);
    expect(await found(own(policy(ROOT)))).toEqual([
      'KT047 arn:aws:iam::999900001111:root may no longer by this policy: kms:decrypt',
    ]);
    const undeletable = { ...ROOT, Effect: 'Deny', Principal: '*', Action: 'kms:ScheduleKeyDeletion' };
    expect(await found(own(policy(ROOT, PARTNER, undeletable)))).toEqual([]);
  });
});

describe('KT007, a take-over changes what exists', () => {
  it('names a description and a tag that are lost, and no tag that Keyturn adds', async () => {
    expect(await found(takenOver({ description: 'photos', tags: { team: 'media' } }))).toEqual([
      'KT007 description of key version v1: photos → Keyturn test v1',
      'KT007 tags.team of key version v1: media → (unset)',
    ]);
    expect(await found(takenOver({}))).toEqual([]);
  });

  it('says what is set shorter or bypassed although no import reads it', async () => {
    expect(
      await found(takenOver({}, { deletion_window_in_days: 7, bypass_policy_lockout_safety_check: true })),
    ).toEqual([
      'KT003 the deletion window of the taken-over key becomes 7 days',
      'KT044 the KMS check that somebody can still change the policy is bypassed',
    ]);
  });

  it('asks about an imported alias that leaves a key which the file does not declare, or a version alias that moves', async () => {
    const alias = (name: string, label: string, from: string) =>
      imported('aws_kms_alias', name, { name: label, target_key_id: from }, { name: label, target_key_id: KEY });
    const of = (change: object) => found(planText([change]));
    expect(await of(alias('main', 'alias/test', FOREIGN))).toEqual([
      `KT007 alias alias/test leaves ${FOREIGN}, which the rotation file does not declare`,
    ]);
    expect(await of(alias('version_v1', 'alias/test/v1', FOREIGN))).toEqual([
      `KT007 alias alias/test/v1 moves from ${FOREIGN} to ${KEY}`,
    ]);
    expect(await of(alias('main', 'alias/test', ID))).toEqual([]);
  });

  it('asks about tags of an imported bucket, and settings that are created on it', async () => {
    const bucket = { bucket: 'test-bucket', force_destroy: null };
    const plan = planText([
      imported(
        'aws_s3_bucket',
        'bucket_test-bucket',
        { ...bucket, tags: { cost: '1' } },
        { ...bucket, force_destroy: false, tags: TAGS },
      ),
      {
        address: 'aws_s3_bucket_policy.bucket_test-bucket',
        mode: 'managed',
        type: 'aws_s3_bucket_policy',
        change: {
          actions: ['create'],
          before: null,
          after: { bucket: 'test-bucket', policy: policy(ROOT) },
          after_unknown: {},
        },
      },
    ]);
    expect(await found(plan)).toEqual([
      'KT007 tags.cost of bucket test-bucket: 1 → (unset)',
      'KT007 the policy of bucket test-bucket is set, and the plan does not show what it replaces',
    ]);
  });

  const created = planText([
    {
      address: 'aws_s3_bucket_server_side_encryption_configuration.bucket_test-bucket',
      mode: 'managed',
      type: 'aws_s3_bucket_server_side_encryption_configuration',
      change: {
        actions: ['create'],
        before: null,
        after: {
          bucket: 'test-bucket',
          rule: [
            {
              apply_server_side_encryption_by_default: [{ sse_algorithm: 'aws:kms', kms_master_key_id: KEY }],
              bucket_key_enabled: true,
            },
          ],
        },
        after_unknown: {},
      },
    },
  ]);

  it.each([
    [`aws:kms ${FOREIGN} bucket key`, FOREIGN],
    [`aws:kms:dsse ${FOREIGN}`, FOREIGN],
    ['aws:kms alias/reports', 'alias/reports'],
  ])('asks about a default that is created over %s', async (set, key) => {
    const { findings, verdict } = await reviewText(created, { defaults: new Map([['test-bucket', set]]) }, TAKEN);
    const said = findings.filter(({ rule }) => rule === 'KT007').map(({ message }) => plain(message));
    expect(said).toEqual([`the default of bucket test-bucket leaves ${key}, which the rotation file does not declare`]);
    expect(verdict).not.toBe('clean');
  });

  it.each([`aws:kms ${KEY} bucket key`, 'aws:kms', 'aws:kms bucket key', 'AES256', 'AES256 bucket key', 'none'])(
    'asks about none that is created over %s',
    async (set) => {
      const { findings } = await reviewText(created, { defaults: new Map([['test-bucket', set]]) }, TAKEN);
      expect(findings.filter(({ rule }) => rule === 'KT007')).toEqual([]);
    },
  );
});
