import type { Credentials } from './credentials';
import type { Decision } from './iam/decision';
import type { Roles } from './iam/roles';
import type { Caller } from './message';
import type { AccessConditions, Need, PlacedBucket } from './need';

/** Asks what a caller may do, and remembers what was asked in the course of each request. */
export interface Permissions {
  /**
   * Whether the caller may do this. For a user, its access key's limits and the bucket's policy decide, and where policies are enforced its
   * own and the resource's too; for the session of a role, the role's policies and that of the resource. Asked again for the same thing, it is remembered once.
   */
  permits(caller: Caller, need: Need, about?: () => AccessConditions): boolean;
  /**
   * The same for a part of an answer that is left out for others: nobody needs it, so it is remembered where it is
   * given.
   */
  shows(caller: Caller, need: Need, about?: () => AccessConditions): boolean;
  /**
   * Why the caller may not do this, as an access denied message ends; undefined where it may. Nothing is remembered.
   */
  refusal(caller: Caller, need: Need, about?: () => AccessConditions): string | undefined;
  /** What was asked for this caller so far, in that order. A request has a caller object of its own. */
  needsOf(caller: Caller): readonly Need[];
}

/**
 * Permissions over what the access keys are limited to, and what the policies of roles, and of keys and buckets, say
 * of the sessions of roles. The caller object stands for the request: S3 hands it on to KMS, so what S3 does in the
 * caller's name is remembered with the S3 request that made it necessary.
 *
 * @param placed - owner and policy of a bucket. Nobody of another account may do anything in it, unless policies decide.
 */
export function createPermissions(
  credentials: Pick<Credentials, 'permits'> & Partial<Pick<Credentials, 'enforced'>>,
  roles?: Pick<Roles, 'decide' | 'decideForUser' | 'decideForService' | 'denies'>,
  placed: (bucket: string) => PlacedBucket | undefined = () => undefined,
): Permissions {
  const asked = new WeakMap<Caller, Need[]>();
  const remember = (caller: Caller, { action, resource }: Need): void => {
    const before = asked.get(caller);
    if (before === undefined) asked.set(caller, [{ action, resource }]);
    else if (!before.some((one) => one.action === action && one.resource === resource))
      before.push({ action, resource });
  };
  const decide = (caller: Caller, need: Need, about?: () => AccessConditions): Decision => {
    if (roles !== undefined && caller.service !== undefined)
      return roles.decideForService(caller.service, need, { ...ofResource(need, placed), ...about?.() });
    if (roles !== undefined && caller.role !== undefined) {
      return roles.decide(caller, need, { ...ofResource(need, placed), ...about?.() });
    }
    if (caller.role !== undefined || !credentials.permits(caller.accessKeyId, need.action)) {
      return { allowed: false, because: `because no identity-based policy allows the ${need.action} action` };
    }
    if (roles !== undefined && credentials.enforced === true)
      return roles.decideForUser(caller, need, { ...ofResource(need, placed), ...about?.() });
    const { resourcePolicy, owner = caller.accountId } = ofResource(need, placed);
    if (owner !== caller.accountId)
      return { allowed: false, because: `because no resource-based policy allows the ${need.action} action` };
    const isDenied = resourcePolicy !== undefined && roles?.denies(caller, need, { ...about?.(), resourcePolicy });
    return isDenied
      ? { allowed: false, because: 'with an explicit deny in a resource-based policy' }
      : { allowed: true };
  };
  return {
    permits(caller, need, about) {
      remember(caller, need);
      return decide(caller, need, about).allowed;
    },
    shows(caller, need, about) {
      const shown = decide(caller, need, about).allowed;
      if (shown) remember(caller, need);
      return shown;
    },
    refusal(caller, need, about) {
      const decision = decide(caller, need, about);
      return decision.allowed ? undefined : decision.because;
    },
    needsOf: (caller) => asked.get(caller) ?? [],
  };
}

/** The owner of the key or bucket that is asked for, and the policy of a bucket. */
function ofResource(
  { action, resource }: Need,
  placed: (bucket: string) => PlacedBucket | undefined,
): AccessConditions {
  if (action.startsWith('kms:')) return { owner: /^arn:[^:]+:kms:[^:]+:(\d{12}):/.exec(resource)?.[1] };
  // A name that is taken is no resource of whoever asks for a new bucket.
  if (action === 's3:CreateBucket') return {};
  const name = action.startsWith('s3:') ? /^arn:[^:]+:s3:::([^/]+)/.exec(resource)?.[1] : undefined;
  const bucket = name === undefined ? undefined : placed(name);
  if (bucket === undefined) return {};
  const { owner, policy: text } = bucket;
  return text === undefined ? { owner } : { owner, resourcePolicy: { text, decides: 'too' } };
}
