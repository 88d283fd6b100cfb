import type { Roles } from '../iam/roles';
import type { Caller } from '../message';

/** The principal that jobs take their role as. */
export const BATCH_OPERATIONS = 'batchoperations.s3.amazonaws.com';

/**
 * Takes a role for a job: a caller that acts as it, or why its trust policy does not let the service in. `aws:SourceArn`
 * is the job's ARN.
 */
export type TakeRole = (roleArn: string, jobArn: string) => Caller | { readonly refused: string };

export function roleTaker(roles: Pick<Roles, 'assume'>, accountId: string): TakeRole {
  return (roleArn, jobArn) =>
    roles.assume({ roleArn, service: BATCH_OPERATIONS, sourceAccount: accountId, sourceArn: jobArn });
}
