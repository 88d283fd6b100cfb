import fc from 'fast-check';
import type { Known } from '../../../lib/access/conditions';
import { type Access, type Asker, decide } from '../../../lib/access/decide';
import { identitySays, readIdentity } from '../../../lib/access/identity-access';
import { readAccessPolicy } from '../../../lib/access/policy';
import { lookup } from '../../../local-aws/iam/context';
import { decide as decideThere } from '../../../local-aws/iam/decision';
import { readPolicy } from '../../../local-aws/iam/document';
import { type PrincipalNames, weigh } from '../../../local-aws/iam/evaluate';
import { SLOW } from '../../runner/slow';

/** The evaluator of `access` and that of the embedded endpoint, which share no code, over random policies of keys. */
const ACCOUNTS = ['111122223333', '999900001111'];
const ROLES = ACCOUNTS.map((account) => `arn:aws:iam::${account}:role/reader`);
const ROOTS = ACCOUNTS.map((account) => `arn:aws:iam::${account}:root`);
const SERVICES = ['delivery.logs.amazonaws.com', 'config.amazonaws.com'];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'kms:ViaService': ['s3.eu-central-1.amazonaws.com', 'ec2.eu-central-1.amazonaws.com', 's3.*', '*'],
  'kms:CallerAccount': ACCOUNTS,
  'aws:PrincipalArn': [...ROLES, 'arn:aws:iam::*:role/*', 'arn:aws:iam::111122223333:role/*'],
  'aws:SourceArn': ['arn:aws:logs:eu-central-1:111122223333:*', 'arn:aws:logs:eu-central-1:111122223333:group/a'],
  'aws:SecureTransport': ['true', 'false'],
};
const OPERATORS = [
  'StringEquals',
  'StringNotEquals',
  'StringLike',
  'StringNotLike',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'ArnEquals',
  'ArnLike',
  'ArnNotEquals',
  'ArnNotLike',
  'Bool',
  'Null',
];

const some = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });
const condition = fc
  .record({
    operator: fc.constantFrom(...OPERATORS),
    ifExists: fc.boolean(),
    key: fc.constantFrom(...Object.keys(VALUES)),
  })
  .chain(({ operator, ifExists, key }) =>
    (operator === 'Null' ? some(['true', 'false']) : some(VALUES[key] ?? [])).map((values) => ({
      [`${operator}${ifExists && operator !== 'Null' ? 'IfExists' : ''}`]: { [key]: values },
    })),
  );
const principal = fc.oneof(
  fc.constant<unknown>('*'),
  some([...ROLES, ...ROOTS, ...ACCOUNTS]).map((AWS) => ({ AWS })),
  some(SERVICES).map((Service) => ({ Service })),
);
const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'),
  Principal: principal,
  Action: some(['kms:*', 'kms:Decrypt', 'kms:GenerateDataKey*', 'kms:Describe*', 'KMS:decrypt', '*']),
  Resource: fc.constant('*'),
  Condition: fc.array(condition, { maxLength: 2 }).map((all): Record<string, unknown> => Object.assign({}, ...all)),
});
const policy = fc
  .array(statement, { minLength: 1, maxLength: 4 })
  .map((Statement) => JSON.stringify({ Version: '2012-10-17', Statement }));

const asker: fc.Arbitrary<Asker> = fc.oneof(
  fc.constantFrom(...ROLES).map((arn): Asker => ({ kind: 'principal', arn, account: arn.split(':')[4] ?? '' })),
  fc.constantFrom(...SERVICES).map((name): Asker => ({ kind: 'service', name })),
);
/** Values of condition keys, each one, or the key is surely not there. */
const context = fc.record(
  Object.fromEntries(
    Object.entries(VALUES).map(([key, values]) => [
      key,
      fc.option(fc.constantFrom(...values.filter((one) => !one.includes('*'))), { nil: undefined }),
    ]),
  ),
);

const numRuns = SLOW ? 10_000 : 400;

type Context = Readonly<Record<string, string | undefined>>;

