import { randomBytes } from 'node:crypto';
import type { Call } from '../call';
import { finishChecks, refuseEnclave, sharedMembers } from '../crypto-checks';
import { validation } from '../faults';
import * as members from '../members';
import { operation, usableKey } from '../operation';
import { encryptUnder, noteUse, type Opening, type Sealing } from '../sealing';
import { integer, oneOf, required, type Shape, stringMap, structure } from '../shapes';

const dataKeyMembers = {
  KeyId: required(members.keyId),
  EncryptionContext: stringMap,
  NumberOfBytes: integer({ min: 1, max: 1024 }),
  KeySpec: oneOf(['AES_256', 'AES_128']),
  ...sharedMembers,
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

export const dataKeyOperations = {
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
  const asked = { ...call, encryptionContext: input.EncryptionContext };
  const key = usableKey(asked, name, input.KeyId, 'key-or-alias');
  finishChecks(call, input);
  const plaintext = randomBytes(input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32));
  const sealed = encryptUnder(key, plaintext, input.EncryptionContext ?? {});
  noteUse(call, key, name);
  return { ...sealed, plaintext };
}
