import * as fc from 'fast-check';
import { createPermissions } from '../../../local-aws/permissions';
import { runs } from '../../runner/slow';
import { account, accountWith, policyOf, roleArn, session, sessionArn, trusting } from './account';
import { type Context, mayDo, type RawPrincipal, type RawStatement } from './oracle';

const names = { role: roleArn, session: sessionArn, root: `arn:aws:iam::${account}:root`, account };

const actions = ['s3:GetObject', 's3:PutObject', 'kms:Decrypt', 'kms:ReEncryptTo'];
const actionPatterns = [
  ...actions,
  'S3:getobject',
  's3:*',
  's3:Get*',
  's3:*Object',
  'kms:?ecrypt',
  'kms:ReEncrypt*',
  '*',
];

const variable = (name: string): string => `$\{${name}}`;

const resources = [
  'arn:aws:s3:::b',
  'arn:aws:s3:::b/x',
  'arn:aws:s3:::b/x:y/*',
  'arn:aws:s3:::team/x',
  `arn:aws:kms:eu-central-1:${account}:key/1`,
  '*',
];
const resourcePatterns = [
  ...resources,
  'arn:aws:s3:::*',
  'arn:aws:s3:::b*',
  'arn:aws:s3:::b/*',
  'arn:aws:s3:::?/x',
  `arn:aws:s3:::${variable('aws:PrincipalTag/team')}/x`,
  `arn:aws:s3:::${variable('aws:PrincipalTag/none')}/x`,
  `arn:aws:kms:*:${account}:key/*`,
  'arn:aws:kms:*:*:key/?',
  'arn:aws:kms:*:key/*',
  'arn:aws:kms:*',
  'arn:*:*:*:*:*',
];

const keys = [
  'kms:ViaService',
  'KMS:viaservice',
  'kms:EncryptionContextKeys',
  'aws:PrincipalArn',
  'aws:ResourceTag/team',
  'aws:None',
];
const values = [
  's3.eu-central-1.amazonaws.com',
  's3.*.amazonaws.com',
  'S3.EU-CENTRAL-1.AMAZONAWS.COM',
  'a',
  'b',
  '?',
  roleArn,
  'arn:aws:iam::*:role/*',
  'team',
  variable('aws:PrincipalTag/team'),
  variable('aws:None'),
  'true',
  'false',
];
const bases = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
  'ArnEquals',
  'ArnNotEquals',
  'ArnLike',
  'ArnNotLike',
  'Bool',
  'IpAddress',
  'StringMatches',
];

const some = <T>(from: readonly T[], most = 2) => fc.array(fc.constantFrom(...from), { minLength: 1, maxLength: most });
const operator = fc
  .tuple(
    fc.constantFrom('', '', 'ForAllValues:', 'ForAnyValue:'),
    fc.constantFrom(...bases),
    fc.constantFrom('', 'IfExists'),
  )
  .map((parts) => parts.join(''));
const compared = fc.dictionary(
  operator,
  fc.dictionary(fc.constantFrom(...keys), some(values), { minKeys: 1, maxKeys: 2 }),
  { maxKeys: 2 },
);
const presence = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(['true'], ['false']), { maxKeys: 1 });
const condition = fc.oneof(
  { weight: 5, arbitrary: compared },
  { weight: 1, arbitrary: fc.tuple(compared, presence).map(([rest, Null]) => ({ ...rest, Null })) },
);

const body = fc
  .record({
    Effect: fc.constantFrom('Allow' as const, 'Allow' as const, 'Deny' as const),
    actions: some(actionPatterns),
    resources: some(resourcePatterns),
    notAction: fc.nat(5).map((n) => n === 0),
    notResource: fc.nat(5).map((n) => n === 0),
    Condition: fc.option(condition, { nil: undefined }),
  })
  .map(
    ({ Effect, actions, resources, notAction, notResource, Condition }): RawStatement => ({
      Effect,
      ...(notAction ? { NotAction: actions } : { Action: actions }),
      ...(notResource ? { NotResource: resources } : { Resource: resources }),
      ...(Condition !== undefined && { Condition }),
    }),
  );

