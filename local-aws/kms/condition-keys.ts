import type { AccessConditions } from '../need';
import type { Call } from './call';
import { keySpecOf, keyUsageOf } from './key-usage';
import { accountOf, isReplica, type Key } from './state/key';

/**
 * The values of KMS's condition keys for a call, and the policy of the key it uses.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
export function conditionsOf(call: Call, key: Key | undefined): AccessConditions {
  const { caller, store, via, encryptionContext = {} } = call;
  const pairs = Object.entries(encryptionContext);
  const context = {
    'aws:RequestedRegion': store.region,
    ...(caller.service === undefined && { 'kms:CallerAccount': caller.accountId }),
    'aws:ViaAWSService': String(via !== undefined),
    ...(via !== undefined && { 'kms:ViaService': `${via}.${store.region}.amazonaws.com` }),
    ...(pairs.length > 0 && { 'kms:EncryptionContextKeys': pairs.map(([name]) => name) }),
    ...Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
  };
  if (key === undefined) return { context };
  return {
    context: { ...context, ...factsOf(call, key) },
    resourcePolicy: { text: key.policy, decides: 'alone' },
  };
}

const DAY = 86_400_000;

function factsOf({ store, stores }: Call, key: Key): Readonly<Record<string, string | readonly string[]>> {
  const own = stores.of(store.region, accountOf(key));
  const aliases = [...own.aliases.values()].filter(({ targetKeyId }) => targetKeyId === key.id);
  return {
    'kms:KeyOrigin': key.origin,
    'kms:KeySpec': keySpecOf(key),
    'kms:KeyUsage': keyUsageOf(key),
    'kms:MultiRegion': String(key.family !== undefined),
    ...(key.family !== undefined && { 'kms:MultiRegionKeyType': isReplica(key) ? 'REPLICA' : 'PRIMARY' }),
    'kms:TrailingDaysWithoutKeyUsage': String(
      Math.floor((store.now() - (key.lastUsage?.timestamp ?? key.createdAt)) / DAY),
    ),
    ...(aliases.length > 0 && { 'kms:ResourceAliases': aliases.map(({ name }) => name) }),
    ...Object.fromEntries(Array.from(key.tags, ([name, value]) => [`aws:ResourceTag/${name}`, value])),
  };
}
