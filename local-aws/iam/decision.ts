import type { ResourcePolicy } from '../need';
import { MalformedPolicy, readPolicy, type Statement } from './document';
import { type PrincipalNames, type Question, type Weighed, weigh } from './evaluate';

/** Allowed, or the reason in the words with which AWS ends an access denied message. */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly because: string };

/** The names of a role's session. */
export type SessionPrincipal = Readonly<Record<'AWS', PrincipalNames>>;

/** The policies of an identity: those attached to it, and that of its session, which allows nothing by itself. */
export interface IdentityPolicies {
  readonly attached: readonly Statement[];
  /** Absent: the session was given none. */
  readonly session?: readonly Statement[] | undefined;
  /** The permissions boundary, which allows nothing by itself. Absent: there is none. */
  readonly boundary?: readonly Statement[] | undefined;
  /** The policies of the account's organization, which allow nothing by themselves. Absent: it is in none. */
  readonly organization?: readonly Statement[] | undefined;
}

/**
 * Joins what an identity's policies and a resource's policy say within one account. An explicit deny in any of them
 * decides. A bucket's policy adds to the identity's. Without a key's policy nothing is allowed: it names the caller
 * itself, or the account, which leaves it to the identity's policies. A session policy has to allow whatever those and
 * the resource's policy allow to the role. It need not allow what the resource's policy allows to the session by its
 * own name. Across accounts both have to allow: the policy of the resource names the caller or its account, and the
 * identity's policies allow it as well.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function decide(
  { attached, session, boundary, organization }: IdentityPolicies,
  principal: SessionPrincipal,
  asked: Omit<Question, 'principal'>,
  {
    resourcePolicy,
    isForeign = false,
  }: { readonly resourcePolicy?: ResourcePolicy | undefined; readonly isForeign?: boolean } = {},
): Decision {
  const identity = weigh(attached, asked);
  const limit = session && weigh(session, asked);
  const bound = boundary && weigh(boundary, asked);
  const resource = weighResource(resourcePolicy, { ...asked, principal });
  const notes = [...identity.notes, ...(limit?.notes ?? []), ...(resource === 'unreadable' ? [] : resource.notes)];
  const denied = (because: string): Decision => ({ allowed: false, because: [because, ...notes].join('; ') });
  if (resource === 'unreadable') return denied('because the policy of the resource cannot be read');
  if (identity.denies !== undefined) return denied('with an explicit deny in an identity-based policy');
  if (resource.denies !== undefined) return denied('with an explicit deny in a resource-based policy');
  const control = organization && weigh(organization, asked);
  if (control?.denies !== undefined) return denied('with an explicit deny in a service control policy');
  if (control && control.allows === undefined)
    return denied(`because no service control policy allows the ${asked.action} action`);
  if (limit?.denies !== undefined) return denied('with an explicit deny in a session policy');
  if (bound?.denies !== undefined) return denied('with an explicit deny in a permissions boundary');
  const isAllowedByName = !isForeign && allowsByName(resourcePolicy, { ...asked, principal });
  if (bound && bound.allows === undefined && !isAllowedByName) {
    return denied(`because no permissions boundary allows the ${asked.action} action`);
  }
  if (limit && limit.allows === undefined && !isAllowedByName) {
    return denied(`because no session policy allows the ${asked.action} action`);
  }
  if (resource.allows !== undefined && !isForeign) return { allowed: true };
  const isAlone = isForeign || resourcePolicy?.decides === 'alone';
  if (isAlone && (resource.allows ?? resource.delegates) === undefined) {
    return denied(`because no resource-based policy allows the ${asked.action} action`);
  }
  if (identity.allows !== undefined) return { allowed: true };
  return denied(`because no identity-based policy allows the ${asked.action} action`);
}

/** What a resource's policy says of an AWS service, which has no policies of its own. */
export function decideForService(name: string, asked: Omit<Question, 'principal'>, policy?: ResourcePolicy): Decision {
  const weighed = weighResource(policy, { ...asked, principal: { Service: { own: [name], account: [] } } });
  if (weighed === 'unreadable') return { allowed: false, because: 'because the policy of the resource cannot be read' };
  if (weighed.denies !== undefined)
    return { allowed: false, because: 'with an explicit deny in a resource-based policy' };
  return weighed.allows !== undefined
    ? { allowed: true }
    : { allowed: false, because: `because no resource-based policy allows the ${asked.action} action` };
}

/** Whether a resource's policy, which can be read, allows the session by its own name and not by that of its role. */
function allowsByName(
  policy: ResourcePolicy | undefined,
  question: Omit<Question, 'principal'> & { readonly principal: SessionPrincipal },
): boolean {
  if (policy === undefined) return false;
  const session = question.principal.AWS.own.at(-1) ?? '';
  const naming = readPolicy(policy.text, 'resource').filter(({ principals }) => {
    return principals !== undefined && principals.named !== '*' && principals.named.AWS?.includes(session);
  });
  return weigh(naming, question).allows !== undefined;
}

/** Whether a resource's policy denies something in words. One that cannot be read denies nothing. */
export function deniesInWords(policy: ResourcePolicy | undefined, question: Question): boolean {
  const weighed = weighResource(policy, question);
  return weighed !== 'unreadable' && weighed.denies !== undefined;
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
