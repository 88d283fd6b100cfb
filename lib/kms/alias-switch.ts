import { type KMSClient, paginateListAliases } from '@aws-sdk/client-kms';
import { called } from '../aws/failures';
import { type Answered, answered } from './other-users';

/**
 * When an alias was last made to point at a key; `known: undefined` inside where KMS gives no time.
 *
 * @param alias - `alias/…`
 * @param keyArn - the key that it points at
 * @throws KeyturnError as `called`, but not where `kms:ListAliases` is denied
 */
export function aliasSwitchedAt(
  kms: KMSClient,
  alias: string,
  keyArn: string,
): Promise<Answered<{ readonly at: Date | undefined }>> {
  return answered('kms:ListAliases', () =>
    called('kms:ListAliases', keyArn, async () => {
      for await (const page of paginateListAliases({ client: kms }, { KeyId: keyArn })) {
        const found = page.Aliases?.find(({ AliasName }) => AliasName === alias);
        if (found) return { at: found.LastUpdatedDate };
      }
      return { at: undefined };
    }),
  );
}
