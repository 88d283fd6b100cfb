import { constants, privateDecrypt, randomUUID } from 'node:crypto';
import type { AwsBehavior } from '../../behavior';
import { KmsFault } from '../../message';
import type { Call } from '../call';
import { invalidCiphertext, unsupported, validation } from '../faults';
import * as members from '../members';
import { operation, seconds, usableKey } from '../operation';
import { oneOf, required, string, structure, timestamp } from '../shapes';
import { type ImportParameters, invalidToken, parametersLifetime, type WrappingAlgorithm } from '../state/import-token';
import { currentMaterial, deleteMaterial, isReplica, type Key, replicasOf } from '../state/key';
import { type KeyMaterial, keyMaterialId, materialLength, newMaterial } from '../state/material';

/** Material may be good for so long at most, in milliseconds from the request. */
const maxValidity = 365 * 86_400_000;

const getParametersForImport = operation(
  structure({
    KeyId: required(members.keyId),
    WrappingAlgorithm: required(
      oneOf([
        'RSAES_PKCS1_V1_5',
        'RSAES_OAEP_SHA_1',
        'RSAES_OAEP_SHA_256',
        'RSA_AES_KEY_WRAP_SHA_1',
        'RSA_AES_KEY_WRAP_SHA_256',
        'SM2PKE',
      ]),
    ),
    WrappingKeySpec: required(oneOf(['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2'])),
  }),
  async (call, { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: spec }) => {
    const key = usableKey(call, 'GetParametersForImport', KeyId);
    requireExternal(key);
    if (!isSupported(algorithm) || spec === 'SM2') {
      throw unsupported(
        `The wrapping algorithm ${algorithm} with ${spec} is not supported for a SYMMETRIC_DEFAULT key.`,
      );
    }
    call.throttle('GetParametersForImport');
    const pair = await call.wrappingKeys.take(spec);
    const pairId = randomUUID();
    call.handedOut.set(pairId, pair);
    const validTo = call.store.now() + parametersLifetime;
    const token = call.importTokens.issue({ keyId: key.id, spec, algorithm, pairId, validTo });
    return {
      KeyId: key.arn,
      ImportToken: token.toString('base64'),
      PublicKey: pair.publicKey.toString('base64'),
      ParametersValidTo: seconds(validTo),
    };
  },
);

const importInput = structure({
  KeyId: required(members.keyId),
  ImportToken: required(members.ciphertext),
  EncryptedKeyMaterial: required(members.ciphertext),
  ValidTo: timestamp,
  ExpirationModel: oneOf(['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE']),
  ImportType: oneOf(['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL']),
  KeyMaterialDescription: string({ min: 0, max: 256, pattern: /[a-zA-Z0-9:/_\s.-]+/ }),
  KeyMaterialId: members.materialId,
});

