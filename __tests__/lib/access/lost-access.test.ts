import { lostAccess } from '../../../lib/access/lost-access';
import { pinnedKeys } from '../../../lib/access/pinned-keys';
import { type PolicyStatement, readAccessPolicy } from '../../../lib/access/policy';
import { type KeyPolicyInput, keyPolicy } from '../../../stacks/key-policy';

const REGION = 'eu-central-1';
const OWN = '111122223333';
const ROOT = `arn:aws:iam::${OWN}:root`;
const READER = `arn:aws:iam::${OWN}:role/reader`;
const FOREIGN = 'arn:aws:iam::999900001111:role/partner';
const LOGS = `arn:aws:logs:${REGION}:${OWN}:*`;

function policy(...Statement: readonly object[]): readonly PolicyStatement[] {
  const read = readAccessPolicy(JSON.stringify({ Version: '2012-10-17', Statement }));
  if (read === undefined) throw new Error('no policy');
  return read;
}

const allow = (Principal: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Principal,
  Action: 'kms:*',
  Resource: '*',
  ...more,
});

/** The policy that the keys stack declares. */
const declared = (more: Partial<KeyPolicyInput> = {}) =>
  policy(
    ...keyPolicy({
      account: OWN,
      partition: 'aws',
      region: REGION,
      rotation: 'ledger',
      administrators: [],
      users: [],
      breakGlass: [],
      services: [],
      inPlace: false,
      ...more,
    }).Statement,
  );

const lines = (from: readonly PolicyStatement[], to: readonly PolicyStatement[]) =>
  lostAccess(from, to, REGION).map(({ who, uses, way, verdict }) => `${who}: ${uses.join('+')} ${way} ${verdict}`);

it('finds nothing between two keys with the policy of the keys stack', () => {
  expect(lines(declared(), declared())).toEqual([]);
  expect(lines(declared({ users: [READER, FOREIGN] }), declared({ users: [FOREIGN, READER] }))).toEqual([]);
});

it('finds nothing where both keys have the statement that is not understood', () => {
  const jobRole = `arn:aws:iam::${OWN}:role/jobs`;
  const users = [READER];
  expect(lines(declared({ users, jobRole }), declared({ users, jobRole }))).toEqual([]);
  const byOrganization = allow('*', { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } });
  expect(lines(policy(byOrganization), policy(byOrganization))).toEqual([]);
  const address = { Condition: { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } };
  const denies = { ...allow('*', address), Effect: 'Deny' };
  expect(lines(policy(byOrganization), policy(byOrganization, denies))).toEqual([
    'everybody: read+write through S3 unknown',
  ]);
  expect(lines(policy(byOrganization, denies), policy(denies, byOrganization))).toEqual([]);
});

it('finds a reader, a log delivery and another account that only the old key admits', () => {
  const old = policy(
    allow({ AWS: ROOT }),
    allow({ AWS: READER }, { Action: ['kms:Decrypt', 'kms:DescribeKey'] }),
    allow({ AWS: '999900001111' }, { Action: 'kms:Decrypt' }),
    allow(
      { Service: 'delivery.logs.amazonaws.com' },
      { Action: 'kms:GenerateDataKey*', Condition: { ArnLike: { 'aws:SourceArn': LOGS } } },
    ),
  );
  expect(lines(old, declared())).toEqual([
    `account ${OWN}: read+write outside S3 lost`,
    `${READER}: read through S3 left-to-iam`,
    'account 999900001111: read through S3 lost',
    `delivery.logs.amazonaws.com for ${LOGS}: write through S3 lost`,
  ]);
  const mended = declared({
    users: [ROOT, READER, 'arn:aws:iam::999900001111:root'],
    services: [{ service: 'delivery.logs.amazonaws.com', sourceArns: [LOGS], sourceAccounts: [] }],
  });
  expect(lines(old, mended)).toEqual([
    `account ${OWN}: read+write outside S3 lost`,
    `${READER}: read+write outside S3 lost`,
    'account 999900001111: read outside S3 lost',
    `delivery.logs.amazonaws.com for ${LOGS}: write through S3 unknown`,
  ]);
});

it('finds nothing for a service whose account the old key demands, too', () => {
  const source = { ArnLike: { 'aws:SourceArn': LOGS }, StringEquals: { 'aws:SourceAccount': OWN } };
  const old = policy(allow({ Service: 'delivery.logs.amazonaws.com' }, { Condition: source }));
  const services = [{ service: 'delivery.logs.amazonaws.com', sourceArns: [LOGS], sourceAccounts: [] }];
  expect(lines(old, declared({ services }))).toEqual([]);
});

