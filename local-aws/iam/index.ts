import type { AwsRequest, AwsResponse, Clock, Service } from '../message';
import type { Need } from '../need';
import { queryAction } from '../sts';
import { iamNamespace, queryError } from '../wire/errors';
import { iamAnswer } from './answer';
import { readPolicy } from './document';
import { IamFault } from './fault';
import { addRole, type NewRole } from './new-role';
import type { Account, Operation } from './operation';
import { authorizationOperations } from './operations/authorization-details';
import { identityOperations } from './operations/identities';
import { rolePolicyOperations } from './operations/role-policies';
import { roleOperations } from './operations/roles';
import { simulationOperations } from './operations/simulation';
import { tagOperations } from './operations/tags';
import type { Roles } from './roles';

const operations: Readonly<Record<string, Operation>> = {
  ...roleOperations,
  ...rolePolicyOperations,
  ...tagOperations,
  ...identityOperations,
  ...authorizationOperations,
  ...simulationOperations,
};

/** The operations served, by the names of the API reference. */
export const iamOperations: readonly string[] = Object.keys(operations).sort();

const version = '2010-05-08';

/** Identity and Access Management, as far as roles, users, groups and their policies go. */
export interface Iam {
  readonly service: Service;
  /** The IAM actions that a request takes, each with the role it is asked for. */
  needsOf(operation: string, request: AwsRequest): readonly Need[];
  /** Makes a role without a request. Answers its ARN. */
  addRole(role: NewRole): string;
  /** Puts the account under a service control policy with these statements. */
  controlBy(statements: readonly object[]): void;
}

/** The query protocol of IAM. https://docs.aws.amazon.com/IAM/latest/APIReference/ */
export function createIam(accountId: string, clock: Clock, roles: Pick<Roles, 'byName' | 'identities'>): Iam {
  const account: Account = { id: accountId, clock, roles: roles.byName, ...roles.identities };
  return {
    service: (request) => serve(account, request),
    needsOf: (operation, request) => needsOf(account, operation, request),
    addRole: (role) => addRole(account, role),
    controlBy(statements) {
      account.organization.statements = readPolicy(JSON.stringify({ Statement: statements }), 'identity');
    },
  };
}

function serve(account: Account, request: AwsRequest): AwsResponse {
  const { requestId } = request;
  const query = queryAction(request);
  const action = query.get('Action');
  const refuse = (code: string, message: string, status: number): AwsResponse =>
    queryError(code, message, status, requestId, iamNamespace);
  if (action === undefined) return refuse('MissingAction', 'Missing Action', 400);
  const known = Object.hasOwn(operations, action) ? operations[action] : undefined;
  if (known === undefined || query.get('Version') !== version) {
    const given = query.get('Version') ?? 'NO_VERSION_SPECIFIED';
    return refuse('InvalidAction', `Could not find operation ${action} for version ${given}`, 400);
  }
  try {
    return iamAnswer(action, known.run(account, query), requestId);
  } catch (error) {
    if (error instanceof IamFault) return refuse(error.code, error.message, error.status);
    throw error;
  }
}

function needsOf({ id, roles }: Account, operation: string, request: AwsRequest): readonly Need[] {
  if (!Object.hasOwn(operations, operation)) return [];
  const query = queryAction(request);
  const resource = resourceOf({ id, roles }, query);
  const needs = [{ action: `iam:${operation}`, resource }];
  return operation === 'CreateRole' && query.has('Tags.member.1.Key')
    ? [...needs, { action: 'iam:TagRole', resource }]
    : needs;
}

/** The ARN of what a request is about: a user, a group, a policy that is created, else a role; `*` for the whole account. */
function resourceOf({ id, roles }: Pick<Account, 'id' | 'roles'>, query: ReadonlyMap<string, string>): string {
  const source = query.get('PolicySourceArn');
  if (source !== undefined) return source;
  const at = (kind: string, name: string): string => `arn:aws:iam::${id}:${kind}${query.get('Path') ?? '/'}${name}`;
  const [role, user, group, policy] = ['RoleName', 'UserName', 'GroupName', 'PolicyName'].map((one) => query.get(one));
  if (role !== undefined) return roles.get(role.toLowerCase())?.arn ?? at('role', role);
  if (group !== undefined) return at('group', group);
  if (user !== undefined) return at('user', user);
  if (policy !== undefined) return at('policy', policy);
  return query.get('Action') === 'GetAccountAuthorizationDetails' ? '*' : at('role', '');
}