/** The order of the checks is KMS's: request, key, state, origin, token, material. */
const importKeyMaterial = operation(importInput, (call, input) => {
  const key = usableKey(call, 'ImportKeyMaterial', input.KeyId);
  requireExternal(key);
  const { behavior, store, handedOut } = call;
  const wasDisabled = store.stateOf(key) === 'Disabled';
  if (wasDisabled && behavior.importIntoDisabledKey === 'refused')
    throw new KmsFault('KMSInvalidStateException', `${key.arn} is disabled.`);
  const validTo = expiry(input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES', input.ValidTo, call.store.now());
  const importType = input.ImportType ?? (key.materials.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL');
  if (isReplica(key)) refuseNewOfReplica(key, importType, input.KeyMaterialDescription);
  if (importType === 'NEW_KEY_MATERIAL' && input.KeyMaterialId !== undefined) {
    throw validation('KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL');
  }
  const parameters = call.importTokens.redeem(input.ImportToken, key.id, store.now());
  if (!handedOut.has(parameters.pairId)) throw invalidToken();
  const bytes = unwrap(call, parameters, input.EncryptedKeyMaterial);
  const wasPending = call.store.stateOf(key) === 'PendingImport';
  const material = place(key, bytes, importType, input.KeyMaterialId);
  if (importType === 'EXISTING_KEY_MATERIAL' && material.state === 'PENDING_ROTATION') refuseWaiting(behavior);
  if (behavior.importTokenTwice === 'refused') handedOut.delete(parameters.pairId);
  material.bytes = bytes;
  material.validTo = validTo;
  material.description = input.KeyMaterialDescription ?? material.description;
  // Bringing the last missing material back makes the key Enabled, whatever it was before it lost it.
  if (wasPending || (wasDisabled && behavior.importIntoDisabledKey === 'enables')) key.enabled = true;
  return { KeyId: key.arn, KeyMaterialId: material.id };
});

const deleteImportedKeyMaterial = operation(
  structure({ KeyId: required(members.keyId), KeyMaterialId: members.materialId }),
  (call, { KeyId, KeyMaterialId }) => {
    const key = usableKey(call, 'DeleteImportedKeyMaterial', KeyId);
    requireExternal(key);
    const material =
      KeyMaterialId === undefined ? currentMaterial(key) : key.materials.find(({ id }) => id === KeyMaterialId);
    if (KeyMaterialId !== undefined && material === undefined) {
      throw new KmsFault('NotFoundException', `Key material ${KeyMaterialId} is not associated with ${key.arn}`);
    }
    if (material === undefined) return { KeyId: key.arn };
    deleteMaterial(material);
    if (material.state === 'PENDING_ROTATION' && !isReplica(key)) withdraw(key, material.id);
    return { KeyId: key.arn, KeyMaterialId: material.id };
  },
);

export const importOperations = {
  GetParametersForImport: getParametersForImport,
  ImportKeyMaterial: importKeyMaterial,
  DeleteImportedKeyMaterial: deleteImportedKeyMaterial,
};

function requireExternal(key: Key): void {
  if (key.origin !== 'EXTERNAL') {
    throw unsupported(`${key.arn} origin is ${key.origin} which is not valid for this operation.`);
  }
}

const isSupported = (algorithm: string): algorithm is WrappingAlgorithm =>
  algorithm === 'RSAES_OAEP_SHA_1' || algorithm === 'RSAES_OAEP_SHA_256';

function expiry(model: string, validTo: number | undefined, now: number): number | undefined {
  if (model === 'KEY_MATERIAL_DOES_NOT_EXPIRE') {
    if (validTo === undefined) return undefined;
    throw validation('A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE');
  }
  if (validTo === undefined)
    throw validation('A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES');
  if (validTo <= now) throw validation('The validTo date must be in the future');
  if (validTo > now + maxValidity) throw validation('The validTo date must be no more than 365 days in the future');
  return validTo;
}

function unwrap(call: Call, { pairId, algorithm }: ImportParameters, wrapped: Buffer): Buffer {
  const pair = call.handedOut.get(pairId);
  if (pair === undefined) throw new Error(`the key pair ${pairId} of a valid import token is gone`);
  const oaepHash = algorithm === 'RSAES_OAEP_SHA_256' ? 'sha256' : 'sha1';
  let bytes: Buffer;
  try {
    bytes = privateDecrypt({ key: pair.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, wrapped);
  } catch {
    throw invalidCiphertext();
  }
  if (bytes.length !== materialLength) throw incorrect(`Key material must be ${materialLength} bytes long.`);
  return bytes;
}

/** The material of the key that `bytes` are, entered if it is new. Throws `IncorrectKeyMaterialException`. */
function place(key: Key, bytes: Buffer, importType: string, expectedId: string | undefined): KeyMaterial {
  const id = keyMaterialId(key.id, bytes);
  const known = key.materials.find((material) => material.id === id);
  if (importType === 'EXISTING_KEY_MATERIAL') {
    if (known === undefined) throw incorrect('The key material is not the same as any that was imported before.');
    if (expectedId !== undefined && expectedId !== id)
      throw incorrect('The key material does not match KeyMaterialId.');
    return known;
  }
  if (known !== undefined) throw incorrect('The key material is already associated with this key.');
  const first = key.materials.length === 0;
  const waiting = key.materials.find((material) => material.state === 'PENDING_ROTATION');
  if (waiting !== undefined) {
    throw new KmsFault(
      'KMSInvalidStateException',
      `New key material (id: ${id}) cannot be imported into KMS key ${key.id}, because another key material (id: ${waiting.id}) is pending rotation.`,
    );
  }
  const material = newMaterial(key.id, bytes, first ? 'CURRENT' : 'PENDING_ROTATION');
  key.materials.push(material);
  for (const replica of replicasOf(key)) replica.materials.push({ ...material, bytes: undefined });
  return material;
}

/** Material that waits for a rotation is not associated for good; the replicas lose it with their primary. */
function withdraw(primary: Key, id: string): void {
  for (const { materials } of [primary, ...replicasOf(primary)]) {
    const at = materials.findIndex((material) => material.id === id);
    const [gone] = at < 0 ? [] : materials.splice(at, 1);
    if (gone !== undefined) deleteMaterial(gone);
  }
}

/** New material, and its description, come to a replica through its primary. AWS does not document with which exception it refuses. */
function refuseNewOfReplica(key: Key, importType: string, description: string | undefined): void {
  if (importType === 'NEW_KEY_MATERIAL')
    throw unsupported(`${key.arn} is a multi-Region replica key. Import new key material into its primary key first.`);
  if (description !== undefined)
    throw unsupported(`${key.arn} is a multi-Region replica key. Only its primary key takes a KeyMaterialDescription.`);
}

function refuseWaiting({ pendingMaterialAgain }: AwsBehavior): void {
  if (pendingMaterialAgain === 'refused')
    throw incorrect('The key material is pending rotation and cannot be imported as existing key material.');
}

const incorrect = (message: string): KmsFault => new KmsFault('IncorrectKeyMaterialException', message);
