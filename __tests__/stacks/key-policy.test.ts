import fc from 'fast-check';
import { type KeyPolicy, type KeyPolicyInput, keyPolicy } from '../../stacks/key-policy';

const ROOT = 'arn:aws:iam::111122223333:root';
const ADMIN = 'arn:aws:iam::111122223333:role/key-admin';
const USER = 'arn:aws:iam::111122223333:role/app';

const input = (differences: Partial<KeyPolicyInput> = {}): KeyPolicyInput => ({
  account: '111122223333',
  partition: 'aws',
  region: 'ap-northeast-1',
  rotation: 'payroll',
  administrators: [],
  users: [],
  breakGlass: [],
  services: [],
  inPlace: false,
  ...differences,
});

type Statement = KeyPolicy['Statement'][number];
const named = (policy: KeyPolicy, principal: string): readonly Statement[] =>
  policy.Statement.filter((statement) => Object.values(statement.Principal).flat().includes(principal));
const CRYPTO = /^kms:(Encrypt|Decrypt|GenerateDataKey|ReEncrypt|CreateGrant)/;
const uses = (statement: Statement): boolean => statement.Action.some((action) => CRYPTO.test(action));

describe('separation', () => {
  const policy = keyPolicy(input({ administrators: [ADMIN], users: [USER] }));

  it('administrators cannot use the key but for the import proof', () => {
    const using = named(policy, ADMIN).filter(uses);
    expect(using.map((statement) => statement.Condition)).toEqual([
      { StringEquals: { 'kms:EncryptionContext:keyturn:proof': 'payroll' } },
    ]);
  });

  it('users reach the key through S3 of this region and account alone', () => {
    const using = named(policy, USER).filter(uses);
    expect(using.map((statement) => statement.Condition)).toEqual([
      { StringEquals: { 'kms:CallerAccount': '111122223333', 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' } },
    ]);
  });

  it('users administer nothing', () => {
    const actions = named(policy, USER).flatMap((statement) => statement.Action);
    expect(actions.filter((action) => !CRYPTO.test(action))).toEqual(['kms:DescribeKey']);
  });

  it('the account, when administrators are named, only reads and repairs the policy', () => {
    const actions = named(policy, ROOT).flatMap((statement) => statement.Action);
    expect(actions).toContain('kms:PutKeyPolicy');
    expect(actions.filter((action) => !/^kms:(Get|List|Describe|PutKeyPolicy)/.test(action))).toEqual([]);
  });
});

describe('what destroys', () => {
  const GLASS = 'arn:aws:iam::111122223333:role/break-glass';
  const DESTROYING = ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'];
  const about = (policy: KeyPolicy) =>
    policy.Statement.filter(({ Action }) => Action.some((action) => DESTROYING.includes(action)));

  it('is denied to everybody, administrators and root too, where nobody is named', () => {
    const policy = keyPolicy(input({ administrators: [ADMIN], users: [USER] }));
    expect(about(policy)).toEqual([
      { Sid: 'DestroyNothing', Effect: 'Deny', Principal: { AWS: '*' }, Action: DESTROYING, Resource: '*' },
    ]);
  });

  it('is denied to everybody but the break-glass principals, who are allowed it', () => {
    const policy = keyPolicy(input({ administrators: [ADMIN], breakGlass: [GLASS] }));
    expect(about(policy).map(({ Effect, Principal, Condition }) => ({ Effect, Principal, Condition }))).toEqual([
      { Effect: 'Deny', Principal: { AWS: '*' }, Condition: { ArnNotEquals: { 'aws:PrincipalArn': GLASS } } },
      { Effect: 'Allow', Principal: { AWS: GLASS }, Condition: undefined },
    ]);
  });

  it('gives break-glass principals nothing else', () => {
    const policy = keyPolicy(input({ breakGlass: [GLASS, `${GLASS}-2`] }));
    expect(named(policy, GLASS).flatMap((statement) => statement.Action)).toEqual(DESTROYING);
  });
});

describe('property', () => {
  const principals = fc.uniqueArray(
    fc.stringMatching(/^[a-z]{1,8}$/).map((name) => `arn:aws:iam::111122223333:role/${name}`),
    { maxLength: 4 },
  );

  it('whoever is named, the key cannot be locked out and no use is unconditional', () => {
    fc.assert(
      fc.property(principals, principals, (administrators, users) => {
        const policy = keyPolicy(input({ administrators, users }));
        expect(named(policy, ROOT).some(({ Action }) => Action.includes('kms:PutKeyPolicy'))).toBe(true);
        expect(policy.Statement.filter(uses).every((statement) => statement.Condition !== undefined)).toBe(true);
        expect(JSON.stringify(policy)).not.toMatch(/"kms:\*"|"\*":/);
      }),
    );
  });

  it('the order and repetition of principals is no difference', () => {
    fc.assert(
      fc.property(principals, (administrators) => {
        const shuffled = [...administrators].reverse().concat(administrators);
        expect(keyPolicy(input({ administrators: shuffled }))).toEqual(keyPolicy(input({ administrators })));
      }),
    );
  });
});

it('lets administrators rotate the key where it is rotated in place, and nowhere else', () => {
  const rotates = (inPlace: boolean) =>
    named(keyPolicy(input({ administrators: [ADMIN], inPlace })), ADMIN)
      .flatMap((statement) => statement.Action)
      .filter((action) => /Rotat/.test(action) && action !== 'kms:GetKeyRotationStatus');
  expect(rotates(true)).toEqual(['kms:ListKeyRotations', 'kms:RotateKeyOnDemand']);
  expect(rotates(false)).toEqual([]);
});

it('puts the account’s root in place of principals that are not named', () => {
  const policy = keyPolicy(input());
  const allowing = policy.Statement.filter(({ Effect }) => Effect === 'Allow');
  expect(new Set(allowing.map((statement) => Object.values(statement.Principal)[0]))).toEqual(new Set([ROOT]));
});

it('lets nobody disable a key that was used lately, where the file asks for days without use', () => {
  const of = (unusedForDays?: number) =>
    keyPolicy(input({ unusedForDays })).Statement.filter(({ Action }) => Action.includes('kms:DisableKey'));
  expect(of().map(({ Effect }) => Effect)).toEqual(['Allow']);
  expect(of(30)).toContainEqual({
    Sid: 'DisableOnlyUnused',
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Action: ['kms:DisableKey'],
    Resource: '*',
    Condition: { NumericLessThan: { 'kms:TrailingDaysWithoutKeyUsage': '30' } },
  });
});

it('fits other partitions', () => {
  const policy = keyPolicy(input({ partition: 'aws-cn', region: 'cn-north-1' }));
  expect(named(policy, 'arn:aws-cn:iam::111122223333:root')).toHaveLength(5);
  expect(
    policy.Statement.find(({ Sid }) => Sid === 'UseThroughS3')?.Condition?.StringEquals?.['kms:ViaService'],
  ).toEqual(['s3.cn-north-1.amazonaws.com', 's3.cn-north-1.amazonaws.com.cn']);
});

describe('users of another account', () => {
  const OTHER = 'arn:aws:iam::999900001111:role/reader';
  const callers = (users: readonly string[]) =>
    keyPolicy(input({ users })).Statement.find(({ Sid }) => Sid === 'UseThroughS3')?.Condition?.StringEquals?.[
      'kms:CallerAccount'
    ];

  it('reach the key from their account', () => {
    expect(callers([OTHER])).toBe('999900001111');
    expect(callers([USER, OTHER, `${OTHER}-2`])).toEqual(['111122223333', '999900001111']);
  });

  it('are nobody where no user is named', () => {
    expect(callers([])).toBe('111122223333');
  });
});

describe('AWS services', () => {
  const LOGS = 'arn:aws:logs:ap-northeast-1:111122223333:*';
  const of = (services: KeyPolicyInput['services']) =>
    keyPolicy(input({ services })).Statement.filter(({ Principal }) => 'Service' in Principal);

  it('use the key for what they act for, as the page of each service asks', () => {
    const services = [
      { service: 'delivery.logs.amazonaws.com', sourceArns: [LOGS], sourceAccounts: [] },
      { service: 'config.amazonaws.com', sourceArns: [], sourceAccounts: ['444455556666', '111122223333'] },
    ];
    expect(of(services)).toEqual([
      {
        Sid: 'UseByConfig',
        Effect: 'Allow',
        Principal: { Service: 'config.amazonaws.com' },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: '*',
        Condition: { StringEquals: { 'aws:SourceAccount': ['111122223333', '444455556666'] } },
      },
      {
        Sid: 'UseByDeliveryLogs',
        Effect: 'Allow',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        Resource: '*',
        Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' }, ArnLike: { 'aws:SourceArn': LOGS } },
      },
    ]);
  });

  it('that no table holds are bound by account and source', () => {
    const [statement] = of([{ service: 'new-thing.amazonaws.com', sourceArns: [LOGS], sourceAccounts: [] }]);
    expect(statement?.Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': '111122223333' },
      ArnLike: { 'aws:SourceArn': LOGS },
    });
  });
});
