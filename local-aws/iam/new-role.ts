import type { Account } from './operation';
import { rolePolicyOperations } from './operations/role-policies';
import { roleOperations } from './operations/roles';

/** A role that is there from the start, as its owner would have made it. */
export interface NewRole {
  /** Without its path. */
  readonly name: string;
  /** Default `/`. */
  readonly path?: string;
  /** Statements of the trust policy, and of the only inline policy. */
  readonly trust: readonly object[];
  readonly may: readonly object[];
}

/** Makes a role by the operations that IAM has for it. Answers its ARN. @throws IamFault */
export function addRole(account: Account, { name, path = '/', trust, may }: NewRole): string {
  const document = (statements: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });
  const created = { RoleName: name, Path: path, AssumeRolePolicyDocument: document(trust) };
  roleOperations.CreateRole.run(account, new Map(Object.entries(created)));
  const policy = { RoleName: name, PolicyName: 'inline', PolicyDocument: document(may) };
  rolePolicyOperations.PutRolePolicy.run(account, new Map(Object.entries(policy)));
  return `arn:aws:iam::${account.id}:role${path}${name}`;
}
