import { PROOF_CONTEXT } from '../kms/prove-import';
import type { AccessRequest, Asker } from './decide';
import type { NamedPrincipal, PolicyCondition, PolicyStatement } from './policy';

/** What objects need of their key. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html */
export const USES = { read: 'kms:Decrypt', write: 'kms:GenerateDataKey' } as const;
export type Use = keyof typeof USES;

/** Who may be allowed something by a policy, with what the policy itself demands of a service's request. */
export interface Candidate {
  readonly asker: Asker;
  /** One value each of `aws:SourceArn` and `aws:SourceAccount` that the statement demands; for a service only. */
  readonly source: Readonly<Record<string, string>>;
}

const SOURCES = ['aws:sourcearn', 'aws:sourceaccount'];

/** Everybody whom the Allow statements of a policy name, each once. */
export function candidates(statements: readonly PolicyStatement[]): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const { effect, principals, conditions } of statements) {
    if (effect === 'Deny') continue;
    const accounts = conditions.find(({ key }) => key === 'kms:calleraccount' || key === 'aws:principalaccount');
    for (const principal of principals ?? []) {
      for (const asker of askersOf(principal, accounts?.values ?? [])) {
        for (const source of asker.kind === 'service' ? sourcesOf(conditions) : [{}])
          found.set(JSON.stringify({ asker, source }), { asker, source });
      }
    }
  }
  return [...found.values()];
}

/** Every pair of the sources that a statement demands. A pattern stands for itself. */
function sourcesOf(conditions: readonly PolicyCondition[]): readonly Readonly<Record<string, string>>[] {
  return SOURCES.reduce<readonly Readonly<Record<string, string>>[]>(
    (pairs, key) => {
      const values = conditions.filter((one) => one.key === key).flatMap((one) => one.values);
      if (values.length === 0) return pairs;
      return pairs.flatMap((pair) => values.map((value) => ({ ...pair, [key]: value })));
    },
    [{}],
  );
}

/** A statement for everybody that demands an account is one for that account. */
function askersOf({ kind, name }: NamedPrincipal, accounts: readonly string[]): readonly Asker[] {
  if (kind === '*')
    return accounts.length === 0
      ? [{ kind: 'anybody' }]
      : accounts.map((account): Asker => ({ kind: 'account', account }));
  if (kind === 'Service') return [{ kind: 'service', name }];
  if (kind !== 'AWS') return [];
  const account = /^(\d{12})$|^arn:[^:]+:iam::(\d{12}):root$/.exec(name);
  if (account) return [{ kind: 'account', account: account[1] ?? account[2] ?? '' }];
  const owner = name.split(':')[4];
  return owner === undefined ? [] : [{ kind: 'principal', arn: name, account: owner }];
}

/** The Allow statements that admit somebody whom no request here can stand for: `NotPrincipal`, deleted and federated principals. */
export function unnamed(statements: readonly PolicyStatement[]): readonly PolicyStatement[] {
  return statements.filter(
    ({ effect, principals }) =>
      effect === 'Allow' && (principals === undefined || principals.some((one) => askersOf(one, []).length === 0)),
  );
}

/** How a key is reached: through S3 for objects, or by a caller of KMS itself. */
export type Way = 'through S3' | 'outside S3';

/** One request of a candidate. What it cannot be known to send is unknown, and makes a condition on it unknown. */
export function requestOf({ asker, source }: Candidate, use: Use, way: Way, region: string): AccessRequest {
  const service = `s3.${region}.amazonaws.com`;
  const known: Record<string, readonly string[]> = {
    'aws:securetransport': ['true'],
    // Keyturn's proof of an import alone sends it: what its statement allows is no use of objects.
    [`kms:encryptioncontext:${PROOF_CONTEXT}`]: [],
  };
  if (asker.kind === 'service') {
    known['aws:principalisawsservice'] = ['true'];
    for (const [key, value] of Object.entries(source)) known[key] = [value];
  } else {
    known['kms:viaservice'] = way === 'through S3' ? [service] : [];
    known['aws:principalisawsservice'] = ['false'];
    for (const key of SOURCES) known[key] = [];
    if (asker.kind !== 'anybody') {
      known['kms:calleraccount'] = [asker.account];
      known['aws:principalaccount'] = [asker.account];
    }
    if (asker.kind === 'principal') known['aws:principalarn'] = [asker.arn];
  }
  return { asker, action: USES[use], known: (key) => (Object.hasOwn(known, key) ? known[key] : undefined) };
}
