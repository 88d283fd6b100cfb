import { KmsFault } from '../../message';
import type { Call } from '../call';
import { unsupported, validation } from '../faults';
import { keySpecOf, keyUsageOf, SIGNING_ALGORITHM } from '../key-usage';
import * as members from '../members';
import { authorize, keyFor, operation, refuseManaged, seconds, usableKey } from '../operation';
import { page } from '../paging';
import { checkPolicy, defaultPolicy } from '../policy';
import { refuseRecentlyUsed } from '../recent-use';
import { boolean, integer, list, oneOf, required, string, structure } from '../shapes';
import { accountOf, currentMaterial, earliestExpiry, isReplica, type Key, primaryOf, replicasOf } from '../state/key';
import { checkTags } from './tags';

const keySpecs = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
] as const;

const createKeyInput = structure({
  Policy: members.policy,
  Description: members.description,
  KeyUsage: oneOf(['SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT']),
  CustomerMasterKeySpec: oneOf(keySpecs),
  KeySpec: oneOf(keySpecs),
  Origin: oneOf(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']),
  CustomKeyStoreId: string({ min: 1, max: 64 }),
  BypassPolicyLockoutSafetyCheck: boolean,
  Tags: list(members.tag),
  MultiRegion: boolean,
  XksKeyId: string({ min: 1, max: 128 }),
});

const createKey = operation(createKeyInput, (call, input) => {
  const { Origin: origin = 'AWS_KMS', KeySpec, CustomerMasterKeySpec, KeyUsage = 'ENCRYPT_DECRYPT' } = input;
  const spec = KeySpec ?? CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
  const signs = spec === 'ECC_NIST_P256';
  if (!signs && spec !== 'SYMMETRIC_DEFAULT') throw unsupported(`KeySpec ${spec} is not supported by this endpoint.`);
  if (signs && input.KeyUsage === 'KEY_AGREEMENT')
    throw unsupported('KeyUsage KEY_AGREEMENT is not supported by this endpoint.');
  if (signs && input.KeyUsage === undefined)
    throw validation('You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.');
  if (KeyUsage !== (signs ? 'SIGN_VERIFY' : 'ENCRYPT_DECRYPT'))
    throw unsupported(`KeyUsage ${KeyUsage} is not compatible with KeySpec ${spec}.`);
  if (origin !== 'AWS_KMS' && (signs || origin !== 'EXTERNAL'))
    throw unsupported(`Origin ${origin} is not supported by this endpoint.`);
  if (input.MultiRegion === true && signs)
    throw unsupported('Multi-Region keys that sign are not supported by this endpoint.');
  if (input.CustomKeyStoreId !== undefined || input.XksKeyId !== undefined) {
    throw unsupported('Custom key stores are not supported by this endpoint.');
  }
  authorize(call, '*');
  if (input.Tags?.length) authorize(call, '*', 'TagResource');
  const { accountId } = call.store;
  const policy = input.Policy ?? defaultPolicy(accountId);
  checkPolicy(policy, call.caller, input.BypassPolicyLockoutSafetyCheck ?? false);
  const tags = checkTags(input.Tags ?? []);
  if (origin === 'EXTERNAL') call.wrappingKeys.prepare('RSA_4096');
  const key = call.store.add({
    origin,
    manager: 'CUSTOMER',
    description: input.Description ?? '',
    policy,
    tags,
    signs,
    multiRegion: input.MultiRegion === true,
  });
  return { KeyMetadata: metadata(call, key) };
});

const describeKey = operation(
  structure({ KeyId: required(members.keyId), GrantTokens: members.grantTokens }),
  (call, { KeyId }) => ({ KeyMetadata: metadata(call, keyFor(call, KeyId, 'key-or-alias')) }),
);

const listKeys = operation(
  structure({ Limit: members.limit, Marker: members.marker }),
  (call, { Limit = 100, Marker }) => {
    authorize(call, '*');
    const { items, end } = page(call.store.keys(), (key) => key.id, Limit, Marker);
    return { Keys: items.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), ...end };
  },
);

