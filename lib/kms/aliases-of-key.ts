import { type KMSClient, paginateListAliases } from '@aws-sdk/client-kms';
import { called } from '../aws/failures';
import { type Answered, answered } from './other-users';

/**
 * The names of every alias of a key, sorted.
 *
 * @throws KeyturnError as `called`, but not for a denied or an unknown operation
 */
export function aliasesOfKey(kms: KMSClient, keyArn: string): Promise<Answered<readonly string[]>> {
  return answered('kms:ListAliases', () =>
    called('kms:ListAliases', keyArn, async () => {
      const names: string[] = [];
      for await (const { Aliases = [] } of paginateListAliases({ client: kms }, { KeyId: keyArn }))
        names.push(...Aliases.flatMap(({ AliasName }) => AliasName ?? []));
      return names.sort();
    }),
  );
}
