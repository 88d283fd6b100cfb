import { list, values } from '../plan-values';
import { textsOf } from '../planned-iam-policy';

/** Attributes that hold an IAM policy as JSON text. */
export const POLICY_ATTRIBUTES: ReadonlySet<string> = new Set(['policy', 'assume_role_policy']);

/** The statements of a policy, one text each; undefined for any other value. */
export function policyStatements(policy: unknown): readonly string[] | undefined {
  if (typeof policy !== 'string') return undefined;
  try {
    const { Statement } = values(JSON.parse(policy));
    const all = Array.isArray(Statement) ? list(Statement) : Statement === undefined ? [] : [Statement];
    return all.length === 0 ? undefined : all.map(statementText);
  } catch {
    return undefined;
  }
}

/** `allows arn:…:role/x: kms:Decrypt on *, if {…}`; a statement with any other member is shown as it is. */
function statementText(statement: unknown): string {
  const { Sid: _sid, Effect, Principal, Action, Resource, Condition, ...more } = values(statement);
  const actions = textsOf(Action);
  if (Object.keys(more).length > 0 || actions === undefined) return JSON.stringify(statement);
  const verb = Effect === 'Allow' ? 'allows' : Effect === 'Deny' ? 'denies' : String(Effect);
  const who = Principal === undefined ? '' : ` ${principalText(Principal)}`;
  const resources = Resource === undefined ? '' : ` on ${(textsOf(Resource) ?? [JSON.stringify(Resource)]).join(', ')}`;
  const bound = Condition === undefined ? '' : `, if ${JSON.stringify(Condition)}`;
  return `${verb}${who}: ${actions.join(', ')}${resources}${bound}`;
}

function principalText(principal: unknown): string {
  if (typeof principal === 'string') return principal === '*' ? 'everybody' : principal;
  const kinds = Object.entries(values(principal));
  return kinds
    .map(([kind, who]) => `${kind === 'AWS' ? '' : `${kind} `}${(textsOf(who) ?? [JSON.stringify(who)]).join(', ')}`)
    .join(', ');
}
