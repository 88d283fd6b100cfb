import type { Statement } from '../document';
import type { StoredPolicy } from './role';

/** What users, groups and roles have in common: policies of their own, and managed ones by their ARNs. */
export interface Identity {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The inline policies by name. */
  readonly policies: Map<string, StoredPolicy>;
  readonly attached: Set<string>;
}

export type Group = Identity;

export interface User extends Identity {
  /** Names in lower case. */
  readonly groups: Set<string>;
  /** ARN of a managed policy. */
  boundary: string | undefined;
}

/** A customer managed policy in its only version. */
export interface ManagedPolicy extends StoredPolicy {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAt: number;
}

/** The users, groups and managed policies of one account; users and groups by their names in lower case. */
export interface Identities {
  readonly users: Map<string, User>;
  readonly groups: Map<string, Group>;
  readonly managed: Map<string, ManagedPolicy>;
  /** The service control policies over the account. Undefined: it is in no organization. */
  readonly organization: { statements: readonly Statement[] | undefined };
}

export const noIdentities = (): Identities => ({
  users: new Map(),
  groups: new Map(),
  managed: new Map(),
  organization: { statements: undefined },
});

/** Every policy of an identity, and of a user's groups; a managed one that is gone allows nothing. */
export function policiesOf(
  identity: Pick<Identity, 'policies' | 'attached'> | User,
  { groups, managed }: Identities,
): readonly StoredPolicy[] {
  const of = ({ policies, attached }: Pick<Identity, 'policies' | 'attached'>): readonly StoredPolicy[] => [
    ...policies.values(),
    ...[...attached].flatMap((arn) => managed.get(arn) ?? []),
  ];
  const joined = 'groups' in identity ? [...identity.groups].flatMap((name) => groups.get(name) ?? []) : [];
  return [identity, ...joined].flatMap(of);
}

/** What a permissions boundary says; nothing for one whose policy is gone, so that it lets nothing through. Undefined: there is none. */
export function boundaryOf(
  { boundary }: Pick<User, 'boundary'>,
  { managed }: Identities,
): readonly Statement[] | undefined {
  return boundary === undefined ? undefined : (managed.get(boundary)?.statements ?? []);
}