const others = [`arn:aws:iam::${account}:role/other`, '999999999999'];
const aws = fc.array(fc.constantFrom('*', ...Object.values(names), ...others), { minLength: 1, maxLength: 3 });
const principal: fc.Arbitrary<RawPrincipal> = fc.oneof(
  fc.constant('*' as const),
  aws.map((AWS) => ({ AWS })),
  fc.constant({ Service: ['s3.amazonaws.com'] }),
);
const everyName: RawPrincipal = { AWS: Object.values(names) };
const resourceStatement = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(body, principal).map(([rest, Principal]) => ({ ...rest, Principal })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(body, fc.oneof(principal, fc.constant(everyName)))
      .map(([rest, NotPrincipal]) => ({ ...rest, NotPrincipal })),
  },
);

const given = fc.record({
  action: fc.constantFrom(...actions),
  resource: fc.constantFrom(...resources),
  context: fc.record(
    {
      'kms:ViaService': fc.constantFrom(['s3.eu-central-1.amazonaws.com'], ['ec2.eu-central-1.amazonaws.com']),
      'kms:EncryptionContextKeys': some(['a', 'b', 'team'], 3),
      'aws:ResourceTag/team': fc.constantFrom(['a'], ['team'], ['*']),
    },
    { requiredKeys: [] },
  ),
});

/** What every session of the role brings. */
const always: Context = { 'aws:PrincipalArn': [roleArn], 'aws:PrincipalTag/team': ['team'] };

function bothSay(
  identity: readonly RawStatement[],
  asked: { readonly action: string; readonly resource: string; readonly context: Context },
  resource?: { readonly statements: readonly RawStatement[]; readonly decides: 'alone' | 'too' },
) {
  const roles = accountWith(trusting, identity, { team: 'team' });
  const permissions = createPermissions({ permits: () => false }, roles);
  const endpoint = permissions.permits(session(roles), asked, () => ({
    context: asked.context,
    ...(resource && { resourcePolicy: { text: policyOf(resource.statements), decides: resource.decides } }),
  }));
  const oracle = mayDo(identity, { ...asked, context: { ...always, ...asked.context } }, names, resource);
  return { endpoint, oracle };
}

const identityPolicy = fc.array(body, { minLength: 1, maxLength: 4 });

it('decides by identity policies as an evaluator of another make does', () => {
  let allowed = 0;
  fc.assert(
    fc.property(identityPolicy, given, (identity, asked) => {
      const { endpoint, oracle } = bothSay(identity, asked);
      if (endpoint) allowed += 1;
      expect(endpoint).toBe(oracle);
    }),
    { numRuns: runs(1500) },
  );
  expect(allowed).toBeGreaterThan(100);
});

it('decides by identity and resource policies together as an evaluator of another make does', () => {
  const resource = fc.record({
    statements: fc.array(resourceStatement, { minLength: 1, maxLength: 4 }),
    decides: fc.constantFrom('alone' as const, 'too' as const),
  });
  let allowed = 0;
  fc.assert(
    fc.property(identityPolicy, given, resource, (identity, asked, policy) => {
      const { endpoint, oracle } = bothSay(identity, asked, policy);
      if (endpoint) allowed += 1;
      expect(endpoint).toBe(oracle);
    }),
    { numRuns: runs(1500) },
  );
  expect(allowed).toBeGreaterThan(100);
});

it('never allows more for one more Deny', () => {
  fc.assert(
    fc.property(identityPolicy, body, given, (identity, denial, asked) => {
      const more = [...identity, { ...denial, Effect: 'Deny' as const }];
      if (bothSay(more, asked).endpoint) expect(bothSay(identity, asked).endpoint).toBe(true);
    }),
    { numRuns: runs(500) },
  );
});
