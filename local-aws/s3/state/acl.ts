export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP';

export interface Grant {
  readonly grantee:
    | { readonly type: 'CanonicalUser'; readonly id: string }
    | { readonly type: 'Group'; readonly uri: string };
  readonly permission: Permission;
}

/** An access control list. Stored and sent back; what it grants to others is not enforced, as there is one account. */
export interface Acl {
  readonly grants: readonly Grant[];
}