function ours(text: string, who: Asker, action: string, given: Context): Access {
  const lower = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.toLowerCase(), value]));
  const known: Known = (key) => (lower[key] === undefined ? [] : [lower[key]]);
  const statements = readAccessPolicy(text);
  if (statements === undefined) throw new Error('not understood');
  return decide(statements, { asker: who, action, known });
}

function theirs(text: string, who: Asker, action: string, given: Context): Access {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const names: Record<string, PrincipalNames> =
    who.kind === 'service'
      ? { Service: { own: [who.name], account: [] } }
      : who.kind === 'principal'
        ? { AWS: { own: [who.arn], account: [`arn:aws:iam::${who.account}:root`, who.account] } }
        : {};
  const question = { action, resource: '*', context: lookup(present as Record<string, string>), principal: names };
  const { denies, allows, delegates } = weigh(readPolicy(text, 'resource'), question);
  if (denies !== undefined) return 'denied';
  if (allows !== undefined) return 'allowed';
  return delegates === undefined ? 'denied' : 'left-to-iam';
}

it('agrees with the evaluator of the embedded endpoint, and decides most requests', () => {
  let undecided = 0;
  const actions = fc.constantFrom('kms:Decrypt', 'kms:GenerateDataKey');
  fc.assert(
    fc.property(policy, asker, actions, context, (text, who, action, given) => {
      const said = ours(text, who, action, given);
      if (said === 'unknown') undecided += 1;
      else expect(said).toBe(theirs(text, who, action, given));
    }),
    { numRuns },
  );
  expect(undecided).toBeLessThan(numRuns / 4);
});

/** Of what is not known, our answer may be unknown, and never more than the truth, whatever the key holds. */
it('never allows by what it does not know', () => {
  fc.assert(
    fc.property(policy, asker, fc.constantFrom(...Object.keys(VALUES)), context, (text, who, hidden, given) => {
      const lower = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.toLowerCase(), value]));
      const known: Known = (key) =>
        key === hidden.toLowerCase() ? undefined : lower[key] === undefined ? [] : [lower[key]];
      const said = decide(readAccessPolicy(text) ?? [], { asker: who, action: 'kms:Decrypt', known });
      if (said === 'unknown') return;
      for (const value of [undefined, ...(VALUES[hidden] ?? []).filter((one) => !one.includes('*'))])
        expect(theirs(text, who, 'kms:Decrypt', { ...given, [hidden]: value })).toBe(said);
    }),
    { numRuns },
  );
});

