import type { Encryption } from '../../../lib/s3/object-version';
import { type MoveScope, NO_NAMED_SOURCES, versionScope } from '../../../lib/s3/version-scope';

const arn = (id: string, { region = 'ap-northeast-1', account = '111122223333' } = {}) =>
  `arn:aws:kms:${region}:${account}:key/${id}`;
const ACTIVE = arn('aaaaaaaa-0000-4000-8000-000000000002');
const OLD = arn('aaaaaaaa-0000-4000-8000-000000000001');
const ADOPTED = arn('bbbbbbbb-0000-4000-8000-000000000001', { account: '999988887777' });
const MULTI = 'mrk-0123456789abcdef0123456789abcdef';
const TENANT = arn('cccccccc-0000-4000-8000-000000000007');

const scope = (over: Partial<MoveScope> = {}): MoveScope => ({
  activeKeyArn: ACTIVE,
  versionKeyArns: [OLD, ADOPTED, arn(MULTI)],
  unresolvedVersions: [],
  from: NO_NAMED_SOURCES,
  ...over,
});
const from = (named: Partial<MoveScope['from']>) => scope({ from: { ...NO_NAMED_SOURCES, ...named } });
const under = (keyArn: string): Encryption => ({ kind: 'sse-kms', keyArn, bucketKey: true });
const twice = (keyArn: string): Encryption => ({ kind: 'dsse-kms', keyArn });
const of = (encryption: Encryption, over = scope(), dates = [Date.parse('2026-11-01')]) => {
  const found = versionScope(over, { encryption, dates });
  return found.scope === 'left' ? `left ${found.under}` : found.scope;
};
const SSE_S3: Encryption = { kind: 'sse-s3' };
const SSE_C: Encryption = { kind: 'sse-c' };
const NONE: Encryption = { kind: 'unencrypted' };
const OTHER: Encryption = { kind: 'other', algorithm: 'aws:backup' };
const OLD_DATE = [Date.parse('2020-01-01')];

describe('what a rotation moves', () => {
  it.each<[string, Encryption, string]>([
    ['the active key', under(ACTIVE), 'active'],
    ['the active key by its bare id', under('aaaaaaaa-0000-4000-8000-000000000002'), 'active'],
    ['the active key without a bucket key', { kind: 'sse-kms', keyArn: ACTIVE, bucketKey: false }, 'active'],
    ['two layers under the active key', twice(ACTIVE), 'active'],
    ['a superseded version', under(OLD), 'left version'],
    ['a superseded version by its bare id', under('aaaaaaaa-0000-4000-8000-000000000001'), 'left version'],
    ['two layers under a superseded version', twice(OLD), 'left version'],
    ['an adopted key of another account', under(ADOPTED), 'left version'],
    ['a multi-Region key of a version', under(arn(MULTI)), 'left version'],
    ['a key of a tenant', under(TENANT), 'out-of-scope'],
    ['a key of a tenant by its bare id', under('cccccccc-0000-4000-8000-000000000007'), 'out-of-scope'],
    ['two layers under a key of a tenant', twice(TENANT), 'out-of-scope'],
    ['SSE-S3', SSE_S3, 'out-of-scope'],
    ['SSE-C', SSE_C, 'out-of-scope'],
    ['a key by an alias', under('alias/tenants'), 'unknown'],
    ['a key by the ARN of an alias', under('arn:aws:kms:ap-northeast-1:111122223333:alias/tenants'), 'unknown'],
    ['no key at all', under(''), 'unknown'],
    ['a related multi-Region key', under(arn(MULTI, { region: 'us-east-1' })), 'unknown'],
    ['a superseded version in another Region', under(OLD.replace('ap-northeast-1', 'us-east-1')), 'unknown'],
    ['a superseded version in another account', under(OLD.replace('111122223333', '999988887777')), 'unknown'],
    ['a superseded version in capitals', under(OLD.replace('aaaaaaaa', 'AAAAAAAA')), 'unknown'],
    ['a superseded version by its bare id in capitals', under('AAAAAAAA-0000-4000-8000-000000000001'), 'unknown'],
    ['the active key in another partition', under(ACTIVE.replace('arn:aws:', 'arn:aws-us-gov:')), 'unknown'],
    ['another encryption', OTHER, 'unknown'],
    ['no encryption, though it is of today', NONE, 'unknown'],
  ])('finds a version under %s to be %s', (_name, encryption, expected) => {
    expect(of(encryption)).toBe(expected);
  });

  it('leaves a version of before 2023 without encryption alone, and believes no date that is missing', () => {
    expect(of(NONE, scope(), OLD_DATE)).toBe('out-of-scope');
    expect(of(NONE, scope(), [...OLD_DATE, 0])).toBe('unknown');
    expect(of(NONE, scope(), [...OLD_DATE, Date.parse('2024-01-01')])).toBe('unknown');
    expect(of(NONE, scope(), [])).toBe('unknown');
  });

  it('moves what reencrypt.from names, and nothing else', () => {
    expect(of(SSE_S3, from({ sseS3: true }))).toBe('left named');
    expect(of(under(TENANT), from({ sseS3: true }))).toBe('out-of-scope');
    expect(of(under(TENANT), from({ keyArns: [TENANT] }))).toBe('left named');
    expect(of(twice(TENANT), from({ keyArns: [TENANT] }))).toBe('left named');
    expect(of(SSE_S3, from({ keyArns: [TENANT] }))).toBe('out-of-scope');
    expect(of(under(OLD), from({ keyArns: [OLD] }))).toBe('left version');
    expect(of(under(ACTIVE), from({ keyArns: [ACTIVE] }))).toBe('active');
  });

  it('moves with any whatever can be moved and is known', () => {
    const any = from({ any: true });
    expect([of(SSE_S3, any), of(under(TENANT), any), of(NONE, any, OLD_DATE)]).toEqual(Array(3).fill('left named'));
    expect([of(under(OLD), any), of(under(ACTIVE), any), of(SSE_C, any)]).toEqual([
      'left version',
      'active',
      'out-of-scope',
    ]);
    expect([of(OTHER, any), of(under('alias/x'), any), of(NONE, any)]).toEqual(Array(3).fill('unknown'));
  });

  it('knows no key that may be aws/s3 while its ARN cannot be had, and those that it knows', () => {
    const unresolved = from({ unresolved: 'kms:ListAliases is denied', keyArns: [TENANT] });
    expect(of(under(arn('dddddddd-0000-4000-8000-000000000001')), unresolved)).toBe('unknown');
    expect(of(under(TENANT), unresolved)).toBe('left named');
    expect(of(under(OLD), unresolved)).toBe('left version');
    expect(of(SSE_S3, unresolved)).toBe('out-of-scope');
  });

  it('knows no other key while KMS does not report the key of a superseded version', () => {
    const unresolved = scope({ unresolvedVersions: ['v1'] });
    expect(of(under(TENANT), unresolved)).toBe('unknown');
    expect(of(under(ACTIVE), unresolved)).toBe('active');
    expect(of(SSE_S3, unresolved)).toBe('out-of-scope');
  });
});
