import { randomBytes, randomUUID } from 'node:crypto';
import type { EncryptionContext } from '../../message';
import { KmsFault } from '../../message';
import { ciphertextKeyUnknown, invalidCiphertext, unsupported, validation } from '../faults';
import { checkState, type StatefulOperation } from '../key-states';
import * as members from '../members';
import { authorize, type Call, keyFor, operation, usableKey } from '../operation';
import { integer, list, oneOf, required, type Shape, stringMap, structure } from '../shapes';
import { open, parseCiphertext, type Sealed, seal } from '../state/ciphertext';
import { currentMaterial, type Key } from '../state/key';
import type { KeyMaterial } from '../state/material';
import { checkGrantTokens } from './grants';

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
  const key = keyOf(call, sealed, keyId, action);
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
  const key = call.store.byId(sealed.keyId);
  if (key === undefined) throw ciphertextKeyUnknown();
  authorize(call, key.arn, action);
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

const shared = { GrantTokens: members.grantTokens, DryRun: members.dryRun };

const encrypt = operation(
  structure({
    KeyId: required(members.keyId),
    Plaintext: required(members.plaintext),
    EncryptionContext: stringMap,
    EncryptionAlgorithm: members.encryptionAlgorithm,
    ...shared,
  }),
  (call, input) => {
    const key = usableKey(call, 'Encrypt', input.KeyId, 'key-or-alias');
    requireSymmetric(input.EncryptionAlgorithm);
    finishChecks(call, input);
    const { ciphertext } = encryptUnder(key, input.Plaintext, input.EncryptionContext ?? {});
    noteUse(call, key, 'Encrypt');
    return {
      CiphertextBlob: ciphertext.toString('base64'),
      KeyId: key.arn,
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    };
  },
);

const dryRunModifiers = list(oneOf(['IGNORE_CIPHERTEXT']));

const decrypt = operation(
  structure({
    CiphertextBlob: members.ciphertext,
    EncryptionContext: stringMap,
    KeyId: members.keyId,
    EncryptionAlgorithm: members.encryptionAlgorithm,
    Recipient: members.recipient,
    DryRunModifiers: dryRunModifiers,
    ...shared,
  }),
  (call, input) => {
    refuseEnclave(input.Recipient);
    refuseModifiers(input.DryRunModifiers);
    requireSymmetric(input.EncryptionAlgorithm);
    const blob = requireBlob(input.CiphertextBlob);
    const { key, material, plaintext } = decryptWith(call, 'Decrypt', blob, input.EncryptionContext ?? {}, {
      keyId: input.KeyId,
    });
    finishChecks(call, input);
    noteUse(call, key, 'Decrypt');
    return {
      KeyId: key.arn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: material.id,
    };
  },
);

const reEncrypt = operation(
  structure({
    CiphertextBlob: members.ciphertext,
    SourceEncryptionContext: stringMap,
    SourceKeyId: members.keyId,
    DestinationKeyId: required(members.keyId),
    DestinationEncryptionContext: stringMap,
    SourceEncryptionAlgorithm: members.encryptionAlgorithm,
    DestinationEncryptionAlgorithm: members.encryptionAlgorithm,
    DryRunModifiers: dryRunModifiers,
    ...shared,
  }),
  (call, input) => {
    refuseModifiers(input.DryRunModifiers);
    requireSymmetric(input.SourceEncryptionAlgorithm);
    requireSymmetric(input.DestinationEncryptionAlgorithm);
    const blob = requireBlob(input.CiphertextBlob);
    const source = decryptWith(call, 'ReEncrypt', blob, input.SourceEncryptionContext ?? {}, {
      keyId: input.SourceKeyId,
      action: 'ReEncryptFrom',
    });
    const target = usableKey(call, 'ReEncrypt', input.DestinationKeyId, 'key-or-alias', 'ReEncryptTo');
    finishChecks(call, input);
    const sealed = encryptUnder(target, source.plaintext, input.DestinationEncryptionContext ?? {});
    noteUse(call, source.key, 'ReEncrypt');
    noteUse(call, target, 'ReEncrypt');
    return {
      CiphertextBlob: sealed.ciphertext.toString('base64'),
      SourceKeyId: source.key.arn,
      KeyId: target.arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: source.material.id,
      DestinationKeyMaterialId: sealed.material.id,
    };
  },
);

const dataKeyMembers = {
  KeyId: required(members.keyId),
  EncryptionContext: stringMap,
  NumberOfBytes: integer({ min: 1, max: 1024 }),
  KeySpec: oneOf(['AES_256', 'AES_128']),
  ...shared,
};
type DataKeyInput = typeof dataKeyInput extends Shape<infer T> ? T : never;
const dataKeyInput = structure(dataKeyMembers);

const generateDataKey = operation(structure({ ...dataKeyMembers, Recipient: members.recipient }), (call, input) => {
  refuseEnclave(input.Recipient);
  const { key, material, ciphertext, plaintext } = makeDataKey(call, 'GenerateDataKey', input);
  return {
    CiphertextBlob: ciphertext.toString('base64'),
    Plaintext: plaintext.toString('base64'),
    KeyId: key.arn,
    KeyMaterialId: material.id,
  };
});

const generateDataKeyWithoutPlaintext = operation(dataKeyInput, (call, input) => {
  const { key, material, ciphertext } = makeDataKey(call, 'GenerateDataKeyWithoutPlaintext', input);
  return { CiphertextBlob: ciphertext.toString('base64'), KeyId: key.arn, KeyMaterialId: material.id };
});

export const cryptoOperations = {
  Encrypt: encrypt,
  Decrypt: decrypt,
  ReEncrypt: reEncrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
};

function makeDataKey(
  call: Call,
  name: 'GenerateDataKey' | 'GenerateDataKeyWithoutPlaintext',
  input: DataKeyInput,
): Sealing & Opening {
  if ((input.NumberOfBytes === undefined) === (input.KeySpec === undefined)) {
    throw validation('Please specify either number of bytes or key spec.');
  }
  const key = usableKey(call, name, input.KeyId, 'key-or-alias');
  finishChecks(call, input);
  const plaintext = randomBytes(input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32));
  const sealed = encryptUnder(key, plaintext, input.EncryptionContext ?? {});
  noteUse(call, key, name);
  return { ...sealed, plaintext };
}

interface SharedInput {
  readonly GrantTokens?: readonly string[];
  readonly DryRun?: boolean;
}

/** The last checks of a cryptographic operation; a dry run ends here. */
function finishChecks(call: Call, { GrantTokens = [], DryRun = false }: SharedInput): void {
  checkGrantTokens(call, GrantTokens);
  if (DryRun) {
    throw new KmsFault(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
      412,
    );
  }
}

function requireSymmetric(algorithm: string | undefined): void {
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT') {
    throw new KmsFault(
      'InvalidKeyUsageException',
      `Algorithm ${algorithm} and key spec SYMMETRIC_DEFAULT are incompatible.`,
    );
  }
}

function requireBlob(blob: Buffer | undefined): Buffer {
  if (blob !== undefined) return blob;
  throw validation(
    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
  );
}

function refuseEnclave(recipient: object | undefined): void {
  if (recipient !== undefined)
    throw unsupported('Recipient is not supported by this endpoint: it attests no enclaves.');
}

function refuseModifiers(modifiers: readonly string[] | undefined): void {
  if (modifiers !== undefined && modifiers.length > 0)
    throw unsupported('DryRunModifiers are not supported by this endpoint.');
}