/** Policies of an identity, of its boundary and of its session, about two keys. */
describe('of identities', () => {
  const KEYS = ['aaaa', 'bbbb'].map((id) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`);
  const [KEY = '', OTHER = ''] = KEYS;
  const [ROLE = ''] = ROLES;
  const marks = { arn: KEY, aliases: ['alias/photos'], tags: [{ key: 'team', value: 'reports' }] };
  const ofKey = {
    'aws:ResourceTag/team': ['reports', 'billing', 'rep*'],
    'aws:ResourceTag/none': ['reports'],
  };
  const own = { ...VALUES, ...ofKey };
  const identityCondition = fc
    .record({ operator: fc.constantFrom(...OPERATORS), key: fc.constantFrom(...Object.keys(own)) })
    .chain(({ operator, key }) =>
      (operator === 'Null' ? some(['true', 'false']) : some((own as typeof VALUES)[key] ?? [])).map((values) => ({
        [operator]: { [key]: values },
      })),
    );
  const byAlias = fc
    .record({
      operator: fc.constantFrom('ForAnyValue:StringEquals', 'ForAllValues:StringLike', 'ForAnyValue:StringLike'),
      values: some(['alias/photos', 'alias/*', 'alias/other']),
    })
    .map(({ operator, values }) => ({ [operator]: { 'kms:ResourceAliases': values } }));
  const resources = some([
    '*',
    KEY,
    OTHER,
    'arn:aws:kms:*:111122223333:key/*',
    'arn:aws:s3:::photos/*',
    `${KEY.slice(0, -1)}?`,
  ]);
  const actions = some(['kms:*', 'kms:Decrypt', 'kms:GenerateDataKey*', 's3:GetObject', 'KMS:decrypt', '*']);
  const identityStatement = fc
    .record({
      Effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'),
      not: fc.record({
        action: fc.constantFrom(false, false, false, true),
        resource: fc.constantFrom(false, false, false, true),
      }),
      actions,
      resources,
      conditions: fc.array(fc.oneof(identityCondition, identityCondition, byAlias), { maxLength: 2 }),
    })
    .map(({ Effect, not, conditions, ...lists }) => ({
      Effect,
      [not.action ? 'NotAction' : 'Action']: lists.actions,
      [not.resource ? 'NotResource' : 'Resource']: lists.resources,
      Condition: Object.assign({}, ...conditions) as Record<string, unknown>,
    }));
  const identityPolicy = fc
    .array(identityStatement, { minLength: 1, maxLength: 3 })
    .map((Statement) => JSON.stringify({ Version: '2012-10-17', Statement }));
  const identity = fc.record({
    policies: fc.array(identityPolicy, { minLength: 1, maxLength: 3 }),
    boundary: fc.option(identityPolicy, { nil: undefined }),
    session: fc.option(identityPolicy, { nil: undefined }),
  });
  const delegates = JSON.stringify({
    Statement: { Effect: 'Allow', Principal: { AWS: ROOTS[0] }, Action: 'kms:*', Resource: '*' },
  });

  /** Whether the endpoint lets the role do it under a key that leaves everything to its account. */
  function permitted(
    {
      policies,
      boundary,
      session,
    }: { policies: readonly string[]; boundary?: string | undefined; session?: string | undefined },
    action: string,
    given: Context,
  ): boolean {
    const read = (text: string | undefined) => (text === undefined ? undefined : readPolicy(text, 'identity'));
    const known = { ...given, 'aws:ResourceTag/team': 'reports', 'kms:ResourceAliases': ['alias/photos'] };
    const present = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
    const sessionArn = 'arn:aws:sts::111122223333:assumed-role/reader/session';
    const decision = decideThere(
      { attached: policies.flatMap((text) => read(text) ?? []), boundary: read(boundary), session: read(session) },
      { AWS: { own: [ROLE, sessionArn], account: [ROOTS[0] ?? '', '111122223333'] } },
      { action, resource: KEY, context: lookup(present as Record<string, string>) },
      { resourcePolicy: { text: delegates, decides: 'alone' } },
    );
    return decision.allowed;
  }

  it('agrees with the evaluator of the embedded endpoint, whose sessions may only do less', () => {
    let [undecided, allowed] = [0, 0];
    fc.assert(
      fc.property(identity, fc.constantFrom('kms:Decrypt', 'kms:GenerateDataKey'), context, (who, action, given) => {
        const lower = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.toLowerCase(), value]));
        const known: Known = (key) => (lower[key] === undefined ? [] : [lower[key]]);
        const named = (text: string, at: number) => ({ name: `policy ${at}`, text });
        const read = readIdentity({
          arn: ROLE,
          policies: who.policies.map(named),
          boundary: who.boundary === undefined ? undefined : named(who.boundary, 0),
        });
        const asker = { kind: 'principal', arn: ROLE, account: '111122223333' } as const;
        const said = identitySays(read, { asker, action, known }, marks);
        const without = permitted({ policies: who.policies, boundary: who.boundary }, action, given);
        if (said.denies === 'yes' || (said.denies === 'no' && said.allows === 'no')) {
          expect(without).toBe(false);
          expect(permitted(who, action, given)).toBe(false);
        } else if (said.denies === 'no' && said.allows === 'yes') {
          expect(without).toBe(true);
          allowed += 1;
        } else undecided += 1;
        expect(permitted(who, action, given) && !without).toBe(false);
      }),
      { numRuns },
    );
    expect(undecided).toBeLessThan(numRuns / 4);
    expect(allowed).toBeGreaterThan(numRuns / 20);
  });
});
