import { GetKeyLastUsageCommand, type GrantListEntry, type KMSClient, paginateListGrants } from '@aws-sdk/client-kms';

import { awsCodeOf, called } from '../aws/failures';
import { isCode } from '../errors';

/** A grant: a permission to use the key outside of the key policy. EBS, RDS and other services use grants. */
export interface KeyGrant {
  readonly id: string;
  readonly name: string | undefined;
  readonly grantee: string | undefined;
  readonly operations: readonly string[];
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
  readonly grants: readonly KeyGrant[];
  /** Undefined if the endpoint does not support the operation or the identity may not call it. */
  readonly lastUsage: LastUsage | undefined;
}

/** Error codes of endpoints for an unsupported operation. */
const UNKNOWN_OPERATION = new Set(['UnknownOperationException', 'UnknownOperation', 'InvalidAction', 'NotImplemented']);

/**
 * Other users of the key that KMS reports. They are a reason to check before disabling it; an empty result proves
 * nothing.
 *
 * @throws KeyturnError as `called`, for ListGrants
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
export async function otherUsers(kms: KMSClient, keyArn: string): Promise<KeyUsers> {
  return { grants: await grantsOf(kms, keyArn), lastUsage: await lastUsageOf(kms, keyArn) };
}

async function grantsOf(kms: KMSClient, keyArn: string): Promise<KeyGrant[]> {
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
    grantee: grant.GranteePrincipal,
    operations: grant.Operations ?? [],
    createdAt: grant.CreationDate,
  };
}

async function lastUsageOf(kms: KMSClient, keyArn: string): Promise<LastUsage | undefined> {
  try {
    const command = new GetKeyLastUsageCommand({ KeyId: keyArn });
    const answer = await called('kms:GetKeyLastUsage', keyArn, () => kms.send(command));
    const { Timestamp: at, Operation: operation } = answer.KeyLastUsage ?? {};
    return { at, operation, trackedSince: answer.TrackingStartDate };
  } catch (error) {
    const unknown = UNKNOWN_OPERATION.has(awsCodeOf(error) ?? '');
    if (unknown || isCode(error, 'aws-access-denied')) return undefined;
    throw error;
  }
}