const updateKeyDescription = operation(
  structure({ KeyId: required(members.keyId), Description: required(members.description) }),
  (call, { KeyId, Description }) => {
    const key = usableKey(call, 'UpdateKeyDescription', KeyId);
    refuseManaged(key);
    key.description = Description;
    return {};
  },
);

const enableKey = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = usableKey(call, 'EnableKey', KeyId);
  refuseManaged(key);
  key.enabled = true;
  return {};
});

const disableKey = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = usableKey(call, 'DisableKey', KeyId);
  refuseManaged(key);
  refuseRecentlyUsed(call, key, 'DisableKey');
  key.enabled = false;
  return {};
});

const minWindow = 7;
const maxWindow = 30;
const day = 86_400_000;

const scheduleKeyDeletion = operation(
  structure({ KeyId: required(members.keyId), PendingWindowInDays: integer({ min: 1, max: 365 }) }),
  (call, { KeyId, PendingWindowInDays: window = maxWindow }) => {
    const key = usableKey(call, 'ScheduleKeyDeletion', KeyId);
    refuseManaged(key);
    refuseRecentlyUsed(call, key, 'ScheduleKeyDeletion');
    if (window < minWindow || window > maxWindow) {
      throw new KmsFault(
        'ValidationException',
        `PendingWindowInDays must be between ${minWindow} and ${maxWindow} days (inclusive)`,
      );
    }
    if (replicasOf(key).length > 0) {
      key.deletionWindow = window;
      return { KeyId: key.arn, KeyState: 'PendingReplicaDeletion', PendingWindowInDays: window };
    }
    key.deletionAt = call.store.now() + window * day;
    return {
      KeyId: key.arn,
      DeletionDate: seconds(key.deletionAt),
      KeyState: 'PendingDeletion',
      PendingWindowInDays: window,
    };
  },
);

const cancelKeyDeletion = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = usableKey(call, 'CancelKeyDeletion', KeyId);
  key.deletionAt = undefined;
  key.deletionWindow = undefined;
  key.enabled = false;
  return { KeyId: key.arn };
});

export const keyOperations = {
  CreateKey: createKey,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  UpdateKeyDescription: updateKeyDescription,
  EnableKey: enableKey,
  DisableKey: disableKey,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  CancelKeyDeletion: cancelKeyDeletion,
};

export function metadata({ store }: Pick<Call, 'store'>, key: Key): object {
  const state = store.stateOf(key);
  const expiry = earliestExpiry(key);
  const current = currentMaterial(key);
  return {
    AWSAccountId: accountOf(key),
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: seconds(key.createdAt),
    Enabled: state === 'Enabled',
    Description: key.description,
    KeyUsage: keyUsageOf(key),
    KeyState: state,
    Origin: key.origin,
    KeyManager: key.manager,
    CustomerMasterKeySpec: keySpecOf(key),
    KeySpec: keySpecOf(key),
    ...(key.signing ? { SigningAlgorithms: [SIGNING_ALGORITHM] } : { EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }),
    MultiRegion: key.family !== undefined,
    ...(key.family !== undefined && { MultiRegionConfiguration: configurationOf(key) }),
    ...(key.deletionWindow !== undefined && { PendingDeletionWindowInDays: key.deletionWindow }),
    ...(key.deletionAt !== undefined && { DeletionDate: seconds(key.deletionAt) }),
    ...(current !== undefined && !key.signing && { CurrentKeyMaterialId: current.id }),
    ...(key.origin === 'EXTERNAL' && current?.bytes !== undefined && expirationOf(expiry)),
  };
}

function configurationOf(key: Key): object {
  const primary = primaryOf(key);
  const place = ({ arn }: Key) => ({ Arn: arn, Region: regionOf(arn) });
  return {
    MultiRegionKeyType: isReplica(key) ? 'REPLICA' : 'PRIMARY',
    PrimaryKey: place(primary),
    ReplicaKeys: replicasOf(primary).map(place),
  };
}

const regionOf = (arn: string): string => arn.split(':')[3] ?? '';

function expirationOf(expiry: number | undefined): object {
  return expiry === undefined
    ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
    : { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: seconds(expiry) };
}
