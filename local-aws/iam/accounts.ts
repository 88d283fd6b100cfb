import type { Caller, Clock } from '../message';
import { createIam, type Iam } from './index';
import { createRoles, type Roles } from './roles';

/** IAM of every account: each has its own, made when it is first asked for. */
export interface Accounts {
  /** Asks the account of the caller, or of the role that is to be taken. */
  readonly roles: Pick<Roles, 'assume' | 'assumeAs' | 'decide' | 'decideForUser' | 'decideForService' | 'denies'>;
  iamOf(accountId: string): Iam;
}

/** @param home - account and Region of what names none */
export function createAccounts(home: { readonly region: string; readonly accountId: string }, clock: Clock): Accounts {
  const known = new Map<string, { readonly roles: Roles; readonly iam: Iam }>();
  const of = (accountId: string) => {
    const before = known.get(accountId);
    if (before !== undefined) return before;
    const roles = createRoles(accountId, home.region, clock);
    const made = { roles, iam: createIam(accountId, clock, roles) };
    known.set(accountId, made);
    return made;
  };
  const ofCaller = ({ accountId }: Caller): Roles => of(accountId).roles;
  const ofRole = (arn: string): Roles => of(/^arn:[^:]*:iam::(\d{12}):/.exec(arn)?.[1] ?? '').roles;
  return {
    roles: {
      assume: (request) => ofRole(request.roleArn).assume(request),
      assumeAs: (request) => ofRole(request.roleArn).assumeAs(request),
      decide: (caller, need, about) => ofCaller(caller).decide(caller, need, about),
      decideForUser: (caller, need, about) => ofCaller(caller).decideForUser(caller, need, about),
      decideForService: (service, need, about) =>
        of(about?.owner ?? home.accountId).roles.decideForService(service, need, about),
      denies: (caller, need, about) => ofCaller(caller).denies(caller, need, about),
    },
    iamOf: (accountId) => of(accountId).iam,
  };
}
