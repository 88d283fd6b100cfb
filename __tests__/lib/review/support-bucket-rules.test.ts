import type { Review } from '../../../lib/review/review';
import { plain } from '../../../lib/review/review-messages';
import { planText, reviewText } from './plan-texts';

const LOCK = 'aws_s3_bucket_object_lock_configuration';
const DEFAULT = 'aws_s3_bucket_server_side_encryption_configuration';

const file = { evidence: { bucket: { name: 'test-evidence', retention: { mode: 'GOVERNANCE', days: 400 } } } };

const change = (type: string, before: unknown, after: unknown, actions = ['update']) => ({
  address: `${type}.evidence`,
  mode: 'managed',
  type,
  provider_name: 'registry.terraform.io/hashicorp/aws',
  change: { actions, before, after, after_unknown: {} },
});

const message = async (rule: string, ...changes: readonly unknown[]): Promise<readonly string[]> => {
  const { findings }: Review = await reviewText(planText(changes), {}, file);
  return findings.filter((one) => one.rule === rule).map((one) => plain(one.message));
};

const retention = (mode: string, length: Record<string, number>) => ({
  bucket: 'test-evidence',
  rule: [{ default_retention: [{ mode, ...length }] }],
});

describe('the object lock of the evidence bucket', () => {
  const lock = (before: unknown, after: unknown, actions?: string[]) =>
    message('KT036', change(LOCK, before, after, actions));

  it('may become stricter and longer', async () => {
    expect(await lock(retention('GOVERNANCE', { days: 30 }), retention('COMPLIANCE', { days: 400 }))).toEqual([]);
    expect(await lock(retention('GOVERNANCE', { days: 365 }), retention('GOVERNANCE', { years: 1 }))).toEqual([]);
    expect(await lock(null, retention('GOVERNANCE', { days: 400 }), ['create'])).toEqual([]);
  });

  it('may not become looser or shorter, in years neither', async () => {
    expect(await lock(retention('COMPLIANCE', { days: 400 }), retention('GOVERNANCE', { days: 400 }))).toHaveLength(1);
    expect(await lock(retention('GOVERNANCE', { years: 2 }), retention('GOVERNANCE', { days: 400 }))).toEqual([
      'evidence is locked for 400 days instead of 730',
    ]);
  });

  it.each([['delete'], ['forget']])('may not go: %s', async (action) => {
    expect(await lock(retention('GOVERNANCE', { days: 400 }), null, [action])).toEqual([
      'the object lock of the evidence bucket is removed',
    ]);
  });

  it('may not be left without a retention', async () => {
    expect(await lock(retention('GOVERNANCE', { days: 400 }), { bucket: 'test-evidence', rule: [] })).toEqual([
      'the bucket no longer has a default retention',
    ]);
  });

  it('is compared with the file', async () => {
    expect(await message('KT060', change(LOCK, null, retention('GOVERNANCE', { days: 30 }), ['create']))).toContain(
      'evidence is locked for 30 days in mode GOVERNANCE, but the file declares 400 in mode GOVERNANCE',
    );
  });
});

describe('the default of a bucket that serves the rotation', () => {
  const rule = (sse_algorithm: string) => ({
    bucket: 'test-evidence',
    rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm }] }],
  });

  it('is S3’s own key, which is no fault of it', async () => {
    const created = change(DEFAULT, null, rule('AES256'), ['create']);
    for (const id of ['KT021', 'KT030', 'KT035']) expect(await message(id, created)).toEqual([]);
  });

  it('may not become a KMS key', async () => {
    expect(await message('KT035', change(DEFAULT, rule('AES256'), rule('aws:kms')))).toEqual([
      'the default of bucket test-evidence becomes aws:kms',
    ]);
  });
});

describe('the policy of a bucket', () => {
  const policy = (...Statement: readonly unknown[]) => ({
    bucket: 'test-evidence',
    policy: JSON.stringify({ Version: '2012-10-17', Statement }),
  });
  const opened = (...statements: readonly unknown[]) =>
    message('KT037', change('aws_s3_bucket_policy', null, policy(...statements), ['create']));

  it('may deny, and lets nobody in', async () => {
    expect(await opened({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' })).toEqual([]);
    expect(await opened({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' })).toEqual([
      'bucket test-evidence: everybody may s3:GetObject',
    ]);
    expect(await opened({ Effect: 'Allow', NotPrincipal: { AWS: 'x' }, Action: 's3:*', Resource: '*' })).toEqual([
      'bucket test-evidence: 1 statement(s) are not understood',
    ]);
  });
});
