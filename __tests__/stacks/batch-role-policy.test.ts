import fc from 'fast-check';
import { type BatchRolePolicyInput, batchRolePolicy, batchTrustPolicy } from '../../stacks/batch-role-policy';

const key = (digit: number) =>
  `arn:aws:kms:ap-northeast-1:111122223333:key/0000000${digit}-0000-0000-0000-000000000000`;

const input = (differences: Partial<BatchRolePolicyInput> = {}): BatchRolePolicyInput => ({
  partition: 'aws',
  region: 'ap-northeast-1',
  method: 'rewrap',
  buckets: ['payroll-data'],
  listedByS3: [],
  store: { bucket: 'payroll-jobs', prefix: 'keyturn/payroll/' },
  oldKeys: [key(1)],
  newKey: key(2),
  ...differences,
});

/** The actions that a policy allows on a resource. */
const on = (given: BatchRolePolicyInput, resource: string): readonly string[] =>
  batchRolePolicy(given)
    .Statement.filter(({ Resource }) => [Resource].flat().includes(resource))
    .flatMap(({ Action }) => Action)
    .sort();

describe('the trust of the jobs’ role', () => {
  it('lets S3 Batch Operations in alone, and for no other account where the service names one', () => {
    expect(batchTrustPolicy('111122223333').Statement).toEqual([
      {
        Sid: 'JobsOfThisAccount',
        Effect: 'Allow',
        Principal: { Service: 'batchoperations.s3.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { StringEqualsIfExists: { 'aws:SourceAccount': '111122223333' } },
      },
    ]);
  });
});

describe('the policy of the jobs’ role', () => {
  it('lets rewrap move a data key from the old keys to the new one, and not back to an old one', () => {
    expect(on(input(), 'arn:aws:s3:::payroll-data/*')).toEqual([
      's3:GetObject',
      's3:GetObjectVersion',
      's3:UpdateObjectEncryption',
    ]);
    expect(on(input(), key(1))).toEqual(['kms:Decrypt', 'kms:ReEncryptFrom']);
    expect(on(input(), key(2))).toEqual([
      'kms:Decrypt',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ]);
  });

  it.each(['rewrap', 'rewrite'] as const)('lets %s name no other key than the new one', (method) => {
    const { Statement } = batchRolePolicy(input({ method }));
    expect(Statement.find(({ Sid }) => Sid === 'MoveObjects')?.Condition).toEqual({
      StringEqualsIfExists: { 's3:x-amz-server-side-encryption-aws-kms-key-id': key(2) },
    });
  });

  it('lets rewrite copy with tags, and change no encryption in place', () => {
    const copying = input({ method: 'rewrite' });
    const actions = on(copying, 'arn:aws:s3:::payroll-data/*');
    expect(actions).toEqual(expect.arrayContaining(['s3:GetObjectTagging', 's3:PutObject', 's3:PutObjectTagging']));
    expect(actions).not.toContain('s3:UpdateObjectEncryption');
    expect(on(copying, key(1))).toEqual(['kms:Decrypt']);
    expect(on(copying, key(2))).toEqual(['kms:Decrypt', 'kms:GenerateDataKey']);
  });

  it('reads manifests and writes reports of this rotation alone', () => {
    expect(on(input(), 'arn:aws:s3:::payroll-jobs/keyturn/payroll/manifests*')).toEqual([
      's3:GetObject',
      's3:GetObjectVersion',
    ]);
    expect(on(input(), 'arn:aws:s3:::payroll-jobs/keyturn/payroll/reports/*')).toEqual(['s3:PutObject']);
  });

  it('lets S3 list a bucket and write a manifest only where manifests are made by S3', () => {
    expect(on(input(), 'arn:aws:s3:::payroll-data')).toEqual([]);
    const listed = input({ buckets: ['payroll-data', 'payroll-logs'], listedByS3: ['payroll-logs'] });
    expect(on(listed, 'arn:aws:s3:::payroll-logs')).toEqual(['s3:PutInventoryConfiguration']);
    expect(on(listed, 'arn:aws:s3:::payroll-data')).toEqual([]);
    expect(on(listed, 'arn:aws:s3:::payroll-jobs/keyturn/payroll/manifests*')).toContain('s3:PutObject');
  });

  it('reaches the keys of later versions by their aliases, to leave them and through S3 alone', () => {
    const anyKey = 'arn:aws:kms:ap-northeast-1:111122223333:key/*';
    const { Statement } = batchRolePolicy(input({ laterKeys: { anyKey, aliases: 'alias/payroll/*' } }));
    expect(Statement.find(({ Sid }) => Sid === 'LeaveLaterKeys')).toEqual({
      Sid: 'LeaveLaterKeys',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:ReEncryptFrom'],
      Resource: anyKey,
      Condition: {
        StringEquals: { 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' },
        'ForAnyValue:StringLike': { 'kms:ResourceAliases': 'alias/payroll/*' },
      },
    });
  });

  it('names no old key where there is none', () => {
    expect(batchRolePolicy(input({ oldKeys: [] })).Statement.map(({ Sid }) => Sid)).not.toContain('LeaveOldKeys');
  });

  it('deletes nothing, has no wildcard of actions, and reaches a key through S3 alone, whatever it is made of', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{3,20}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(names, names, fc.constantFrom('rewrap' as const, 'rewrite' as const), (buckets, others, method) => {
        const { Statement } = batchRolePolicy(input({ buckets, listedByS3: others, method }));
        for (const { Action, Resource, Condition } of Statement) {
          expect(Action.join()).not.toMatch(/\*|Delete|Bypass|CreateGrant/);
          expect([Resource].flat().some((one) => /^(\*|arn:aws:(s3:::|kms:[^:]*:[^:]*:key\/)\*)/.test(one))).toBe(
            false,
          );
          if (Action.some((action) => action.startsWith('kms:')))
            expect(Condition).toEqual({ StringEquals: { 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' } });
        }
        expect(new Set(Statement.map(({ Sid }) => Sid)).size).toBe(Statement.length);
      }),
    );
  });
});
