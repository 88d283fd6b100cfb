import { list, type Values, values } from './plan-values';
import { actionsOf, covers } from './policy-actions';

/** One statement of a key policy: principals, actions and conditions. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** Principals as written; `*` for everybody, `Service:…`, `Federated:…` for other kinds. */
  readonly principals: readonly string[];
  /** KMS actions without `kms:`, lower case, wildcards resolved. */
  readonly actions: ReadonlySet<string>;
  readonly conditions: readonly Condition[];
}

interface Condition {
  /** `stringequals`. */
  readonly operator: string;
  /** `kms:viaservice`. */
  readonly key: string;
  readonly allowed: readonly string[];
}

/** The understood part of a policy. */
export interface Policy {
  readonly statements: readonly Statement[];
  /** Statements with members that invert their meaning (`NotPrincipal`, `NotAction`, …), as written. */
  readonly strange: readonly string[];
}

const MEMBERS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition']);

/** Reads a key policy; undefined for any other text. Ignores `Resource`: in a key policy it is always the key. */
export function readPolicy(text: string): Policy | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const given = values(document).Statement;
  const all = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (all.length === 0) return undefined;
  const understood = all.map((one) => statementOf(values(one)));
  return {
    statements: understood.filter((one) => one !== undefined),
    strange: all.flatMap((one, index) => (understood[index] ? [] : [shortText(one)])),
  };
}

/** A hostile statement may nest deeper than the stack; then only its position is shown. */
function shortText(statement: unknown): string {
  try {
    return JSON.stringify(statement);
  } catch {
    return 'a statement that is nested too deeply to show';
  }
}

function statementOf(given: Values): Statement | undefined {
  if (Object.keys(given).some((member) => !MEMBERS.has(member))) return undefined;
  if (given.Effect !== 'Allow' && given.Effect !== 'Deny') return undefined;
  const principals = principalsOf(given.Principal);
  const actions = texts(given.Action);
  const conditions = conditionsOf(given.Condition);
  if (!principals || !actions || !conditions) return undefined;
  return { effect: given.Effect, principals, actions: new Set(actions.flatMap(actionsOf)), conditions };
}

function principalsOf(given: unknown): readonly string[] | undefined {
  if (given === '*') return ['*'];
  const kinds = Object.entries(values(given));
  if (kinds.length === 0) return undefined;
  const found = kinds.map(([kind, who]) =>
    texts(who)?.map((one) => (kind === 'AWS' ? accountRoot(one) : `${kind}:${one}`)),
  );
  return found.some((one) => one === undefined) ? undefined : found.flatMap((one) => one ?? []);
}

/** In IAM a bare account id means the root of that account. */
function accountRoot(principal: string): string {
  return /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal;
}

function conditionsOf(given: unknown): readonly Condition[] | undefined {
  const found: Condition[] = [];
  for (const [operator, keys] of Object.entries(values(given))) {
    for (const [key, one] of Object.entries(values(keys))) {
      const allowed = texts(one);
      if (!allowed) return undefined;
      found.push({ operator: operator.toLowerCase(), key: key.toLowerCase(), allowed });
    }
  }
  return found;
}

function texts(value: unknown): readonly string[] | undefined {
  const all = Array.isArray(value) ? list(value) : [value];
  const scalars = all.filter((one) => ['string', 'boolean', 'number'].includes(typeof one));
  return all.length > 0 && scalars.length === all.length ? scalars.map(String) : undefined;
}

/** True if `wide` allows at least as much as `narrow` for one principal and one action. */
export function reaches(wide: Statement, narrow: Statement, principal: string, action: string): boolean {
  return (
    wide.effect === narrow.effect &&
    wide.actions.has(action) &&
    wide.principals.some((one) => one === principal || one === '*') &&
    wide.conditions.every((condition) => narrow.conditions.some((other) => impliedBy(condition, other)))
  );
}

/** Every additional value widens a positive condition and narrows a negated one. Other forms must be equal. */
function impliedBy(loose: Condition, strict: Condition): boolean {
  if (loose.operator !== strict.operator || loose.key !== strict.key) return false;
  const within = (some: Condition, all: Condition): boolean =>
    some.allowed.every((one) => all.allowed.some((other) => one === other || fits(all.operator, other, one)));
  if (/^(forallvalues:|foranyvalue:)?(string(equals|like)|arn(equals|like)|bool)/.test(loose.operator)) {
    return within(strict, loose);
  }
  if (/^(string|arn)not/.test(loose.operator)) return within(loose, strict);
  return within(strict, loose) && within(loose, strict);
}

const fits = (operator: string, pattern: string, text: string): boolean =>
  /(like|^arn)/.test(operator) && covers(pattern, text);
