import { type Policy, reaches, type Statement } from './planned-key-policy';
import { type ActionClass, classOf } from './policy-actions';

/** A principal that may do something under a policy that the previous policy did not allow. */
export interface Widening {
  readonly kind: ActionClass;
  readonly principal: string;
  /** Actions without `kms:`, sorted. */
  readonly actions: readonly string[];
  /**
   * `new`: not allowed before. `loosened`: allowed before under narrower conditions. `undenied`: a denial was
   * removed.
   */
  readonly how: 'new' | 'loosened' | 'undenied';
}

/** What a policy allows beyond the previous one: new principals, new actions, removed conditions, removed denials. */
export function widenings(before: Policy, after: Policy): readonly Widening[] {
  const allowed = after.statements.filter((one) => one.effect === 'Allow');
  const denied = before.statements.filter((one) => one.effect === 'Deny');
  const found = new Map<string, { widening: Omit<Widening, 'actions'>; actions: Set<string> }>();
  const add = (principal: string, action: string, how: Widening['how']): void => {
    const kind = classOf(action);
    const key = `${kind} ${how} ${principal}`;
    const entry = found.get(key) ?? { widening: { kind, principal, how }, actions: new Set<string>() };
    entry.actions.add(action);
    found.set(key, entry);
  };
  each(allowed, (statement, principal, action) => {
    const then = before.statements.filter((one) => one.effect === 'Allow' && one.actions.has(action));
    if (then.some((one) => reaches(one, statement, principal, action))) return;
    add(principal, action, then.some((one) => one.principals.includes(principal)) ? 'loosened' : 'new');
  });
  each(denied, (statement, principal, action) => {
    if (!after.statements.some((one) => reaches(one, statement, principal, action))) add(principal, action, 'undenied');
  });
  return [...found.values()].map(({ widening, actions }) => ({ ...widening, actions: [...actions].sort() }));
}

function each(
  statements: readonly Statement[],
  visit: (statement: Statement, principal: string, action: string) => void,
): void {
  for (const statement of statements) {
    for (const principal of statement.principals)
      for (const action of statement.actions) visit(statement, principal, action);
  }
}
