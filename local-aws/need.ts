import type { RequestContext } from './iam/context';

/**
 * One thing that a request had to be allowed: an IAM action, and the ARN it was asked for (`*` where there is none).
 */
export interface Need {
  readonly action: string;
  readonly resource: string;
}

/** What else a decision needs: condition keys and the resource's policy. Only the policies of roles read it. */
export interface AccessConditions {
  /** Condition keys and their values, in addition to those that every request of a session has. */
  readonly context?: RequestContext;
  readonly resourcePolicy?: ResourcePolicy;
  /** The account of the resource, where it may be another than the caller's. */
  readonly owner?: string | undefined;
}

/** The policy of the key or bucket that is asked for. */
export interface ResourcePolicy {
  readonly text: string;
  /**
   * `alone`: nothing is allowed that it does not allow or leave to the account (keys). `too`: it adds to the
   * identity's (buckets).
   */
  readonly decides: 'alone' | 'too';
}

/** What is known of a bucket before a request for it is carried out. */
export interface PlacedBucket {
  readonly region: string;
  /** The account that made it. */
  readonly owner: string;
  /** As it was put. */
  readonly policy: string | undefined;
}
