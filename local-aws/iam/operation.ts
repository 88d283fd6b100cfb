import type { Clock } from '../message';
import type { Value } from './answer';
import { noSuchRole } from './fault';
import { type Fields, type Query, readParameters, text, type ValuesOf } from './parameters';
import type { Role } from './state/role';

/** What every call of IAM works on. */
export interface Account {
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
