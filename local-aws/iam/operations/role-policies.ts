import { encodeDocument } from '../answer';
import { limitExceeded, noSuchRolePolicy } from '../fault';
import { managedPolicy, operation, path, policyDocument, policyName, roleName, roleNamed } from '../operation';
import { page, paging } from '../paging';
import { required } from '../parameters';
import { sizeOf, storeInline } from '../stored';

/** Characters of all inline policies of a role together, white space left out. */
const mostCharacters = 10_240;

const putRolePolicy = operation(
  { RoleName: required(roleName), PolicyName: required(policyName), PolicyDocument: required(policyDocument) },
  (account, { RoleName, PolicyName, PolicyDocument }) => {
    const role = roleNamed(account, RoleName);
    const policy = storeInline(PolicyDocument);
    const others = Array.from(role.policies).filter(([name]) => name !== PolicyName);
    const size = others.reduce((sum, [, { text }]) => sum + sizeOf(text), sizeOf(PolicyDocument));
    if (size > mostCharacters) {
      throw limitExceeded(`Maximum policy size of ${mostCharacters} bytes exceeded for role ${role.name}`);
    }
    role.policies.set(PolicyName, policy);
    return undefined;
  },
);

const getRolePolicy = operation(
  { RoleName: required(roleName), PolicyName: required(policyName) },
  (account, { RoleName, PolicyName }) => {
    const role = roleNamed(account, RoleName);
    const policy = role.policies.get(PolicyName);
    if (policy === undefined) throw noSuchRolePolicy(PolicyName);
    return { RoleName: role.name, PolicyName, PolicyDocument: encodeDocument(policy.text) };
  },
);

const listRolePolicies = operation({ RoleName: required(roleName), ...paging }, (account, { RoleName, ...asked }) => {
  const { items, end } = page([...roleNamed(account, RoleName).policies.keys()], (name) => name, asked);
  return { PolicyNames: items, ...end };
});

const deleteRolePolicy = operation(
  { RoleName: required(roleName), PolicyName: required(policyName) },
  (account, { RoleName, PolicyName }) => {
    if (!roleNamed(account, RoleName).policies.delete(PolicyName)) throw noSuchRolePolicy(PolicyName);
    return undefined;
  },
);

const listAttachedRolePolicies = operation(
  { RoleName: required(roleName), PathPrefix: path, ...paging },
  (account, { RoleName, PathPrefix = '/', ...asked }) => {
    const attached = [...roleNamed(account, RoleName).attached].map((arn) => managedPolicy(account, arn));
    const matching = attached.filter((policy) => policy.path.startsWith(PathPrefix));
    const { items, end } = page(matching, ({ name }) => name, asked);
    return { AttachedPolicies: items.map(({ name, arn }) => ({ PolicyName: name, PolicyArn: arn })), ...end };
  },
);

/** There are no instance profiles here. */
const listInstanceProfilesForRole = operation({ RoleName: required(roleName), ...paging }, (account, { RoleName }) => {
  roleNamed(account, RoleName);
  return { InstanceProfiles: [], IsTruncated: false };
});

export const rolePolicyOperations = {
  PutRolePolicy: putRolePolicy,
  GetRolePolicy: getRolePolicy,
  ListRolePolicies: listRolePolicies,
  DeleteRolePolicy: deleteRolePolicy,
  ListAttachedRolePolicies: listAttachedRolePolicies,
  ListInstanceProfilesForRole: listInstanceProfilesForRole,
};
