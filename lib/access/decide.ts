import { fits, type Known, type Truth, truthOf } from './conditions';
import type { NamedPrincipal, PolicyStatement } from './policy';

/** Who asks. An account stands for those of its identities that its own policies allow. */
export type Asker =
  | { readonly kind: 'principal'; readonly arn: string; readonly account: string }
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'anybody' };

export interface AccessRequest {
  readonly asker: Asker;
  /** `kms:Decrypt`. */
  readonly action: string;
  readonly known: Known;
}

/**
 * What the policy of a resource says. `allowed`: it names who asks. `left-to-iam`: it names the account, whose own policies
 * decide. `denied`: in words, or by naming nobody. `unknown`: it depends on what is not known or not evaluated.
 */
export type Access = 'allowed' | 'left-to-iam' | 'denied' | 'unknown';

/**
 * Weighs a request against one policy. A denial that may hold is unknown, and so is an allowance that may hold: it is never
 * taken for an allowance.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function decide(statements: readonly PolicyStatement[], request: AccessRequest): Access {
  const told = statements.flatMap((statement) => {
    const said = says(statement, request);
    return said === undefined ? [] : [{ effect: statement.effect, ...said }];
  });
  const denials = told.filter(({ effect }) => effect === 'Deny');
  if (denials.some(({ truth }) => truth === 'yes')) return 'denied';
  if (denials.length > 0) return 'unknown';
  const allows = (named: Named, truth: Truth): boolean =>
    told.some((one) => one.effect === 'Allow' && one.named === named && one.truth === truth);
  if (allows('asker', 'yes')) return 'allowed';
  if (allows('asker', 'unknown')) return 'unknown';
  if (allows('account', 'yes')) return 'left-to-iam';
  return allows('account', 'unknown') ? 'unknown' : 'denied';
}

/** The statements that say something about a request, for certain or perhaps. */
export function concerning(statements: readonly PolicyStatement[], request: AccessRequest): readonly PolicyStatement[] {
  return statements.filter((statement) => says(statement, request) !== undefined);
}

type Named = 'asker' | 'account';

/** True if a statement is about an action. */
export function covers({ actions }: PolicyStatement, action: string): boolean {
  return actions.patterns.some((one) => fits(one.toLowerCase(), action.toLowerCase())) !== actions.not;
}

/** What a statement says about a request: undefined where it does not concern it. */
function says(
  statement: PolicyStatement,
  request: AccessRequest,
): { readonly named: Named; readonly truth: Truth } | undefined {
  const { conditions, principals } = statement;
  if (!covers(statement, request.action)) return;
  const truths = conditions.map((condition) => truthOf(condition, request.known));
  if (truths.includes('no')) return;
  const truth = truths.includes('unknown') ? 'unknown' : 'yes';
  if (principals === undefined) return { named: 'asker', truth: 'unknown' };
  const named = nameOf(principals, request.asker, statement.effect);
  return named && { named, truth };
}

function nameOf(principals: readonly NamedPrincipal[], asker: Asker, effect: 'Allow' | 'Deny'): Named | undefined {
  if (principals.some(({ kind }) => kind === '*')) return 'asker';
  if (asker.kind === 'anybody') return undefined;
  if (asker.kind === 'service')
    return principals.some(({ kind, name }) => kind === 'Service' && name === asker.name) ? 'asker' : undefined;
  const arns = principals.filter(({ kind }) => kind === 'AWS').map(({ name }) => name);
  if (asker.kind === 'principal' && arns.includes(asker.arn)) return 'asker';
  if (!arns.some((arn) => isRoot(arn, asker.account))) return undefined;
  // A denial of the account holds for all its identities.
  return effect === 'Deny' ? 'asker' : 'account';
}

const isRoot = (arn: string, account: string): boolean =>
  arn === account || /^arn:[^:]+:iam::(\d{12}):root$/.exec(arn)?.[1] === account;