it('names the entry of the rotation file that mends a service', () => {
  const old = policy(
    allow({ Service: 's3.amazonaws.com' }, { Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::logs' } } }),
  );
  expect(lostAccess(old, declared(), REGION)[0]?.fix).toBe(
    'keyPolicy.services: { service: s3.amazonaws.com, sourceArns: [arn:aws:s3:::logs] }',
  );
});

it('finds the account where the new key names its users', () => {
  const old = policy(allow({ AWS: ROOT }));
  expect(lines(old, declared({ users: [READER] }))).toEqual([`account ${OWN}: read+write through S3 lost`]);
});

it.each<[string, object]>([
  ['a condition on the organization', { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }],
  ['a number', { Condition: { NumericLessThan: { 'aws:MultiFactorAuthAge': '60' } } }],
  ['a policy variable', { Condition: { StringEquals: { 'aws:PrincipalAccount': '$' + '{aws:username}' } } }],
  ['a quantifier', { Condition: { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'aws:s3:arn' } } }],
])('says unknown, never allowed, of %s on the new key', (_, condition) => {
  const old = policy(allow({ AWS: READER }));
  const found = lines(old, policy(allow({ AWS: READER }, condition)));
  expect(found).toEqual([`${READER}: read+write through S3 unknown`]);
});

it('says unknown of a denial that may hold', () => {
  const old = policy(allow({ AWS: READER }));
  const denies = { ...allow('*', { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }), Effect: 'Deny' };
  expect(lines(old, policy(allow({ AWS: READER }), denies))).toEqual([`${READER}: read+write through S3 unknown`]);
});

it.each<[string, object]>([
  ['NotPrincipal', { NotPrincipal: { AWS: READER } }],
  ['the id of a principal that was deleted', { Principal: { AWS: 'AROAEXAMPLE' } }],
  ['a federated principal', { Principal: { Federated: 'cognito-identity.amazonaws.com' } }],
])('says unknown of %s, whom nobody can name here', (_, who) => {
  const { Principal: _none, ...rest } = allow('*');
  const statement = { ...rest, ...who, Action: 'kms:Decrypt', Sid: 'Odd' };
  expect(lines(policy(statement), declared())).toEqual(['statement Odd: read through S3 unknown']);
  expect(lines(policy({ ...statement, Effect: 'Deny' }), declared())).toEqual([]);
  expect(lines(policy({ ...statement, Action: 'kms:DescribeKey' }), declared())).toEqual([]);
});

it.each([
  'no JSON',
  '{}',
  '{"Statement":[{"Effect":"Allow"}]}',
  '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","New":1}]}',
])('does not understand %s', (text) => {
  expect(readAccessPolicy(text)).toBeUndefined();
});

describe('a bucket policy', () => {
  const [from, to] = ['old', 'new'].map((id) => `arn:aws:kms:${REGION}:${OWN}:key/${id}`) as [string, string];
  const key = 's3:x-amz-server-side-encryption-aws-kms-key-id';
  const statement = (Effect: string, operator: string, keys: readonly string[], Sid?: string) => ({
    ...(Sid === undefined ? {} : { Sid }),
    Effect,
    Principal: '*',
    Action: 's3:PutObject',
    Resource: '*',
    Condition: { [operator]: { [key]: keys } },
  });

  it('that names the old key alone is found, and whether it denies the new one', () => {
    const statements = policy(
      statement('Deny', 'StringNotEquals', [from], 'OnlyOurKey'),
      statement('Allow', 'StringEquals', [from]),
    );
    expect(pinnedKeys('ledger', statements, { from, to })).toEqual([
      { bucket: 'ledger', statement: 'OnlyOurKey', deniesOthers: true },
      { bucket: 'ledger', statement: 'statement 2', deniesOthers: false },
    ]);
  });

  it('that demands any key but the new one is found, by whatever name', () => {
    const statements = policy(statement('Deny', 'StringNotEquals', [`arn:aws:kms:${REGION}:${OWN}:alias/ledger`]));
    expect(pinnedKeys('ledger', statements, { from, to })).toEqual([
      { bucket: 'ledger', statement: 'statement 1', deniesOthers: true },
    ]);
    expect(pinnedKeys('ledger', policy(statement('Deny', 'Null', ['true'])), { from, to })).toEqual([]);
  });

  it('that names both keys is not', () => {
    const statements = policy(statement('Deny', 'StringNotEquals', [from, to]));
    expect(pinnedKeys('ledger', statements, { from, to })).toEqual([]);
  });
});
