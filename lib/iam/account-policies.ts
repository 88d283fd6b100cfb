import type {
  AttachedPolicy,
  GetAccountAuthorizationDetailsCommandOutput,
  IAMClient,
  ManagedPolicyDetail,
} from '@aws-sdk/client-iam';
import { type Answered, answeredIfPossible } from '../aws/answered';
import { called } from '../aws/failures';

/** A policy of an identity, as JSON text; undefined: IAM named it and did not show it. */
export interface IdentityPolicy {
  /** Its name, or its ARN for a managed one. */
  readonly name: string;
  readonly text: string | undefined;
}

/** A user or a role, with everything that its own account lets it do. */
export interface AccountIdentity {
  readonly arn: string;
  /** Its own policies, those attached to it, and those of its groups. */
  readonly policies: readonly IdentityPolicy[];
  /** Its permissions boundary; undefined: it has none. */
  readonly boundary: IdentityPolicy | undefined;
}

const ACTION = 'iam:GetAccountAuthorizationDetails';

/**
 * Every user and role of the account with its policies.
 *
 * @throws KeyturnError `interrupted`, and for missing credentials; whatever else is wrong is an unknown answer
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 */
export function accountIdentities(iam: IAMClient): Promise<Answered<readonly AccountIdentity[]>> {
  return answeredIfPossible(ACTION, () => called(ACTION, '*', () => read(iam)));
}

type Page = Pick<
  GetAccountAuthorizationDetailsCommandOutput,
  'UserDetailList' | 'GroupDetailList' | 'RoleDetailList' | 'Policies'
>;

async function read(iam: IAMClient): Promise<readonly AccountIdentity[]> {
  const { paginateGetAccountAuthorizationDetails } = await import('@aws-sdk/client-iam');
  const pages: Page[] = [];
  for await (const page of paginateGetAccountAuthorizationDetails({ client: iam, pageSize: 1000 }, {}))
    pages.push(page);
  const managed = new Map(pages.flatMap(({ Policies = [] }) => Policies).map((one) => [one.Arn, textOf(one)]));
  const named = ({ PolicyArn = '' }: AttachedPolicy): IdentityPolicy => ({
    name: PolicyArn,
    text: managed.get(PolicyArn),
  });
  const attached = (all: readonly AttachedPolicy[] = []) => all.map(named);
  const boundary = (arn: string | undefined) => (arn === undefined ? undefined : named({ PolicyArn: arn }));
  const groups = new Map(
    pages
      .flatMap(({ GroupDetailList = [] }) => GroupDetailList)
      .map((one) => [one.GroupName, [...inline(one.GroupPolicyList), ...attached(one.AttachedManagedPolicies)]]),
  );
  // A group that IAM does not show may allow anything.
  const ofGroup = (name: string): readonly IdentityPolicy[] => groups.get(name) ?? [{ name, text: undefined }];
  const users = pages.flatMap(({ UserDetailList = [] }) => UserDetailList);
  const roles = pages.flatMap(({ RoleDetailList = [] }) => RoleDetailList);
  return [
    ...users.map((one) => ({
      arn: one.Arn ?? '',
      policies: [
        ...inline(one.UserPolicyList),
        ...attached(one.AttachedManagedPolicies),
        ...(one.GroupList ?? []).flatMap(ofGroup),
      ],
      boundary: boundary(one.PermissionsBoundary?.PermissionsBoundaryArn),
    })),
    ...roles.map((one) => ({
      arn: one.Arn ?? '',
      policies: [...inline(one.RolePolicyList), ...attached(one.AttachedManagedPolicies)],
      boundary: boundary(one.PermissionsBoundary?.PermissionsBoundaryArn),
    })),
  ];
}

const inline = (
  all: readonly { readonly PolicyName?: string | undefined; readonly PolicyDocument?: string | undefined }[] = [],
): readonly IdentityPolicy[] =>
  all.map(({ PolicyName = '', PolicyDocument }) => ({ name: PolicyName, text: decoded(PolicyDocument) }));

const textOf = ({ PolicyVersionList = [] }: ManagedPolicyDetail): string | undefined =>
  decoded(PolicyVersionList.find(({ IsDefaultVersion }) => IsDefaultVersion)?.Document);

/** Documents are percent-encoded after RFC 3986. */
function decoded(document: string | undefined): string | undefined {
  try {
    return document === undefined ? undefined : decodeURIComponent(document);
  } catch {
    return undefined;
  }
}
