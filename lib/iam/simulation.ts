import type { ContextEntry, IAMClient } from '@aws-sdk/client-iam';
import { type Answered, answeredIfPossible } from '../aws/answered';
import { called } from '../aws/failures';

/** A request for IAM to simulate, by the policies of an identity alone. */
export interface SimulatedRequest {
  /** ARN of a user or role of the account. */
  readonly arn: string;
  /** `kms:Decrypt`. */
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys by their names. */
  readonly context: Readonly<Record<string, readonly string[]>>;
}

/** What IAM's policy simulator says. */
export interface Simulated {
  /** By the policies of the identity, its boundary, and those of the organization. */
  readonly decision: 'allowed' | 'explicitDeny' | 'implicitDeny';
  /** Whether the policies of the organization allow it; undefined: there are none, or the simulator says nothing. */
  readonly byOrganization: boolean | undefined;
  /** Condition keys that policies ask for, and the request does not give: the decision may be another one then. */
  readonly missing: readonly string[];
}

const ACTION = 'iam:SimulatePrincipalPolicy';
/** Keys with several values. */
const LISTS = /^kms:resourcealiases$/i;

/**
 * Asks IAM what the policies of an identity come to for one request.
 *
 * @throws KeyturnError `interrupted`, and for missing credentials; whatever else is wrong is an unknown answer
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
export function simulate(iam: IAMClient, request: SimulatedRequest): Promise<Answered<Simulated>> {
  return answeredIfPossible(ACTION, () => called(ACTION, request.arn, () => ask(iam, request)));
}

async function ask(iam: IAMClient, { arn, action, resource, context }: SimulatedRequest): Promise<Simulated> {
  const { SimulatePrincipalPolicyCommand } = await import('@aws-sdk/client-iam');
  const ContextEntries = Object.entries(context).map(
    ([ContextKeyName, values]): ContextEntry => ({
      ContextKeyName,
      ContextKeyValues: [...values],
      ContextKeyType: LISTS.test(ContextKeyName) ? 'stringList' : 'string',
    }),
  );
  const input = { PolicySourceArn: arn, ActionNames: [action], ResourceArns: [resource], ContextEntries };
  const { EvaluationResults: [result] = [] } = await iam.send(new SimulatePrincipalPolicyCommand(input));
  const ofResource = (result?.ResourceSpecificResults ?? []).flatMap(
    ({ MissingContextValues = [] }) => MissingContextValues,
  );
  return {
    decision: result?.EvalDecision ?? 'implicitDeny',
    byOrganization: result?.OrganizationsDecisionDetail?.AllowedByOrganizations,
    missing: [...(result?.MissingContextValues ?? []), ...ofResource],
  };
}
