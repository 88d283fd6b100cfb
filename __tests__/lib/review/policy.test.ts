import fc from 'fast-check';
import { readPolicy } from '../../../lib/review/planned-key-policy';
import { actionsOf, classOf, covers } from '../../../lib/review/policy-actions';
import { type Widening, widenings } from '../../../lib/review/policy-widening';

const ROLE = 'arn:aws:iam::111122223333:role/app';
const OTHER = 'arn:aws:iam::111122223333:role/other';

const policy = (...statements: readonly Record<string, unknown>[]) => {
  const found = readPolicy(
    JSON.stringify({
      Statement: statements.map((one) => ({ Effect: 'Allow', Resource: '*', Principal: { AWS: ROLE }, ...one })),
    }),
  );
  if (!found) throw new Error('no policy');
  return found;
};

const between = (before: Record<string, unknown>, after: Record<string, unknown>): readonly Widening[] =>
  widenings(policy(before), policy(after));

const via = (...services: string[]) => ({ StringEquals: { 'kms:ViaService': services } });

describe('what a policy allows beyond the one before', () => {
  it('is nothing for the same policy, however it is written', () => {
    expect(
      between({ Action: ['kms:Encrypt', 'kms:Decrypt'] }, { Action: ['kms:decrypt', 'kms:Encrypt'], Sid: 'x' }),
    ).toEqual([]);
    expect(between({ Action: 'kms:*' }, { Action: ['kms:Decrypt'] })).toEqual([]);
    expect(
      between(
        { Action: 'kms:Decrypt', Principal: { AWS: '111122223333' } },
        { Action: 'kms:Decrypt', Principal: { AWS: 'arn:aws:iam::111122223333:root' } },
      ),
    ).toEqual([]);
  });

  it('is a new principal', () => {
    expect(between({ Action: 'kms:Decrypt' }, { Action: 'kms:Decrypt', Principal: { AWS: [ROLE, OTHER] } })).toEqual([
      { kind: 'use', principal: OTHER, actions: ['decrypt'], how: 'new' },
    ]);
  });

  it('is everybody, even where many were allowed', () => {
    expect(between({ Action: 'kms:Decrypt' }, { Action: 'kms:Decrypt', Principal: '*' })).toMatchObject([
      { principal: '*', how: 'new' },
    ]);
    expect(between({ Action: 'kms:Decrypt', Principal: '*' }, { Action: 'kms:Decrypt' })).toEqual([]);
  });

  it.each([
    ['kms:Sche*', 'delete'],
    ['kms:Put*', 'administer'],
    ['kms:GenerateDataKey*', 'use'],
    ['kms:CreateGrant', 'use'],
    ['kms:List*', 'look'],
    ['kms:ANewAction', 'administer'],
  ])('is a new action, by wildcard too: %s is %s', (Action, kind) => {
    expect(between({ Action: 'kms:Encrypt' }, { Action: ['kms:Encrypt', Action] }).map((one) => one.kind)).toEqual([
      kind,
    ]);
  });

  it('is a condition that is gone or looser, and not one that is stricter', () => {
    const bound = { Action: 'kms:Decrypt', Condition: via('s3.ap-northeast-1.amazonaws.com') };
    expect(between(bound, { Action: 'kms:Decrypt' })).toMatchObject([{ how: 'loosened' }]);
    const looser = { ...bound, Condition: via('s3.ap-northeast-1.amazonaws.com', 'ec2.ap-northeast-1.amazonaws.com') };
    expect(between(bound, looser)).toMatchObject([{ how: 'loosened' }]);
    expect(between(looser, bound)).toEqual([]);
    expect(between({ Action: 'kms:Decrypt' }, bound)).toEqual([]);
    const like = { ...bound, Condition: { StringLike: { 'kms:ViaService': 's3.*' } } };
    expect(between(bound, like)).toMatchObject([{ how: 'loosened' }]);
  });

  it('is more for each value that a negated condition loses', () => {
    const not = (...accounts: string[]) => ({
      Action: 'kms:Decrypt',
      Condition: { StringNotEquals: { 'kms:CallerAccount': accounts } },
    });
    expect(between(not('1', '2'), not('1'))).toMatchObject([{ how: 'loosened' }]);
    expect(between(not('1'), not('1', '2'))).toEqual([]);
  });

  it('is a denial that is gone', () => {
    const allowed = { Action: 'kms:*' };
    const denied = { Effect: 'Deny', Principal: '*', Action: 'kms:ScheduleKeyDeletion' };
    expect(widenings(policy(allowed, denied), policy(allowed))).toEqual([
      { kind: 'delete', principal: '*', actions: ['schedulekeydeletion'], how: 'undenied' },
    ]);
    expect(widenings(policy(allowed), policy(allowed, denied))).toEqual([]);
  });
});

describe('a statement that bends its own meaning', () => {
  it.each([
    { NotAction: 'kms:Decrypt' },
    { NotPrincipal: { AWS: ROLE } },
    { Principal: {} },
    { Condition: { Bool: { x: {} } } },
  ])('is kept as it stands: %j', (bend) => {
    expect(policy({ Action: 'kms:Decrypt', ...bend })).toMatchObject({ statements: [], strange: [expect.any(String)] });
  });
});

describe('IAM patterns', () => {
  it('covers as a plain comparison does where there is no wildcard', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{0,8}$/),
        fc.stringMatching(/^[a-z]{0,8}$/),
        (a, b) => covers(a, b) === (a === b),
      ),
    );
  });

  it('covers as a regular expression does', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*?]{0,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(covers(pattern, text)).toBe(expression.test(text));
      }),
    );
  });

  it('ends soon on a pattern made to take long', () => {
    expect(covers(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
  });

  it('counts an action that is not known as administration, and none of another service', () => {
    expect(actionsOf('kms:BrandNew').map(classOf)).toEqual(['administer']);
    expect([actionsOf('s3:*'), actionsOf('*').includes('decrypt'), actionsOf('k*:Decrypt')]).toEqual([
      [],
      true,
      ['decrypt'],
    ]);
  });
});
