/** One principal of a policy: `AWS` with an ARN or an account id, `Service` with its name, `*` for everybody. */
export interface NamedPrincipal {
  readonly kind: string;
  readonly name: string;
}

export interface PolicyCondition {
  /** As written: `StringEquals`, `ForAnyValue:StringLike`. */
  readonly operator: string;
  /** Lower case: `kms:viaservice`. */
  readonly key: string;
  readonly values: readonly string[];
}

/** A statement of the policy of a key, a bucket or an identity. */
export interface PolicyStatement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined for `NotPrincipal`, which is not evaluated. */
  readonly principals: readonly NamedPrincipal[] | undefined;
  readonly actions: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly conditions: readonly PolicyCondition[];
  /** Of a policy of an identity: what it is about. The policy of a key is about the key, whatever it writes. */
  readonly resources?: { readonly not: boolean; readonly patterns: readonly string[] };
}

type Members = Readonly<Record<string, unknown>>;

/**
 * The statements of a policy, or undefined for what is no policy in the form of IAM: then nothing can be said about it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function readAccessPolicy(text: string): readonly PolicyStatement[] | undefined {
  return readPolicy(text, statementOf);
}

/** The same for a policy of an identity, which names resources and no principal: every statement is about its identity. */
export function readIdentityPolicy(text: string): readonly PolicyStatement[] | undefined {
  return readPolicy(text, identityStatementOf);
}

function readPolicy(
  text: string,
  read: (given: Members | undefined) => PolicyStatement | undefined,
): readonly PolicyStatement[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const given = members(document)?.Statement;
  if (given === undefined) return undefined;
  const statements = [given].flat().map((one) => read(members(one)));
  return statements.every((one) => one !== undefined) ? statements : undefined;
}

const KNOWN = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

function statementOf(given: Members | undefined): PolicyStatement | undefined {
  if (given === undefined || Object.keys(given).some((name) => !KNOWN.has(name))) return undefined;
  const { Sid, Effect, Principal, NotPrincipal, Action, NotAction, Condition } = given;
  if (Effect !== 'Allow' && Effect !== 'Deny') return undefined;
  const patterns = texts(Action ?? NotAction);
  const conditions = conditionsOf(Condition);
  const principals = principalsOf(Principal);
  if (patterns === undefined || conditions === undefined) return undefined;
  if (principals === undefined && NotPrincipal === undefined) return undefined;
  return {
    sid: typeof Sid === 'string' && Sid !== '' ? Sid : undefined,
    effect: Effect,
    principals: NotPrincipal === undefined ? principals : undefined,
    actions: { not: Action === undefined, patterns },
    conditions,
  };
}

function identityStatementOf(given: Members | undefined): PolicyStatement | undefined {
  if (given === undefined || given.Principal !== undefined || given.NotPrincipal !== undefined) return undefined;
  const read = statementOf({ ...given, Principal: '*' });
  const patterns = texts(given.Resource ?? given.NotResource);
  if (read === undefined || patterns === undefined) return undefined;
  return { ...read, resources: { not: given.Resource === undefined, patterns } };
}

function principalsOf(given: unknown): readonly NamedPrincipal[] | undefined {
  if (given === '*') return [{ kind: '*', name: '*' }];
  const kinds = members(given);
  if (kinds === undefined) return undefined;
  const found: NamedPrincipal[] = [];
  for (const [kind, who] of Object.entries(kinds)) {
    const names = texts(who);
    if (names === undefined) return undefined;
    found.push(...names.map((name) => (name === '*' ? { kind: '*', name } : { kind, name })));
  }
  return found;
}

function conditionsOf(given: unknown): readonly PolicyCondition[] | undefined {
  if (given === undefined) return [];
  const operators = members(given);
  if (operators === undefined) return undefined;
  const found: PolicyCondition[] = [];
  for (const [operator, keys] of Object.entries(operators)) {
    const named = members(keys);
    if (named === undefined) return undefined;
    for (const [key, value] of Object.entries(named)) {
      const values = texts(value);
      if (values === undefined) return undefined;
      found.push({ operator, key: key.toLowerCase(), values });
    }
  }
  return found;
}

function members(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

/** A list of texts, or one alone; numbers and booleans as JSON writes them. */
function texts(value: unknown): readonly string[] | undefined {
  const all = [value].flat();
  const scalar = (one: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof one);
  return value !== undefined && all.every(scalar) ? all.map(String) : undefined;
}
