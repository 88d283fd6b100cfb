import { outcomeOf } from './conditions';
import { type Lookup, substitute } from './context';
import type { Listed, Principals, Statement } from './document';
import { arnFits, wildcard } from './patterns';

/** What is asked of a policy. */
export interface Question {
  readonly action: string;
  /** An ARN, or `*` for what concerns no one resource. */
  readonly resource: string;
  readonly context: Lookup;
  /** Every name of who asks, by the type of principal. Asked of the policies of resources and of trust. */
  readonly principal?: Readonly<Record<string, PrincipalNames>>;
}

/** Names that a policy may call a principal by: its own, and those of the account, which leaves it to the account's policies. */
export interface PrincipalNames {
  readonly own: readonly string[];
  readonly account: readonly string[];
}

/** What the statements of one policy, or of all policies of one identity, come to together. */
export interface Weighed {
  /** The statement that denies in words. */
  readonly denies: Statement | undefined;
  /** The statement that allows whoever asks by name. */
  readonly allows: Statement | undefined;
  /** The statement that allows the account, which then decides by the policies of its identities. */
  readonly delegates: Statement | undefined;
  /** What could not be understood: it allowed nothing, and denied where it stood in a Deny. */
  readonly notes: readonly string[];
}

/**
 * Weighs a request against statements. A statement with a condition that is not understood does not allow, and does
 * deny, so that a mistake of this evaluator never opens anything.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function weigh(statements: readonly Statement[], question: Question): Weighed {
  const notes: string[] = [];
  let denies: Statement | undefined;
  let allows: Statement | undefined;
  let delegates: Statement | undefined;
  for (const statement of statements) {
    const named = whoIsNamed(statement, question);
    if (named === 'nobody' || !concerns(statement, question)) continue;
    const outcome = conditionsOf(statement, question.context, notes);
    if (outcome === 'fails') continue;
    if (statement.effect === 'Deny') denies ??= statement;
    else if (outcome === 'holds' && named === 'caller') allows ??= statement;
    else if (outcome === 'holds') delegates ??= statement;
  }
  return { denies, allows, delegates, notes };
}

function concerns({ actions, resources }: Statement, { action, resource, context }: Question): boolean {
  if (!holdsFor(actions, (pattern) => wildcard(pattern, 'i').test(action))) return false;
  return resources === undefined || holdsFor(resources, (pattern) => resourceFits(pattern, resource, context));
}

function holdsFor({ not, patterns }: Listed, fits: (pattern: string) => boolean): boolean {
  return patterns.some(fits) !== not;
}

function resourceFits(pattern: string, resource: string, context: Lookup): boolean {
  if (pattern === '*') return true;
  const filled = substitute(pattern, context);
  return filled !== undefined && arnFits(filled, resource);
}

function conditionsOf({ conditions, effect, sid }: Statement, context: Lookup, notes: string[]) {
  let outcome: 'holds' | 'unknown' = 'holds';
  for (const condition of conditions) {
    const one = outcomeOf(condition, context);
    if (one === 'fails') return 'fails';
    if (one === 'holds') continue;
    outcome = 'unknown';
    const statement = sid === undefined ? `the ${effect} statement` : `the ${effect} statement ${sid}`;
    notes.push(`${statement} has a condition that is not evaluated here: ${condition.operator} of ${condition.key}`);
  }
  return outcome;
}

type Named = 'caller' | 'account' | 'nobody';

function whoIsNamed({ principals, effect }: Statement, { principal = {} }: Question): Named {
  if (principals === undefined) return 'caller';
  if (principals.not) return exempts(principals, principal) || effect === 'Allow' ? 'nobody' : 'caller';
  if (principals.named === '*') return 'caller';
  let found: Named = 'nobody';
  for (const [type, names] of Object.entries(principals.named)) {
    const asked = Object.hasOwn(principal, type) ? principal[type] : undefined;
    if (asked === undefined) continue;
    if (names.some((name) => name === '*' || asked.own.includes(name))) return 'caller';
    if (names.some((name) => asked.account.includes(name))) found = 'account';
  }
  return found;
}

/**
 * Whether a `NotPrincipal` leaves the caller out: AWS wants the session, its role and the account listed. In an Allow it
 * is not followed at all, as AWS advises against it.
 */
function exempts({ named }: Principals, principal: Readonly<Record<string, PrincipalNames>>): boolean {
  if (named === '*') return true;
  return Object.entries(principal).some(([type, { own, account }]) => {
    const listed = Object.hasOwn(named, type) ? (named[type] ?? []) : [];
    const bySome = account.length === 0 || account.some((name) => listed.includes(name));
    return own.every((name) => listed.includes(name)) && bySome;
  });
}
