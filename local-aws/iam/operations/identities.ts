import { randomBytes } from 'node:crypto';
import { uniqueId } from '../../credentials';
import type { Value } from '../answer';
import { entityExists } from '../fault';
import {
  type Account,
  description,
  groupNamed,
  managedPolicy,
  operation,
  path,
  policyDocument,
  policyName,
  roleName,
  roleNamed,
  userNamed,
} from '../operation';
import { required, tags, text } from '../parameters';
import type { Identity, ManagedPolicy, User } from '../state/identities';
import { storeInline } from '../stored';

const name = roleName;
const arn = text({ min: 20, max: 2048 });

const newIdentity = ({ id, clock }: Account, kind: 'user' | 'group', given: string, Path = '/'): Identity => ({
  name: given,
  path: Path,
  arn: `arn:aws:iam::${id}:${kind}${Path}${given}`,
  id: uniqueId(kind === 'user' ? 'AIDA' : 'AGPA', randomBytes(20).toString('hex')),
  createdAt: clock.now(),
  policies: new Map(),
  attached: new Set(),
});

const createUser = operation(
  { UserName: required(name), Path: path, PermissionsBoundary: arn, Tags: tags },
  (account, { UserName, Path, PermissionsBoundary }) => {
    if (account.users.has(UserName.toLowerCase())) throw entityExists(`User with name ${UserName} already exists.`);
    if (PermissionsBoundary !== undefined) managedPolicy(account, PermissionsBoundary);
    const identity = newIdentity(account, 'user', UserName, Path);
    const user: User = { ...identity, groups: new Set(), boundary: PermissionsBoundary };
    account.users.set(UserName.toLowerCase(), user);
    return { User: { ...members(user), UserName, UserId: user.id } };
  },
);

const createGroup = operation({ GroupName: required(name), Path: path }, (account, { GroupName, Path }) => {
  if (account.groups.has(GroupName.toLowerCase())) throw entityExists(`Group with name ${GroupName} already exists.`);
  const group = newIdentity(account, 'group', GroupName, Path);
  account.groups.set(GroupName.toLowerCase(), group);
  return { Group: { ...members(group), GroupName, GroupId: group.id } };
});

const addUserToGroup = operation(
  { GroupName: required(name), UserName: required(name) },
  (account, { GroupName, UserName }) => {
    userNamed(account, UserName).groups.add(groupNamed(account, GroupName).name.toLowerCase());
    return undefined;
  },
);

const createPolicy = operation(
  {
    PolicyName: required(policyName),
    PolicyDocument: required(policyDocument),
    Path: path,
    Description: description,
    Tags: tags,
  },
  (account, { PolicyName, PolicyDocument, Path = '/' }) => {
    const policyArn = `arn:aws:iam::${account.id}:policy${Path}${PolicyName}`;
    if (account.managed.has(policyArn)) throw entityExists(`A policy called ${PolicyName} already exists.`);
    const policy: ManagedPolicy = {
      ...storeInline(PolicyDocument),
      name: PolicyName,
      path: Path,
      arn: policyArn,
      id: uniqueId('ANPA', randomBytes(20).toString('hex')),
      createdAt: account.clock.now(),
    };
    account.managed.set(policyArn, policy);
    return { Policy: { PolicyName, PolicyId: policy.id, Arn: policyArn, Path, DefaultVersionId: 'v1' } };
  },
);

const byUser = { UserName: required(name) };
const byGroup = { GroupName: required(name) };
const inline = { PolicyName: required(policyName), PolicyDocument: required(policyDocument) };
const attached = { PolicyArn: required(arn) };

export const identityOperations = {
  CreateUser: createUser,
  CreateGroup: createGroup,
  AddUserToGroup: addUserToGroup,
  CreatePolicy: createPolicy,
  PutUserPolicy: operation({ ...byUser, ...inline }, (account, { UserName, PolicyName, PolicyDocument }) => {
    userNamed(account, UserName).policies.set(PolicyName, storeInline(PolicyDocument));
    return undefined;
  }),
  PutGroupPolicy: operation({ ...byGroup, ...inline }, (account, { GroupName, PolicyName, PolicyDocument }) => {
    groupNamed(account, GroupName).policies.set(PolicyName, storeInline(PolicyDocument));
    return undefined;
  }),
  AttachUserPolicy: operation({ ...byUser, ...attached }, (account, { UserName, PolicyArn }) => {
    userNamed(account, UserName).attached.add(managedPolicy(account, PolicyArn).arn);
    return undefined;
  }),
  AttachGroupPolicy: operation({ ...byGroup, ...attached }, (account, { GroupName, PolicyArn }) => {
    groupNamed(account, GroupName).attached.add(managedPolicy(account, PolicyArn).arn);
    return undefined;
  }),
  AttachRolePolicy: operation({ RoleName: required(roleName), ...attached }, (account, { RoleName, PolicyArn }) => {
    roleNamed(account, RoleName).attached.add(managedPolicy(account, PolicyArn).arn);
    return undefined;
  }),
  DetachRolePolicy: operation({ RoleName: required(roleName), ...attached }, (account, { RoleName, PolicyArn }) => {
    roleNamed(account, RoleName).attached.delete(managedPolicy(account, PolicyArn).arn);
    return undefined;
  }),
};

function members({ path: Path, arn: Arn, createdAt }: Identity): { readonly [name: string]: Value } {
  return { Path, Arn, CreateDate: new Date(createdAt).toISOString().replace(/\.\d+/, '') };
}
