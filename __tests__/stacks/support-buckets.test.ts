import type { Rotation } from '../../lib/rotation/rotation';
import type { BatchSettings } from '../../lib/rotation/settings';
import {
  ADOPTED_ARN,
  type Block,
  bucket,
  encodedBy,
  listOf,
  reference,
  rotation,
  synthesized,
  version,
} from './synthesized';

const settings = (differences: Partial<BatchSettings> = {}): BatchSettings => ({
  bucket: 'payroll-jobs',
  manage: 'bucket',
  fromVersions: 10_000_000,
  manifest: 'auto',
  verify: 'heads',
  priority: 10,
  noConcurrentWrites: false,
  ...differences,
});

const withJobs = (batch: Partial<BatchSettings> = {}, more: Partial<Rotation> = {}): Rotation =>
  rotation({
    account: '111122223333',
    reencrypt: { method: 'rewrap', from: [], engine: 'batch', batch: settings(batch) },
    ...more,
  });

const policyOf = (storage: Block): Block => encodedBy(storage.resource?.aws_iam_role_policy?.batch?.policy);
const statement = (storage: Block, sid: string): Block | undefined =>
  listOf(policyOf(storage).Statement).find((one) => String(one?.Sid) === sid);

const evidence = { bucket: { name: 'payroll-evidence', retention: { mode: 'GOVERNANCE', days: 400 } } } as const;

describe('the jobs’ role', () => {
  it.each(['batch', 'auto'] as const)(
    'is declared with engine: %s, for S3 Batch Operations of the account',
    (engine) => {
      const { storage } = synthesized(
        withJobs(
          {},
          { reencrypt: { method: 'rewrap', from: [], engine, batch: settings() }, tags: { team: 'payroll' } },
        ),
      );
      const role = storage.resource?.aws_iam_role?.batch;
      expect(role).toMatchObject({
        name: 'keyturn-payroll-batch',
        tags: { team: 'payroll', 'keyturn:rotation': 'payroll' },
      });
      const trust = encodedBy(role?.assume_role_policy);
      expect(listOf(trust.Statement)[0]?.Principal).toEqual({ Service: 'batchoperations.s3.amazonaws.com' });
      expect(listOf(trust.Statement)[0]?.Condition).toEqual({
        StringEqualsIfExists: { 'aws:SourceAccount': '111122223333' },
      });
    },
  );

  it('is not declared where this process moves the objects', () => {
    const { storage } = synthesized(rotation());
    expect(storage.resource).not.toHaveProperty('aws_iam_role');
    expect(storage.resource).not.toHaveProperty('aws_iam_role_policy');
  });

  it('names the active key and every superseded one that is not retired, as the plan finds them', () => {
    const { storage } = synthesized(
      withJobs(
        {},
        {
          keyVersions: [
            version('old', { keyArn: ADOPTED_ARN }),
            version('v1', { disabled: true }),
            version('v2'),
            version('v3'),
            version('v4'),
          ],
          activeVersion: 'v3',
        },
      ),
    );
    expect(statement(storage, 'LeaveOldKeys')?.Resource).toEqual([
      ADOPTED_ARN,
      reference('data.aws_kms_key.superseded_v2.arn'),
    ]);
    expect(statement(storage, 'UseNewKey')?.Resource).toBe(
      reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.arn'),
    );
    expect(storage.data?.aws_kms_key?.superseded_v2?.key_id).toBe('alias/payroll/v2');
    // The alias of a later version need not exist: a plan that looked it up would fail.
    expect(JSON.stringify(storage.data)).not.toContain('alias/payroll/v4');
    expect(JSON.stringify(storage)).toContain('LeaveLaterKeys');
  });

  it('lets S3 list the buckets that a manifest may be generated of, and no others', () => {
    const buckets = [bucket('payroll-data'), bucket('payroll-old', { manage: 'encryption' })];
    const listed = (batch: Partial<BatchSettings>, method: 'rewrap' | 'rewrite' = 'rewrap') =>
      statement(
        synthesized(withJobs({}, { buckets, reencrypt: { method, from: [], engine: 'auto', batch: settings(batch) } }))
          .storage,
        'ListByS3',
      )?.Resource;
    const arn = (name: string) => `arn:${reference('data.aws_partition.partition.partition')}:s3:::${name}`;
    expect(listed({ manifest: 'listed' })).toBeUndefined();
    expect(listed({ manifest: 'auto' })).toBeUndefined();
    expect(listed({ manifest: 'generated' })).toEqual([arn('payroll-data'), arn('payroll-old')]);
    expect(listed({ manifest: 'listed', verify: 'manifest' })).toEqual([arn('payroll-data'), arn('payroll-old')]);
    expect(listed({ manifest: 'auto', noConcurrentWrites: true }, 'rewrite')).toBeUndefined();
  });

  it('is let through by the key policy where users are named, by a condition and through S3 alone', () => {
    const users = ['arn:aws:iam::111122223333:role/app'];
    const sids = (given: Rotation) =>
      listOf(encodedBy(synthesized(given).keys.resource?.aws_kms_external_key?.version_v1?.policy).Statement);
    const keyPolicy = { administrators: [], users, breakGlass: [], services: [] };
    const use = sids(withJobs({}, { keyPolicy })).find((one) => String(one?.Sid) === 'UseByJobsThroughS3');
    const partition = reference('data.aws_partition.partition.partition');
    expect(use?.Principal).toEqual({ AWS: `arn:${partition}:iam::111122223333:root` });
    expect(use?.Condition).toEqual({
      StringEquals: { 'kms:CallerAccount': '111122223333', 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' },
      ArnEquals: { 'aws:PrincipalArn': `arn:${partition}:iam::111122223333:role/keyturn-payroll-batch` },
    });
    const named = (given: Rotation) => sids(given).map((one) => one?.Sid);
    expect(named(withJobs())).not.toContain('UseByJobsThroughS3');
    expect(named(rotation({ keyPolicy }))).not.toContain('UseByJobsThroughS3');
  });

  it('fails to synthesize when its policy would be larger than IAM takes', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        bucket(`payroll-${String(index).padStart(3, '0')}-${'x'.repeat(51)}`),
      );
    expect(() => synthesized(withJobs({}, { buckets: many(90) }))).not.toThrow();
    expect(() => synthesized(withJobs({}, { buckets: many(130) }))).toThrow(/130 buckets are too many for one role/);
  });
});

