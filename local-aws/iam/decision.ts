import type { ResourcePolicy } from '../need';
import { MalformedPolicy, readPolicy, type Statement } from './document';
import { type PrincipalNames, type Question, type Weighed, weigh } from './evaluate';

/** Allowed, or the reason in the words with which AWS ends an access denied message. */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly because: string };

/** The names of a role's session. */
export type SessionPrincipal = Readonly<Record<'AWS', PrincipalNames>>;

/**
 * Joins what an identity's policies and a resource's policy say within one account. An explicit deny in either decides.
 * A bucket's policy adds to the identity's; without a key's policy nothing is allowed: it names the caller itself, or
 * the account, which leaves it to the identity's policies.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function decide(
  identityPolicies: readonly Statement[],
  principal: SessionPrincipal,
  asked: Omit<Question, 'principal'>,
  resourcePolicy?: ResourcePolicy,
): Decision {
  const identity = weigh(identityPolicies, asked);
  const resource = weighResource(resourcePolicy, { ...asked, principal });
  const notes = [...identity.notes, ...(resource === 'unreadable' ? [] : resource.notes)];
  const denied = (because: string): Decision => ({ allowed: false, because: [because, ...notes].join('; ') });
  if (resource === 'unreadable') return denied('because the policy of the resource cannot be read');
  if (identity.denies !== undefined) return denied('with an explicit deny in an identity-based policy');
  if (resource.denies !== undefined) return denied('with an explicit deny in a resource-based policy');
  if (resource.allows !== undefined) return { allowed: true };
  if (resourcePolicy?.decides === 'alone' && resource.delegates === undefined) {
    return denied(`because no resource-based policy allows the ${asked.action} action`);
  }
  if (identity.allows !== undefined) return { allowed: true };
  return denied(`because no identity-based policy allows the ${asked.action} action`);
}

const silent: Weighed = { denies: undefined, allows: undefined, delegates: undefined, notes: [] };

/** A policy that cannot be read allows nothing: what it was to deny is not known either. */
function weighResource(policy: ResourcePolicy | undefined, question: Question): Weighed | 'unreadable' {
  if (policy === undefined) return silent;
  try {
    return weigh(readPolicy(policy.text, 'resource'), question);
  } catch (error) {
    if (error instanceof MalformedPolicy) return 'unreadable';
    throw error;
  }
}
