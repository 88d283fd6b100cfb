import { randomUUID } from 'node:crypto';
import { type EncryptionContext, KmsFault } from '../message';
import type { Call } from './call';
import { ciphertextKeyUnknown, invalidCiphertext } from './faults';
import { checkState, type StatefulOperation } from './key-states';
import { authorize, keyFor } from './operation';
import { open, parseCiphertext, type Sealed, seal } from './state/ciphertext';
import { currentMaterial, type Key } from './state/key';
import type { KeyMaterial } from './state/material';

/** Bytes, and the key and material that made or opened them. */
export interface Sealing {
  readonly key: Key;
  readonly material: KeyMaterial;
  readonly ciphertext: Buffer;
}
export interface Opening {
  readonly key: Key;
  readonly material: KeyMaterial;
  readonly plaintext: Buffer;
}

/** Encrypts under the current material of a key that was found usable. */
export function encryptUnder(key: Key, plaintext: Buffer, context: EncryptionContext): Sealing {
  const material = currentMaterial(key);
  if (material === undefined) throw new Error(`${key.arn} is Enabled and has no material`);
  return { key, material, ciphertext: seal(key.id, material, plaintext, context) };
}

/**
 * Opens a ciphertext with the key it names, which must be in a state that `operationName` works in.
 * Throws `InvalidCiphertextException`, `IncorrectKeyException`, or that of the state.
 */
export function decryptWith(
  call: Call,
  operationName: StatefulOperation,
  ciphertext: Buffer,
  context: EncryptionContext,
  { keyId, action = operationName }: { readonly keyId?: string | undefined; readonly action?: string } = {},
): Opening {
  const sealed = parseCiphertext(ciphertext);
  const key = keyOf({ ...call, encryptionContext: context }, sealed, keyId, action);
  checkState(operationName, call.store.stateOf(key), key.arn);
  const material = key.materials.find(({ id }) => id === sealed.materialId);
  if (material === undefined) throw invalidCiphertext();
  return { key, material, plaintext: open(sealed, material, context) };
}

function keyOf(call: Call, sealed: Sealed, keyId: string | undefined, action: string): Key {
  const named = keyId === undefined ? undefined : keyFor(call, keyId, 'key-or-alias', action);
  if (named !== undefined && named.id !== sealed.keyId) {
    throw new KmsFault(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    );
  }
  const key = call.stores.byId(call.store.region, sealed.keyId);
  if (key === undefined) throw ciphertextKeyUnknown();
  authorize(call, key.arn, action, key);
  return key;
}

/** Notes the successful use for GetKeyLastUsage. */
export function noteUse(call: Call, key: Key, operationName: string): void {
  key.lastUsage = {
    operation: operationName,
    timestamp: call.store.now(),
    requestId: call.requestId,
    eventId: randomUUID(),
  };
}