describe.each([
  ['batch', withJobs(), 'payroll-jobs'],
  ['evidence', rotation({ evidence }), 'payroll-evidence'],
] as const)('the %s bucket', (id, given, name) => {
  const { resource } = synthesized(given).storage;

  it('is closed, owner-enforced, versioned, TLS only, and cannot be destroyed', () => {
    expect(resource?.aws_s3_bucket?.[id]).toMatchObject({ bucket: name, lifecycle: { prevent_destroy: true } });
    expect(resource?.aws_s3_bucket_versioning?.[id]?.versioning_configuration).toEqual({ status: 'Enabled' });
    expect(resource?.aws_s3_bucket_public_access_block?.[id]).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(resource?.aws_s3_bucket_ownership_controls?.[id]?.rule).toEqual({ object_ownership: 'BucketOwnerEnforced' });
    expect(resource?.aws_s3_bucket_policy?.[id]?.policy).toContain('aws:SecureTransport');
  });

  it('is under S3’s own key, never under one that rotates', () => {
    expect(listOf(resource?.aws_s3_bucket_server_side_encryption_configuration?.[id]?.rule)).toEqual([
      { apply_server_side_encryption_by_default: { sse_algorithm: 'AES256' } },
    ]);
  });
});

describe('the evidence bucket', () => {
  const { resource } = synthesized(rotation({ evidence })).storage;

  it('locks its objects for the declared days', () => {
    expect(resource?.aws_s3_bucket?.evidence?.object_lock_enabled).toBe(true);
    expect(resource?.aws_s3_bucket_object_lock_configuration?.evidence).toMatchObject({
      rule: { default_retention: { mode: 'GOVERNANCE', days: 400 } },
      depends_on: ['aws_s3_bucket_versioning.evidence'],
      lifecycle: { prevent_destroy: true },
    });
  });

  it('is declared for a rotation in place too', () => {
    const inPlace = rotation({ evidence, strategy: 'in-place' });
    expect(synthesized(inPlace).storage.resource?.aws_s3_bucket).toHaveProperty('evidence');
  });
});

it('leaves a bucket for jobs alone that is there already', () => {
  const { storage } = synthesized(withJobs({ manage: 'existing' }));
  expect(Object.keys(storage.resource?.aws_s3_bucket ?? {})).toEqual(['bucket_payroll-data']);
  expect(storage.resource?.aws_iam_role).toHaveProperty('batch');
});

it('locks no object in the bucket for jobs', () => {
  const { resource } = synthesized(withJobs()).storage;
  expect(resource?.aws_s3_bucket?.batch).not.toHaveProperty('object_lock_enabled');
  expect(resource).not.toHaveProperty('aws_s3_bucket_object_lock_configuration');
});

it('addresses buckets by path where the name of a serving one has dots', () => {
  const dotted = rotation({ evidence: { bucket: { ...evidence.bucket, name: 'payroll.evidence' } } });
  expect(synthesized(dotted).storage.provider?.aws).toEqual([{ region: 'ap-northeast-1', s3_use_path_style: true }]);
});

it('looks the caller up once where the account is not declared and an adopted key is active', () => {
  const given = withJobs({}, { account: undefined, keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] });
  const { storage } = synthesized(given);
  expect(Object.keys(storage.data?.aws_caller_identity ?? {})).toEqual(['current']);
  const [trust] = listOf(encodedBy(storage.resource?.aws_iam_role?.batch?.assume_role_policy).Statement);
  expect(trust?.Condition).toEqual({
    StringEqualsIfExists: { 'aws:SourceAccount': reference('data.aws_caller_identity.current.account_id') },
  });
});
