import { list, text, type Values, values } from './plan-values';

/** A statement of a policy other than a key policy. */
export interface PlainStatement {
  readonly effect: 'Allow' | 'Deny';
  readonly principal: unknown;
  readonly actions: readonly string[];
  /** Empty in a trust policy. */
  readonly resources: readonly string[];
  readonly condition: Values;
}

export interface PlainPolicy {
  readonly statements: readonly PlainStatement[];
  /**
   * Number of statements with members that invert their meaning (`NotAction`, `NotResource`, …) or that are unknown.
   */
  readonly strange: number;
}

const MEMBERS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition']);

/** Reads the policy of a role or a bucket, or a trust policy; undefined for any other text. */
export function readStatements(policy: string | undefined): PlainPolicy | undefined {
  let document: unknown;
  try {
    document = JSON.parse(policy ?? '');
  } catch {
    return undefined;
  }
  const given = values(document).Statement;
  const all = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (all.length === 0) return undefined;
  const understood = all.flatMap((one) => statementOf(values(one)) ?? []);
  return { statements: understood, strange: all.length - understood.length };
}

function statementOf(given: Values): PlainStatement | undefined {
  if (Object.keys(given).some((member) => !MEMBERS.has(member))) return undefined;
  if (given.Effect !== 'Allow' && given.Effect !== 'Deny') return undefined;
  const actions = textsOf(given.Action);
  const resources = given.Resource === undefined ? [] : textsOf(given.Resource);
  if (!actions || !resources) return undefined;
  return {
    effect: given.Effect,
    principal: given.Principal,
    actions,
    resources,
    condition: values(given.Condition),
  };
}

/** One text, or a list of texts. */
export function textsOf(value: unknown): readonly string[] | undefined {
  const all = Array.isArray(value) ? list(value) : [value];
  const texts = all.flatMap((one) => text(one) ?? []);
  return all.length > 0 && texts.length === all.length ? texts : undefined;
}

/** The values of a condition key under any of these operators; names are compared without case. */
export function conditionValues(condition: Values, operators: readonly string[], key: string): readonly string[] {
  return Object.entries(condition)
    .filter(([operator]) => operators.includes(operator.toLowerCase()))
    .flatMap(([, keys]) => Object.entries(values(keys)))
    .filter(([name]) => name.toLowerCase() === key.toLowerCase())
    .flatMap(([, allowed]) => textsOf(allowed) ?? []);
}
