import { createHash } from 'node:crypto';
import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Acl, Grant, Permission } from '../state/acl';
import type { Bucket } from '../state/bucket';
import type { XmlElement } from './xml-reader';
import { many, maybe, one, oneOf, type Reader, readBody, shape, text } from './xml-shape';
import { branch, escapeXml, leaf, xmlDocument } from './xml-writer';

const GROUPS = {
  everyone: 'http://acs.amazonaws.com/groups/global/AllUsers',
  authenticated: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  logDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const;

const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const;

const GRANT_HEADERS: Readonly<Record<string, Permission>> = {
  'x-amz-grant-full-control': 'FULL_CONTROL',
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
};

/** The canonical user ID of an account: 64 hex digits, fixed for the account. */
export function canonicalId(accountId: string): string {
  return createHash('sha256').update(`canonical-user:${accountId}`).digest('hex');
}

const owners = new Map<string, string>();

/** As {@link canonicalId}, worked out once for each account: listings tell it with every object. */
export function ownerId(accountId: string): string {
  const known = owners.get(accountId) ?? canonicalId(accountId);
  owners.set(accountId, known);
  return known;
}

/** What every resource starts with: full control for its owner. */
export function privateAcl(accountId: string): Acl {
  return { grants: [{ grantee: { type: 'CanonicalUser', id: canonicalId(accountId) }, permission: 'FULL_CONTROL' }] };
}

function canned(name: string, accountId: string): Acl | undefined {
  const group = (uri: string, permission: Permission): Grant => ({ grantee: { type: 'Group', uri }, permission });
  const extra: Readonly<Record<string, readonly Grant[]>> = {
    private: [],
    'bucket-owner-read': [],
    'bucket-owner-full-control': [],
    'aws-exec-read': [],
    'public-read': [group(GROUPS.everyone, 'READ')],
    'public-read-write': [group(GROUPS.everyone, 'READ'), group(GROUPS.everyone, 'WRITE')],
    'authenticated-read': [group(GROUPS.authenticated, 'READ')],
    'log-delivery-write': [group(GROUPS.logDelivery, 'WRITE'), group(GROUPS.logDelivery, 'READ_ACP')],
  };
  const grants = extra[name];
  return grants === undefined ? undefined : { grants: [...privateAcl(accountId).grants, ...grants] };
}

/**
 * The ACL that a request's headers name, undefined when they name none.
 *
 * @throws S3Fault `InvalidArgument`; `InvalidRequest` for a canned ACL and grants together.
 */
export function aclOfHeaders(call: Call, { owner }: Pick<Bucket, 'owner'>): Acl | undefined {
  const name = call.headers['x-amz-acl'];
  const grants = Object.entries(GRANT_HEADERS).flatMap(([header, permission]) => {
    const value = call.headers[header];
    return value === undefined ? [] : value.split(',').map((item) => grantOf(item.trim(), permission));
  });
  if (name === undefined) return grants.length === 0 ? undefined : { grants };
  if (grants.length > 0) {
    throw s3Fault('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed');
  }
  const acl = canned(name, owner);
  if (acl === undefined) throw invalidArgument('Argument is invalid', 'x-amz-acl', name);
  return acl;
}

function grantOf(item: string, permission: Permission): Grant {
  const match = /^(id|uri)="?([^"]+)"?$/.exec(item);
  const value = match?.[2];
  if (value === undefined) throw invalidArgument('Argument format not recognized', 'x-amz-grant', item);
  return match?.[1] === 'id'
    ? { grantee: { type: 'CanonicalUser', id: value }, permission }
    : { grantee: { type: 'Group', uri: value }, permission };
}

/**
 * Under bucket-owner-enforced ownership a write may name no ACL but the two that change nothing.
 *
 * @throws S3Fault `AccessControlListNotSupported`.
 */
export function aclForObject(call: Call, bucket: Bucket): Acl | undefined {
  const acl = aclOfHeaders(call, bucket);
  if (acl === undefined) return undefined;
  refuseUnlessOwner(call, bucket, acl);
  refusePublic(bucket, acl);
  return acl;
}

/** @throws S3Fault `AccessControlListNotSupported` when ACLs are off and this one gives others anything. */
export function refuseUnlessOwner(call: Call, bucket: Bucket, acl: Acl): void {
  if (bucket.ownership !== 'BucketOwnerEnforced') return;
  const owner = canonicalId(bucket.owner);
  const harmless = acl.grants.every(
    ({ grantee, permission }) =>
      grantee.type === 'CanonicalUser' && grantee.id === owner && permission === 'FULL_CONTROL',
  );
  if (!harmless || call.headers['x-amz-acl'] === 'private') throw s3Fault('AccessControlListNotSupported');
}

/** @throws S3Fault `AccessDenied` when BlockPublicAcls is on and this one is public. */
export function refusePublic(bucket: Bucket, acl: Acl): void {
  if (bucket.publicAccessBlock?.BlockPublicAcls !== true) return;
  const open = acl.grants.some(
    ({ grantee }) =>
      grantee.type === 'Group' && (grantee.uri === GROUPS.everyone || grantee.uri === GROUPS.authenticated),
  );
  if (open) throw s3Fault('AccessDenied');
}

const NAMESPACED_TYPE = 'xsi:type';

const grantee: Reader<Grant['grantee']> = (element: XmlElement) => {
  const type = element.attributes.get(NAMESPACED_TYPE);
  const fields = shape({ ID: maybe(text), DisplayName: maybe(text), URI: maybe(text), EmailAddress: maybe(text) })(
    element,
  );
  if (type === 'CanonicalUser' && fields.ID !== undefined) return { type, id: fields.ID };
  if (type === 'Group' && fields.URI !== undefined) return { type, uri: fields.URI };
  throw s3Fault('MalformedACLError');
};

const policy = shape({
  Owner: maybe(shape({ ID: one(text), DisplayName: maybe(text) })),
  AccessControlList: one(
    shape({ Grant: many(shape({ Grantee: one(grantee), Permission: one(oneOf(...PERMISSIONS)) })) }),
  ),
});

/** @throws S3Fault `MalformedXML`, `MalformedACLError`. */
export function readAcl(body: Buffer): Acl {
  const { AccessControlList } = readBody(body, 'AccessControlPolicy', policy);
  return {
    grants: AccessControlList.Grant.map((grant) => ({ grantee: grant.Grantee, permission: grant.Permission })),
  };
}

export function writeAcl(acl: Acl, accountId: string): string {
  const grants = acl.grants.map(({ grantee: to, permission }) => {
    const inner = to.type === 'Group' ? leaf('URI', to.uri) : leaf('ID', to.id);
    const open = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${escapeXml(to.type)}">`;
    return branch('Grant', `${open}${inner}</Grantee>`, leaf('Permission', permission));
  });
  const owner = branch('Owner', leaf('ID', canonicalId(accountId)));
  return xmlDocument('AccessControlPolicy', owner, branch('AccessControlList', ...grants));
}
