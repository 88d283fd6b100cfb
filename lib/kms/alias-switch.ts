import { type KMSClient, ListAliasesCommand, type ListAliasesCommandOutput } from '@aws-sdk/client-kms';

import { called } from '../aws/failures';

/**
 * When an alias was last moved to the key that it points at now; undefined where it does not point at that key.
 *
 * Two moves to the same key have two times: that tells a switch from one that was rolled back and made again.
 *
 * @param keyArn - full ARN of the key that the alias should point at
 * @throws KeyturnError as {@link called}: kms:ListAliases
 */
export async function aliasSwitchedAt(kms: KMSClient, alias: string, keyArn: string): Promise<Date | undefined> {
  let Marker: string | undefined;
  do {
    const command = new ListAliasesCommand({ KeyId: keyArn, Marker });
    const page: ListAliasesCommandOutput = await called('kms:ListAliases', keyArn, () => kms.send(command));
    const found = page.Aliases?.find(({ AliasName }) => AliasName === alias);
    if (found) return found.LastUpdatedDate ?? found.CreationDate;
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
  return undefined;
}
