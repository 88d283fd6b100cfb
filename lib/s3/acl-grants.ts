import type { GrantHeader, Grants } from './store';

/** One grant of an ACL as S3 sends it. */
export interface AclGrant {
  readonly id: string | undefined;
  readonly uri: string | undefined;
  readonly permission: string;
}

const HEADERS: Readonly<Record<string, GrantHeader>> = {
  FULL_CONTROL: 'fullControl',
  READ: 'read',
  READ_ACP: 'readAcp',
  WRITE_ACP: 'writeAcp',
};

/**
 * An ACL in the form that a copy accepts. Undefined where the owner alone has full control: that is what every new object
 * gets, and the only thing that buckets with enforced ownership accept.
 */
export function aclGrantsOf(owner: string | undefined, acl: readonly AclGrant[]): Grants {
  const ownerOnly = acl.every(
    (grant) => grant.id !== undefined && grant.id === owner && grant.permission === 'FULL_CONTROL',
  );
  if (ownerOnly) return undefined;
  const lists: Partial<Record<GrantHeader, string[]>> = {};
  for (const { id, uri, permission } of acl) {
    const header = HEADERS[permission];
    const grantee = id !== undefined ? `id="${id}"` : uri !== undefined ? `uri="${uri}"` : undefined;
    if (header === undefined || grantee === undefined) continue;
    lists[header] = [...(lists[header] ?? []), grantee];
  }
  const joined = (header: GrantHeader) => lists[header]?.join(', ');
  return {
    fullControl: joined('fullControl'),
    read: joined('read'),
    readAcp: joined('readAcp'),
    writeAcp: joined('writeAcp'),
  };
}
