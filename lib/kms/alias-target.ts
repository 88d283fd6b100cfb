import type { KMSClient } from '@aws-sdk/client-kms';

import { describeKey } from './describe-key';

/**
 * The ARN of the key that an alias points at; undefined where there is no such alias.
 *
 * DescribeKey resolves the alias itself: ListAliases would need another permission and page through the whole account.
 *
 * @param alias - `alias/…`
 * @throws KeyturnError as {@link describeKey}
 */
export async function aliasTarget(kms: KMSClient, alias: string): Promise<string | undefined> {
  return (await describeKey(kms, alias))?.arn;
}
