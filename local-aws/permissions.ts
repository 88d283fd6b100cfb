import type { Credentials } from './credentials';
import type { Caller } from './message';

/** One thing that a request had to be allowed: an IAM action, and the ARN it was asked for (`*` where there is none). */
export interface Need {
  readonly action: string;
  readonly resource: string;
}

/** Asks what a caller may do, and remembers what was asked in the course of each request. */
export interface Permissions {
  /** Whether the caller's access key may do this. Asked again for the same thing, it is remembered once. */
  permits(caller: Caller, need: Need): boolean;
  /** The same for a part of an answer that is left out for others: nobody needs it, so it is remembered where it is given. */
  shows(caller: Caller, need: Need): boolean;
  /** What was asked for this caller so far, in that order. A request has a caller object of its own. */
  needsOf(caller: Caller): readonly Need[];
}

/**
 * Permissions over what the access keys are limited to. The caller object stands for the request: S3 hands it on to
 * KMS, so what S3 does in the caller's name is remembered with the S3 request that made it necessary.
 */
export function createPermissions(credentials: Pick<Credentials, 'permits'>): Permissions {
  const asked = new WeakMap<Caller, Need[]>();
  const remember = (caller: Caller, need: Need): void => {
    const before = asked.get(caller);
    if (before === undefined) asked.set(caller, [need]);
    else if (!before.some((one) => one.action === need.action && one.resource === need.resource)) before.push(need);
  };
  return {
    permits(caller, need) {
      remember(caller, need);
      return credentials.permits(caller.accessKeyId, need.action);
    },
    shows(caller, need) {
      const shown = credentials.permits(caller.accessKeyId, need.action);
      if (shown) remember(caller, need);
      return shown;
    },
    needsOf: (caller) => asked.get(caller) ?? [],
  };
}
