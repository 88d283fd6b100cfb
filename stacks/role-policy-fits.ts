import type { IValidation } from 'constructs';
import type { RolePolicy } from './batch-role-policy';

/** IAM: characters without white space of all inline policies of a role. */
export const LARGEST_ROLE_POLICY = 10_240;

/** Longest possible values for what is known only in the plan. */
export const LONGEST = {
  keyArn: `arn:aws-us-gov:kms:ap-southeast-1:111122223333:key/mrk-${'0'.repeat(32)}`,
  partition: 'aws-us-gov',
} as const;

/**
 * Refuses to synthesize a role of jobs whose policy IAM would reject: the plan would succeed, and the apply would
 * fail halfway.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export class RolePolicyFits implements IValidation {
  readonly #largest: RolePolicy;
  readonly #buckets: number;

  /** @param largest - the policy with {@link LONGEST} in it */
  constructor(largest: RolePolicy, buckets: number) {
    this.#largest = largest;
    this.#buckets = buckets;
  }

  validate(): string[] {
    const size = JSON.stringify(this.#largest).length;
    if (size <= LARGEST_ROLE_POLICY) return [];
    return [
      `the policy of the jobs' role may have up to ${size} characters, but IAM allows ${LARGEST_ROLE_POLICY}: ${this.#buckets} buckets ` +
        'are too many for one role; split them over several rotation files, or use engine: local',
    ];
  }
}
