import { randomBytes } from 'node:crypto';
import { uniqueId } from '../../credentials';
import { encodeDocument, type Value } from '../answer';
import { deleteConflict, limitExceeded, roleExists } from '../fault';
import { description, managedPolicy, operation, path, policyDocument, roleName, roleNamed } from '../operation';
import { page, paging } from '../paging';
import { number, required, tags, text } from '../parameters';
import type { Role } from '../state/role';
import { storeTrust } from '../stored';
import { addTags, tagMembers } from './tags';

/** Roles of an account: IAM's quota unless AWS raises it. */
const mostRoles = 1000;
const hour = 3600;
const sessionDuration = number({ min: hour, max: 12 * hour });
const shortest = hour;

const createRole = operation(
  {
    RoleName: required(roleName),
    AssumeRolePolicyDocument: required(policyDocument),
    Path: path,
    Description: description,
    MaxSessionDuration: sessionDuration,
    PermissionsBoundary: text(),
    Tags: tags,
  },
  (account, input) => {
    const { RoleName: name, Path = '/' } = input;
    if (input.PermissionsBoundary !== undefined) managedPolicy(account, input.PermissionsBoundary);
    if (account.roles.has(name.toLowerCase())) throw roleExists(name);
    if (account.roles.size >= mostRoles) throw limitExceeded(`Cannot exceed quota for RolesPerAccount: ${mostRoles}`);
    const role: Role = {
      name,
      path: Path,
      arn: `arn:aws:iam::${account.id}:role${Path}${name}`,
      id: uniqueId('AROA', randomBytes(20).toString('hex')),
      createdAt: account.clock.now(),
      description: input.Description,
      maxSessionDuration: input.MaxSessionDuration ?? shortest,
      trust: storeTrust(account, input.AssumeRolePolicyDocument),
      tags: new Map(),
      policies: new Map(),
      attached: new Set(),
      boundary: input.PermissionsBoundary,
    };
    addTags(role, input.Tags);
    account.roles.set(name.toLowerCase(), role);
    return { Role: { ...members(role), ...taggedMembers(role) } };
  },
);

const getRole = operation({ RoleName: required(roleName) }, (account, { RoleName }) => {
  const role = roleNamed(account, RoleName);
  return { Role: { ...members(role), ...taggedMembers(role), RoleLastUsed: {} } };
});

/** Tags are left out, as the API reference says. */
const listRoles = operation(
  { PathPrefix: text({ min: 1, max: 512, pattern: /\/[\u0021-\u007E]*/ }), ...paging },
  ({ roles }, { PathPrefix = '/', ...asked }) => {
    const matching = [...roles.values()].filter((role) => role.path.startsWith(PathPrefix));
    const { items, end } = page(matching, ({ name }) => name, asked);
    return { Roles: items.map(members), ...end };
  },
);

const updateRole = operation(
  { RoleName: required(roleName), Description: description, MaxSessionDuration: sessionDuration },
  (account, { RoleName, Description, MaxSessionDuration }) => {
    const role = roleNamed(account, RoleName);
    // Left out is not left alone: IAM sets the session back to an hour. A description that is left out stays.
    role.maxSessionDuration = MaxSessionDuration ?? shortest;
    if (Description !== undefined) role.description = Description;
    return {};
  },
);

const updateRoleDescription = operation(
  { RoleName: required(roleName), Description: required(description) },
  (account, { RoleName, Description }) => {
    const role = roleNamed(account, RoleName);
    role.description = Description;
    return { Role: members(role) };
  },
);

const updateAssumeRolePolicy = operation(
  { RoleName: required(roleName), PolicyDocument: required(policyDocument) },
  (account, { RoleName, PolicyDocument }) => {
    const role = roleNamed(account, RoleName);
    role.trust = storeTrust(account, PolicyDocument);
    return undefined;
  },
);

const deleteRole = operation({ RoleName: required(roleName) }, (account, { RoleName }) => {
  const role = roleNamed(account, RoleName);
  if (role.policies.size + role.attached.size > 0) throw deleteConflict();
  account.roles.delete(role.name.toLowerCase());
  return undefined;
});

export const roleOperations = {
  CreateRole: createRole,
  GetRole: getRole,
  ListRoles: listRoles,
  UpdateRole: updateRole,
  UpdateRoleDescription: updateRoleDescription,
  UpdateAssumeRolePolicy: updateAssumeRolePolicy,
  DeleteRole: deleteRole,
};

function members(role: Role): { readonly [name: string]: Value } {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt).toISOString().replace(/\.\d+/, ''),
    AssumeRolePolicyDocument: encodeDocument(role.trust.text),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    ...(role.boundary !== undefined && { PermissionsBoundary: boundaryMembers(role.boundary) }),
  };
}

const boundaryMembers = (arn: string) => ({
  PermissionsBoundaryType: 'Policy',
  PermissionsBoundaryArn: arn,
});

const taggedMembers = (role: Role) => (role.tags.size === 0 ? {} : { Tags: tagMembers(role) });
