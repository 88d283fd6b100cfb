import { type KMSClient, paginateListAliases } from '@aws-sdk/client-kms';

import { called } from '../aws/failures';
import { isCode } from '../errors';

/** When an alias was created and last moved, by the clock of KMS. */
export interface AliasMoves {
  readonly createdAt: Date;
  /** Equal to `createdAt` if the alias never moved. */
  readonly movedAt: Date;
}

/**
 * When an alias of this key was last moved; undefined if the key has no such alias, KMS gives no dates, or the identity may not list
 * aliases.
 *
 * @param alias - `alias/…`
 * @throws KeyturnError as `called`, except for a denied call
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_AliasListEntry.html
 */
export async function aliasMoves(kms: KMSClient, alias: string, keyArn: string): Promise<AliasMoves | undefined> {
  try {
    return await called('kms:ListAliases', keyArn, async () => {
      for await (const { Aliases = [] } of paginateListAliases({ client: kms }, { KeyId: keyArn })) {
        const found = Aliases.find(({ AliasName }) => AliasName === alias);
        const { CreationDate: createdAt, LastUpdatedDate: movedAt } = found ?? {};
        if (createdAt && movedAt) return { createdAt, movedAt };
      }
      return undefined;
    });
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return undefined;
    throw error;
  }
}
