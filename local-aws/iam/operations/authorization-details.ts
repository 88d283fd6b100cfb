import { encodeDocument, type Value } from '../answer';
import { type Account, operation } from '../operation';
import { page, paging } from '../paging';
import { texts } from '../parameters';
import type { Identity, ManagedPolicy } from '../state/identities';
import type { Role, StoredPolicy } from '../state/role';

type Kind = 'User' | 'Group' | 'Role' | 'LocalManagedPolicy';

interface Detail {
  readonly kind: Kind;
  readonly arn: string;
  readonly members: { readonly [name: string]: Value };
}

const LISTS: Readonly<Record<Kind, string>> = {
  User: 'UserDetailList',
  Group: 'GroupDetailList',
  Role: 'RoleDetailList',
  LocalManagedPolicy: 'Policies',
};

/** All identities of the account and their policies, in pages over them together. There are no policies of AWS here. */
export const authorizationOperations = {
  GetAccountAuthorizationDetails: operation({ Filter: texts, ...paging }, (account, { Filter, ...asked }) => {
    const details = allDetails(account).filter(({ kind }) => Filter.length === 0 || Filter.includes(kind));
    const { items, end } = page(details, ({ kind, arn }) => `${kind} ${arn}`, asked);
    const lists = Object.entries(LISTS).map(([kind, list]) => {
      const of = items.filter((one) => one.kind === kind);
      return [list, of.map(({ members }) => members)] as const;
    });
    return { ...Object.fromEntries(lists), ...end };
  }),
};

function allDetails(account: Account): readonly Detail[] {
  const { users, groups, roles, managed } = account;
  return [
    ...[...users.values()].map((user) => ({
      kind: 'User' as const,
      arn: user.arn,
      members: {
        ...common(user, account),
        UserName: user.name,
        UserId: user.id,
        UserPolicyList: inlined(user.policies),
        GroupList: [...user.groups].map((name) => groups.get(name)?.name ?? name),
        PermissionsBoundary: boundary(user.boundary),
      },
    })),
    ...[...groups.values()].map((group) => ({
      kind: 'Group' as const,
      arn: group.arn,
      members: {
        ...common(group, account),
        GroupName: group.name,
        GroupId: group.id,
        GroupPolicyList: inlined(group.policies),
      },
    })),
    ...[...roles.values()].map((role) => ({ kind: 'Role' as const, arn: role.arn, members: ofRole(role, account) })),
    ...[...managed.values()].map((policy) => ({
      kind: 'LocalManagedPolicy' as const,
      arn: policy.arn,
      members: ofPolicy(policy),
    })),
  ];
}

const common = ({ path: Path, arn: Arn, createdAt, attached }: Identity | Role, { managed }: Account) => ({
  Path,
  Arn,
  CreateDate: dated(createdAt),
  AttachedManagedPolicies: [...attached].map((PolicyArn) => ({ PolicyName: managed.get(PolicyArn)?.name, PolicyArn })),
});

const ofRole = (role: Role, account: Account) => ({
  ...common(role, account),
  RoleName: role.name,
  RoleId: role.id,
  AssumeRolePolicyDocument: encodeDocument(role.trust.text),
  InstanceProfileList: [],
  RolePolicyList: inlined(role.policies),
  PermissionsBoundary: boundary(role.boundary),
  Tags: Array.from(role.tags, ([Key, Value]) => ({ Key, Value })),
});

const ofPolicy = ({ name, id, arn: Arn, path: Path, createdAt, text }: ManagedPolicy) => ({
  PolicyName: name,
  PolicyId: id,
  Arn,
  Path,
  DefaultVersionId: 'v1',
  IsAttachable: true,
  CreateDate: dated(createdAt),
  PolicyVersionList: [
    { Document: encodeDocument(text), VersionId: 'v1', IsDefaultVersion: true, CreateDate: dated(createdAt) },
  ],
});

const inlined = (policies: ReadonlyMap<string, StoredPolicy>) =>
  Array.from(policies, ([PolicyName, { text }]) => ({ PolicyName, PolicyDocument: encodeDocument(text) }));

const boundary = (arn: string | undefined) =>
  arn === undefined ? undefined : { PermissionsBoundaryType: 'PermissionsBoundaryPolicy', PermissionsBoundaryArn: arn };

const dated = (time: number): string => new Date(time).toISOString().replace(/\.\d+/, '');
