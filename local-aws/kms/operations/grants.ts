import { createHash, randomBytes } from 'node:crypto';
import { KmsFault } from '../../message';
import type { Call } from '../call';
import { validation } from '../faults';
import * as members from '../members';
import { keyFor, operation, seconds, usableKey } from '../operation';
import { page } from '../paging';
import { list, oneOf, required, string, stringMap, structure } from '../shapes';
import type { Grant } from '../state/grant';
import { accountOf, type Key } from '../state/key';

const grantId = string({ min: 1, max: 128 });

const createGrantInput = structure({
  KeyId: required(members.keyId),
  GranteePrincipal: members.principal,
  GranteeServicePrincipal: members.principal,
  RetiringPrincipal: members.principal,
  RetiringServicePrincipal: members.principal,
  Operations: required(
    list(
      oneOf([
        'Decrypt',
        'Encrypt',
        'GenerateDataKey',
        'GenerateDataKeyWithoutPlaintext',
        'ReEncryptFrom',
        'ReEncryptTo',
        'Sign',
        'Verify',
        'GetPublicKey',
        'CreateGrant',
        'RetireGrant',
        'DescribeKey',
        'GenerateDataKeyPair',
        'GenerateDataKeyPairWithoutPlaintext',
        'GenerateMac',
        'VerifyMac',
        'DeriveSharedSecret',
      ]),
    ),
  ),
  Constraints: structure({
    EncryptionContextSubset: stringMap,
    EncryptionContextEquals: stringMap,
    SourceArn: string({ min: 1, max: 2048 }),
  }),
  GrantTokens: members.grantTokens,
  Name: string({ min: 1, max: 256, pattern: /[a-zA-Z0-9:/_-]+/ }),
  DryRun: members.dryRun,
});

const createGrant = operation(createGrantInput, (call, input) => {
  const key = usableKey(call, 'CreateGrant', input.KeyId);
  checkGrantTokens(call, input.GrantTokens ?? []);
  refuseDryRun(input.DryRun);
  const properties = {
    name: input.Name,
    ...grantedTo(input),
    operations: input.Operations,
    constraints: input.Constraints,
  };
  const same = sameGrant(key, properties);
  const grant = same ?? {
    ...properties,
    id: randomBytes(32).toString('hex'),
    token: randomBytes(192).toString('base64url'),
    createdAt: call.store.now(),
  };
  key.grants.set(grant.id, grant);
  return { GrantId: grant.id, GrantToken: grant.token };
});

const listGrants = operation(
  structure({
    KeyId: required(members.keyId),
    Limit: members.limit,
    Marker: members.marker,
    GrantId: grantId,
    GranteePrincipal: members.principal,
  }),
  (call, { KeyId, Limit = 50, Marker, GrantId, GranteePrincipal }) => {
    const key = keyFor(call, KeyId);
    const matching = Array.from(key.grants.values())
      .filter(({ id, grantee }) => (GrantId ?? id) === id && (GranteePrincipal ?? grantee) === grantee)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const { items, end } = page(matching, (grant) => grant.id, Limit, Marker);
    return { Grants: items.map((grant) => entry(key, grant)), ...end };
  },
);

const revokeGrant = operation(
  structure({ KeyId: required(members.keyId), GrantId: required(grantId), DryRun: members.dryRun }),
  (call, { KeyId, GrantId, DryRun }) => {
    const key = keyFor(call, KeyId);
    if (!key.grants.has(GrantId)) throw new KmsFault('NotFoundException', `Grant ID ${GrantId} not found`);
    refuseDryRun(DryRun);
    key.grants.delete(GrantId);
    return {};
  },
);

export const grantOperations = { CreateGrant: createGrant, ListGrants: listGrants, RevokeGrant: revokeGrant };

/** Grant tokens are checked for being some grant's, though grants decide nothing here. Throws `InvalidGrantTokenException`. */
export function checkGrantTokens(call: Call, tokens: readonly string[]): void {
  if (tokens.length === 0) return;
  const known = new Set(call.store.keys().flatMap((key) => Array.from(key.grants.values(), (grant) => grant.token)));
  if (tokens.every((token) => known.has(token))) return;
  throw new KmsFault('InvalidGrantTokenException', 'The grant token is not valid.');
}

/** Since 2026-03 a grant may name a service, for one source. Its rules stand in the API reference; which exception breaks them does not. */
function grantedTo(input: {
  readonly GranteePrincipal?: string | undefined;
  readonly GranteeServicePrincipal?: string | undefined;
  readonly RetiringPrincipal?: string | undefined;
  readonly RetiringServicePrincipal?: string | undefined;
  readonly Constraints?: { readonly SourceArn?: string | undefined } | undefined;
}): Pick<Grant, 'grantee' | 'retiring' | 'isService' | 'isRetiredByService'> {
  const { GranteePrincipal, GranteeServicePrincipal, RetiringPrincipal, RetiringServicePrincipal } = input;
  const grantee = GranteePrincipal ?? GranteeServicePrincipal;
  const isService = GranteeServicePrincipal !== undefined;
  const retiring = RetiringPrincipal ?? RetiringServicePrincipal;
  if (grantee === undefined || (GranteePrincipal !== undefined && isService))
    throw validation('You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.');
  if (RetiringPrincipal !== undefined && RetiringServicePrincipal !== undefined)
    throw validation('You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.');
  if (isService && (input.Constraints?.SourceArn === undefined || retiring === undefined))
    throw validation('A grant to a service principal needs a SourceArn constraint and a retiring principal.');
  return { grantee, retiring, isService, isRetiredByService: RetiringServicePrincipal !== undefined };
}

/** A named grant that is asked for again is the same grant; an unnamed one is always new. */
function sameGrant(key: Key, wanted: Omit<Grant, 'id' | 'token' | 'createdAt'>): Grant | undefined {
  if (wanted.name === undefined) return undefined;
  return Array.from(key.grants.values()).find((grant) => fingerprint(grant) === fingerprint(wanted));
}

function fingerprint({
  name,
  grantee,
  retiring,
  operations,
  constraints,
}: Omit<Grant, 'id' | 'token' | 'createdAt'>): string {
  const text = JSON.stringify([name, grantee, retiring, operations.toSorted(), constraints]);
  return createHash('sha256').update(text).digest('hex');
}

function refuseDryRun(dryRun: boolean | undefined): void {
  if (dryRun === true) {
    throw new KmsFault(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
      412,
    );
  }
}

function entry(key: Key, grant: Grant): object {
  return {
    KeyId: key.arn,
    GrantId: grant.id,
    Name: grant.name,
    CreationDate: seconds(grant.createdAt),
    [grant.isService ? 'GranteeServicePrincipal' : 'GranteePrincipal']: grant.grantee,
    [grant.isRetiredByService ? 'RetiringServicePrincipal' : 'RetiringPrincipal']: grant.retiring,
    IssuingAccount: `arn:aws:iam::${accountOf(key)}:root`,
    Operations: grant.operations,
    Constraints: grant.constraints,
  };
}
