import { type KMSClient, paginateListAliases, paginateListResourceTags } from '@aws-sdk/client-kms';
import { answered } from '../aws/answered';
import { called } from '../aws/failures';

/** What policies can tell a key by. */
export interface KeyMarks {
  readonly arn: string;
  /** Undefined: they could not be read. */
  readonly tags: readonly { readonly key: string; readonly value: string }[] | undefined;
  /** `alias/photos`; undefined: they could not be read. */
  readonly aliases: readonly string[] | undefined;
}

/** The tags and aliases of a key. @throws KeyturnError as `called`, but not for a denied or an unknown operation */
export async function readKeyMarks(kms: KMSClient, arn: string): Promise<KeyMarks> {
  const tags = await answered('kms:ListResourceTags', () => tagsOf(kms, arn));
  const aliases = await answered('kms:ListAliases', () => aliasesOf(kms, arn));
  return { arn, tags: tags.known, aliases: aliases.known };
}

async function tagsOf(kms: KMSClient, arn: string) {
  const found: { readonly key: string; readonly value: string }[] = [];
  await called('kms:ListResourceTags', arn, async () => {
    for await (const { Tags = [] } of paginateListResourceTags({ client: kms }, { KeyId: arn }))
      found.push(...Tags.map(({ TagKey: key = '', TagValue: value = '' }) => ({ key, value })));
  });
  return found;
}

async function aliasesOf(kms: KMSClient, arn: string): Promise<readonly string[]> {
  const found: string[] = [];
  await called('kms:ListAliases', '*', async () => {
    for await (const { Aliases = [] } of paginateListAliases({ client: kms }, { KeyId: arn }))
      found.push(...Aliases.map(({ AliasName = '' }) => AliasName));
  });
  return found;
}
