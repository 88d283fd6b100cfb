import { type KMSClient, paginateListAliases } from '@aws-sdk/client-kms';

import { called } from '../aws/failures';

const ALIAS = 'alias/aws/s3';

/**
 * The ARN of the account's AWS managed key for S3; undefined: the account has none, so that no object can be under it.
 *
 * It lists aliases, because DescribeKey of a predefined alias creates the key: kms:ListAliases.
 *
 * @throws KeyturnError as {@link called}
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
 */
export function awsManagedS3Key(kms: KMSClient): Promise<string | undefined> {
  return called('kms:ListAliases', '*', async () => {
    for await (const { Aliases = [] } of paginateListAliases({ client: kms }, {})) {
      const found = Aliases.find(({ AliasName }) => AliasName === ALIAS);
      if (found) return found.TargetKeyId && found.AliasArn?.replace(`:${ALIAS}`, `:key/${found.TargetKeyId}`);
    }
    return undefined;
  });
}
