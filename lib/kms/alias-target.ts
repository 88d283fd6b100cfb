import type { KMSClient } from '@aws-sdk/client-kms';

import { describeKey } from './describe-key';

/**
 * The ARN of the key that an alias points at; undefined if there is no such alias.
 *
 * It uses DescribeKey, because ListAliases needs another permission and pages through the whole account.
 *
 * @param alias - `alias/…`
 * @throws KeyturnError as {@link describeKey}
 */
export async function aliasTarget(kms: KMSClient, alias: string): Promise<string | undefined> {
  return (await describeKey(kms, alias))?.arn;
}
