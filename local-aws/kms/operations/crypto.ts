import { finishChecks, refuseEnclave, requireSymmetric, sharedMembers } from '../crypto-checks';
import { unsupported, validation } from '../faults';
import * as members from '../members';
import { operation, usableKey } from '../operation';
import { decryptWith, encryptUnder, noteUse } from '../sealing';
import { list, oneOf, required, stringMap, structure } from '../shapes';

const encrypt = operation(
  structure({
    KeyId: required(members.keyId),
    Plaintext: required(members.plaintext),
    EncryptionContext: stringMap,
    EncryptionAlgorithm: members.encryptionAlgorithm,
    ...sharedMembers,
  }),
  (call, input) => {
    const asked = { ...call, encryptionContext: input.EncryptionContext };
    const key = usableKey(asked, 'Encrypt', input.KeyId, 'key-or-alias');
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
    ...sharedMembers,
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
      // Recorded from AWS; its API reference does not name it.
      KeyOrigin: key.origin,
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
    ...sharedMembers,
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
    const asked = { ...call, encryptionContext: input.DestinationEncryptionContext };
    const target = usableKey(asked, 'ReEncrypt', input.DestinationKeyId, 'key-or-alias', 'ReEncryptTo');
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

export const cryptoOperations = {
  Encrypt: encrypt,
  Decrypt: decrypt,
  ReEncrypt: reEncrypt,
};

function requireBlob(blob: Buffer | undefined): Buffer {
  if (blob !== undefined) return blob;
  throw validation(
    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
  );
}

function refuseModifiers(modifiers: readonly string[] | undefined): void {
  if (modifiers !== undefined && modifiers.length > 0)
    throw unsupported('DryRunModifiers are not supported by this endpoint.');
}
