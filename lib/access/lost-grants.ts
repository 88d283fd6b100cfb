import type { KeyGrant } from '../kms/other-users';

/** A grant on the old key: the new key has none. */
export interface LostGrant {
  readonly id: string;
  readonly grantee: string;
  readonly operations: readonly string[];
  readonly fix: string;
}

/** The grants of the old key that the new one has not. */
export function lostGrants(
  grants: readonly KeyGrant[],
  newGrants: readonly KeyGrant[],
  newKeyArn: string,
): readonly LostGrant[] {
  const lost = grants.filter((one) => !newGrants.some((other) => replaces(other, one)));
  return lost.map(({ id, grantee = 'an unnamed grantee', operations }) => ({
    id,
    grantee,
    operations,
    fix: `aws kms create-grant --key-id ${newKeyArn} --grantee-principal ${grantee} --operations ${operations.join(' ')}`,
  }));
}

const replaces = (grant: KeyGrant, old: KeyGrant): boolean =>
  old.grantee !== undefined &&
  grant.grantee === old.grantee &&
  (grant.constraints === undefined || grant.constraints === old.constraints) &&
  old.operations.every((one) => grant.operations.includes(one));
