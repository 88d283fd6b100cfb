import type { Clock } from '../message';
import type { Value } from './answer';
import { noSuchEntity, noSuchRole } from './fault';
import { type Fields, type Query, readParameters, text, type ValuesOf } from './parameters';
import type { Group, Identities, ManagedPolicy, User } from './state/identities';
import type { Role } from './state/role';

/** What every call of IAM works on. */
export interface Account extends Identities {
  readonly id: string;
  readonly clock: Clock;
  readonly roles: Map<string, Role>;
}

export type Result = { readonly [name: string]: Value } | undefined;

export interface Operation {
  run(account: Account, query: Query): Result;
}

/** Joins an operation's parameters and what is done with them. `run` answers the result, nothing where IAM answers nothing. */
export function operation<F extends Fields>(
  fields: F,
  run: (account: Account, input: ValuesOf<F>) => Result,
): Operation {
  return { run: (account, query) => run(account, readParameters(fields, query)) };
}

const names = /[\w+=,.@-]+/;

export const roleName = text({ min: 1, max: 64, pattern: names });
export const policyName = text({ min: 1, max: 128, pattern: names });
export const policyDocument = text({ min: 1, max: 131_072, pattern: /[\t\n\r\u0020-\u00FF]+/ });
export const description = text({ max: 1000, pattern: /[\t\n\r\u0020-\u007E\u00A1-\u00FF]*/ });
export const path = text({ min: 1, max: 512, pattern: /\/|\/[\u0021-\u007E]+\// });

/** The role of that name, whatever its case. Throws `NoSuchEntity`. */
export function roleNamed({ roles }: Account, name: string): Role {
  const found = roles.get(name.toLowerCase());
  if (found === undefined) throw noSuchRole(name);
  return found;
}

/** The user of that name, whatever its case. Throws `NoSuchEntity`. */
export function userNamed({ users }: Account, name: string): User {
  return users.get(name.toLowerCase()) ?? gone(`The user with name ${name} cannot be found.`);
}

/** The same for a group. */
export function groupNamed({ groups }: Account, name: string): Group {
  return groups.get(name.toLowerCase()) ?? gone(`The group with name ${name} cannot be found.`);
}

/** A managed policy of the account. Throws `NoSuchEntity`, also for those of AWS. */
export function managedPolicy({ managed }: Account, arn: string): ManagedPolicy {
  return managed.get(arn) ?? gone(`Policy ${arn} does not exist or is not attachable.`);
}

function gone(message: string): never {
  throw noSuchEntity(message);
}
