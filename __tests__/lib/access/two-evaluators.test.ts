import fc from 'fast-check';
import type { Known } from '../../../lib/access/conditions';
import { type Access, type Asker, decide } from '../../../lib/access/decide';
import { readAccessPolicy } from '../../../lib/access/policy';
import { lookup } from '../../../local-aws/iam/context';
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
