/** A list in a statement, which holds for what is in it, or with `not` for everything else. */
export interface Listed {
  readonly not: boolean;
  readonly patterns: readonly string[];
}

/** Whom a statement of a resource's policy names: `AWS`, `Service`, … with their values, or `*` for everybody. */
export interface Principals {
  readonly not: boolean;
  readonly named: Readonly<Record<string, readonly string[]>> | '*';
}

/** One line of a `Condition`: every value of which one has to hold. */
export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined in a policy of an identity. */
  readonly principals: Principals | undefined;
  readonly actions: Listed;
  /** Undefined in a trust policy, which speaks of its own role. */
  readonly resources: Listed | undefined;
  readonly conditions: readonly Condition[];
}

/** `identity` is attached to a role, `trust` says who takes a role, `resource` is attached to a key or a bucket. */
export type PolicyKind = 'identity' | 'trust' | 'resource';

/** A policy that IAM would not take; `message` is IAM's. */
export class MalformedPolicy extends Error {
  override readonly name = 'MalformedPolicy';
}

type Fields = Readonly<Record<string, unknown>>;

const elements = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource'];
const versions = ['2012-10-17', '2008-10-17'];

/**
 * Reads a policy document. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 *
 * @throws MalformedPolicy for what is no policy of that kind.
 */
export function readPolicy(text: string, kind: PolicyKind): readonly Statement[] {
  const document = parse(text);
  const unknown = Object.keys(document).find((name) => !['Version', 'Id', 'Statement'].includes(name));
  if (unknown !== undefined) throw new MalformedPolicy(`Syntax errors in policy: unknown element ${unknown}.`);
  if (document.Version !== undefined && !versions.some((version) => version === document.Version)) {
    throw new MalformedPolicy('The policy must contain a valid version string');
  }
  const statements: readonly unknown[] = [document.Statement].flat();
  if (statements.length === 0 || !statements.every(isFields)) throw new MalformedPolicy('Syntax errors in policy.');
  const read = statements.map((statement) => readStatement(statement, kind));
  const sids = read.flatMap(({ sid }) => (sid === undefined || sid === '' ? [] : [sid]));
  if (new Set(sids).size !== sids.length) {
    throw new MalformedPolicy('Statement IDs (SID) in a single policy must be unique.');
  }
  return read;
}

function parse(text: string): Fields {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new MalformedPolicy('This policy contains invalid Json');
  }
  if (!isFields(document)) throw new MalformedPolicy('Syntax errors in policy.');
  return document;
}

function readStatement(statement: Fields, kind: PolicyKind): Statement {
  const unknown = Object.keys(statement).find((name) => !elements.includes(name) && name !== 'Condition');
  if (unknown !== undefined) throw new MalformedPolicy(`Syntax errors in policy: unknown element ${unknown}.`);
  const { Sid, Effect } = statement;
  if (Sid !== undefined && typeof Sid !== 'string') throw new MalformedPolicy('Syntax errors in policy.');
  if (kind === 'identity' && Sid !== undefined && !/^[A-Za-z0-9]*$/.test(Sid)) {
    throw new MalformedPolicy(
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    );
  }
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new MalformedPolicy(`Invalid effect: ${String(Effect)}`);
  const actions = listed(statement, 'Action');
  if (actions === undefined) throw new MalformedPolicy('Policy statement must contain actions.');
  for (const action of actions.patterns) checkAction(action, kind);
  return {
    sid: Sid,
    effect: Effect,
    principals: readPrincipals(statement, kind),
    actions,
    resources: readResources(statement, kind),
    conditions: readConditions(statement.Condition),
  };
}

function checkAction(action: string, kind: PolicyKind): void {
  if (kind === 'trust' && !/^sts:/i.test(action)) {
    throw new MalformedPolicy('AssumeRole policy may only specify STS AssumeRole actions.');
  }
  if (action !== '*' && !/^[a-z0-9-]+:.+$/i.test(action)) {
    throw new MalformedPolicy('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  }
}

function readResources(statement: Fields, kind: PolicyKind): Listed | undefined {
  const resources = listed(statement, 'Resource');
  if (kind === 'trust') {
    if (resources === undefined) return undefined;
    throw new MalformedPolicy('Has prohibited field Resource');
  }
  if (resources === undefined) throw new MalformedPolicy('Policy statement must contain resources.');
  const stray = resources.patterns.find((pattern) => pattern !== '*' && !/^arn:[^:]+:[^:]+:/.test(pattern));
  if (stray !== undefined && kind === 'identity') {
    throw new MalformedPolicy(`Resource ${stray} must be in ARN format or "*".`);
  }
  return resources;
}

function readPrincipals(statement: Fields, kind: PolicyKind): Principals | undefined {
  const { Principal, NotPrincipal } = statement;
  if (Principal !== undefined && NotPrincipal !== undefined) throw new MalformedPolicy('Syntax errors in policy.');
  const given = Principal ?? NotPrincipal;
  if (kind === 'identity') {
    if (given === undefined) return undefined;
    throw new MalformedPolicy('Policy document should not specify a principal.');
  }
  if (given === undefined) throw new MalformedPolicy('Missing required field Principal');
  const not = NotPrincipal !== undefined;
  if (given === '*') return { not, named: '*' };
  if (!isFields(given)) throw new MalformedPolicy(`Invalid principal in policy: ${JSON.stringify(given)}`);
  return { not, named: Object.fromEntries(Object.entries(given).map(([type, names]) => [type, texts(names)])) };
}

function listed(statement: Fields, element: string): Listed | undefined {
  const [given, opposite] = [statement[element], statement[`Not${element}`]];
  if (given !== undefined && opposite !== undefined) throw new MalformedPolicy('Syntax errors in policy.');
  if (given === undefined && opposite === undefined) return undefined;
  const patterns = texts(given ?? opposite);
  return patterns.length === 0 ? undefined : { not: given === undefined, patterns };
}

function readConditions(block: unknown): readonly Condition[] {
  if (block === undefined) return [];
  if (!isFields(block)) throw new MalformedPolicy('Syntax errors in policy.');
  return Object.entries(block).flatMap(([operator, tests]) => {
    if (!isFields(tests)) throw new MalformedPolicy('Syntax errors in policy.');
    return Object.entries(tests).map(([key, values]) => ({ operator, key, values: texts(values, true) }));
  });
}

/** One text or several. A condition's value may also be written as a boolean or a number. */
function texts(value: unknown, loose = false): readonly string[] {
  return [value].flat().map((one: unknown) => {
    if (typeof one === 'string') return one;
    if (loose && (typeof one === 'boolean' || typeof one === 'number')) return String(one);
    throw new MalformedPolicy('Syntax errors in policy.');
  });
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
