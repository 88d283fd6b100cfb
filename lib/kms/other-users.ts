import { GetKeyLastUsageCommand, type GrantListEntry, type KMSClient, paginateListGrants } from '@aws-sdk/client-kms';

import { type Answered, answered } from '../aws/answered';
import { called } from '../aws/failures';

export { type Answered, answered } from '../aws/answered';

/** A grant: a permission to use the key outside of the key policy. EBS, RDS and other services use grants. */
export interface KeyGrant {
  readonly id: string;
  readonly name: string | undefined;
  /** The principal, or the service, that may use the key. */
  readonly grantee: string | undefined;
  readonly operations: readonly string[];
  /** The encryption context that it demands, as JSON; absent: any. */
  readonly constraints?: string;
  readonly createdAt: Date | undefined;
}

/** The last successful cryptographic use, up to an hour late; it does not include uses of cached data keys. */
export interface LastUsage {
  /** Undefined if there was none since tracking began. */
  readonly at: Date | undefined;
  readonly operation: string | undefined;
  readonly trackedSince: Date | undefined;
}

export interface KeyUsers {
  readonly grants: Answered<readonly KeyGrant[]>;
  readonly lastUsage: Answered<LastUsage>;
}

/**
 * Other users of the key that KMS reports. They are a reason to check before disabling it; an empty result proves
 * nothing.
 *
 * @throws KeyturnError as `called`, but not for a denied or an unknown operation
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
export async function otherUsers(kms: KMSClient, keyArn: string): Promise<KeyUsers> {
  return { grants: await grantsOn(kms, keyArn), lastUsage: await lastUsageOf(kms, keyArn) };
}

/** Every grant on a key. @throws as {@link otherUsers} */
export function grantsOn(kms: KMSClient, keyArn: string): Promise<Answered<readonly KeyGrant[]>> {
  return answered('kms:ListGrants', () => grantsOf(kms, keyArn));
}

/** The last use of a key that KMS reports. @throws as {@link otherUsers} */
export function lastUsageOf(kms: KMSClient, keyArn: string): Promise<Answered<LastUsage>> {
  return answered('kms:GetKeyLastUsage', async () => {
    const command = new GetKeyLastUsageCommand({ KeyId: keyArn });
    const answer = await called('kms:GetKeyLastUsage', keyArn, () => kms.send(command));
    const { Timestamp: at, Operation: operation } = answer.KeyLastUsage ?? {};
    return { at, operation, trackedSince: answer.TrackingStartDate };
  });
}

async function grantsOf(kms: KMSClient, keyArn: string): Promise<readonly KeyGrant[]> {
  const found: KeyGrant[] = [];
  await called('kms:ListGrants', keyArn, async () => {
    for await (const page of paginateListGrants({ client: kms }, { KeyId: keyArn })) {
      for (const grant of page.Grants ?? []) found.push(grantOf(grant));
    }
  });
  return found;
}

function grantOf(grant: GrantListEntry): KeyGrant {
  return {
    id: grant.GrantId ?? '',
    name: grant.Name || undefined,
    grantee: grant.GranteePrincipal ?? grant.GranteeServicePrincipal,
    operations: grant.Operations ?? [],
    ...(grant.Constraints && { constraints: JSON.stringify(grant.Constraints) }),
    createdAt: grant.CreationDate,
  };
}
