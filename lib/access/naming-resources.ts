import type { Answered } from '../aws/answered';
import { readKeyMarks } from '../kms/key-marks';
import { inventoryKeys, type NamedKey, replicationKeys } from '../s3/named-keys';
import { otherDefaults } from '../s3/other-defaults';
import type { Looked } from './looked';
import type { AccessRun } from './old-key-uses';

/** Settings of buckets that name the old key, and go on naming it after the switch. */
export async function namingResources(
  { clients, rotation, identity, signal }: AccessRun,
  buckets: readonly string[],
  keyArn: string,
  looked: Looked,
): Promise<readonly NamedKey[]> {
  const { account } = identity;
  const found: NamedKey[] = [];
  const take = (what: string, answer: Answered<readonly NamedKey[]>): void => {
    if (answer.known === undefined) looked.unread.push(`${what}: ${'unknown' in answer ? answer.unknown : ''}`);
    else looked.asked.push(what);
    found.push(...(answer.known ?? []));
  };
  for (const bucket of buckets) {
    take(`replication of bucket ${bucket}`, await replicationKeys(clients.s3, bucket, account));
    take(`inventories of bucket ${bucket}`, await inventoryKeys(clients.s3, bucket, account));
  }
  const { region } = rotation;
  const others = await otherDefaults(clients.s3, { region, account, except: buckets, also: [], signal });
  const what = 'default keys of the other buckets of the account';
  if (others.denied.length === 0) looked.asked.push(what);
  for (const { action, bucket } of others.denied)
    looked.unread.push(`${what}: ${action} is denied${bucket === undefined ? '' : ` for ${bucket}`}`);
  found.push(...others.defaults.map(({ bucket, keyId }) => ({ bucket, setting: 'default encryption', keyId })));
  const { aliases } = await readKeyMarks(clients.kms, keyArn);
  // The switch moves the main alias.
  const staying = (aliases ?? []).filter((alias) => alias !== rotation.alias);
  if (aliases === undefined)
    for (const { bucket, setting, keyId } of found.filter((one) => isAlias(one.keyId)))
      looked.unread.push(`${setting} of bucket ${bucket}: which key ${keyId} is, for kms:ListAliases is denied`);
  return found.filter(({ keyId }) => isNamed(keyId, keyArn, staying));
}

const isAlias = (keyId: string): boolean => /(?:^|:)alias\//.test(keyId);

/** A key is named by its ARN, its id, or an alias that stays with it. */
function isNamed(keyId: string, keyArn: string, aliases: readonly string[]): boolean {
  if (keyId === keyArn || keyId === keyArn.split('/').at(-1)) return true;
  return aliases.some((alias) => keyId === alias || keyId.endsWith(`:${alias}`));
}
