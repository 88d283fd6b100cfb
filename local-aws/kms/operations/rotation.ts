import { randomBytes } from 'node:crypto';
import { KmsFault } from '../../message';
import type { Call } from '../call';
import { unsupported } from '../faults';
import * as members from '../members';
import { keyFor, operation, refuseManaged, seconds, usableKey } from '../operation';
import { page } from '../paging';
import { oneOf, required, structure } from '../shapes';
import { isReplica, type Key, primaryOf, replicasOf } from '../state/key';
import { type KeyMaterial, materialLength, newMaterial } from '../state/material';

/** On-demand rotations a key can have in its life. https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxRotations = 25;

/** Asynchronous, as on AWS: it is done once the clock has gone on by the rotation delay, which is none by default. */
const rotateKeyOnDemand = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = usableKey(call, 'RotateKeyOnDemand', KeyId);
  refuseManaged(key);
  if (isReplica(key))
    throw unsupported(`${key.arn} is a multi-Region replica key. Only its primary key can be rotated.`);
  if (key.rotation !== undefined) {
    throw new KmsFault('ConflictException', `A rotation of ${key.arn} is in progress.`);
  }
  if (key.materials.filter(({ rotatedAt }) => rotatedAt !== undefined).length >= maxRotations) {
    throw new KmsFault('LimitExceededException', `${key.arn} has used up its ${maxRotations} on-demand rotations.`);
  }
  if (key.origin === 'AWS_KMS')
    key.materials.push(newMaterial(key.id, randomBytes(materialLength), 'PENDING_ROTATION'));
  const next = key.materials.find(({ state }) => state === 'PENDING_ROTATION');
  const isEverywhere = next !== undefined && materialStateOf(key, next) === 'PENDING_ROTATION';
  if (next?.bytes === undefined || !isEverywhere) {
    throw new KmsFault(
      'KMSInvalidStateException',
      `No available key material pending rotation for the key: ${key.arn}`,
    );
  }
  const startedAt = call.store.now();
  key.rotation = { startedAt, doneAt: startedAt + call.rotationDelay() };
  return { KeyId: key.arn };
});

const listKeyRotations = operation(
  structure({
    KeyId: required(members.keyId),
    IncludeKeyMaterial: oneOf(['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY']),
    Limit: members.limit,
    Marker: members.marker,
  }),
  (call, { KeyId, IncludeKeyMaterial = 'ROTATIONS_ONLY', Limit = 100, Marker }) => {
    const key = keyFor(call, KeyId);
    call.store.stateOf(key);
    const all = key.materials.map((material, index) => ({ material, order: String(index).padStart(4, '0') }));
    const wanted = all.filter(
      ({ material }) => IncludeKeyMaterial === 'ALL_KEY_MATERIAL' || material.rotatedAt !== undefined,
    );
    const { items, end } = page(wanted, ({ order }) => order, Limit, Marker);
    return { Rotations: items.map(({ material }) => entry(key, material)), ...end };
  },
);

const getKeyRotationStatus = operation(structure({ KeyId: required(members.keyId) }), (call, { KeyId }) => {
  const key = usableKey(call, 'GetKeyRotationStatus', KeyId);
  return { KeyId: key.arn, KeyRotationEnabled: key.manager === 'AWS', ...progressOf(call, key) };
});

export const rotationOperations = {
  RotateKeyOnDemand: rotateKeyOnDemand,
  ListKeyRotations: listKeyRotations,
  GetKeyRotationStatus: getKeyRotationStatus,
};

function progressOf(call: Call, key: Key): object {
  call.store.stateOf(key);
  const { rotation } = primaryOf(key);
  return rotation === undefined ? {} : { OnDemandRotationStartDate: seconds(rotation.startedAt) };
}

function entry(key: Key, material: KeyMaterial): object {
  return {
    KeyId: key.id,
    KeyMaterialId: material.id,
    KeyMaterialState: materialStateOf(key, material),
    ...(material.rotatedAt !== undefined && { RotationDate: seconds(material.rotatedAt), RotationType: 'ON_DEMAND' }),
    ...(key.origin === 'EXTERNAL' && importOf(material)),
  };
}

/** As KMS names it: material that some of the related keys still lack cannot be rotated to. */
function materialStateOf(key: Key, { id, state }: KeyMaterial): string {
  if (state !== 'PENDING_ROTATION' || key.origin !== 'EXTERNAL') return state;
  const lacks = ({ materials }: Key) => materials.find((one) => one.id === id)?.bytes === undefined;
  return replicasOf(primaryOf(key)).some(lacks) ? 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION' : state;
}

function importOf({ bytes, validTo, description }: KeyMaterial): object {
  if (bytes === undefined) return { ImportState: 'PENDING_IMPORT', KeyMaterialDescription: description };
  return {
    ImportState: 'IMPORTED',
    KeyMaterialDescription: description,
    ExpirationModel: validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
    ...(validTo !== undefined && { ValidTo: seconds(validTo) }),
  };
}
