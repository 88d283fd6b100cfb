import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { KmsFault } from '../../message';
import { finishChecks, sharedMembers } from '../crypto-checks';
import { unsupported } from '../faults';
import { keySpecOf, keyUsageOf, SIGNING_ALGORITHM } from '../key-usage';
import * as members from '../members';
import { operation, usableKey } from '../operation';
import { noteUse } from '../sealing';
import { blob, oneOf, required, structure } from '../shapes';
import type { Key } from '../state/key';

const signingAlgorithms = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  SIGNING_ALGORITHM,
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'SM2DSA',
  'ML_DSA_SHAKE_256',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
] as const;

const signedInput = {
  KeyId: required(members.keyId),
  Message: required(blob({ min: 1, max: 4096 })),
  MessageType: oneOf(['RAW', 'DIGEST', 'EXTERNAL_MU']),
  SigningAlgorithm: required(oneOf(signingAlgorithms)),
  ...sharedMembers,
};

const signMessage = operation(structure(signedInput), (call, input) => {
  const key = usableKey(call, 'Sign', input.KeyId, 'key-or-alias');
  const privateKey = signingKey(key, input.SigningAlgorithm, input.MessageType);
  finishChecks(call, input);
  const Signature = sign('sha256', input.Message, privateKey).toString('base64');
  noteUse(call, key, 'Sign');
  return { KeyId: key.arn, Signature, SigningAlgorithm: SIGNING_ALGORITHM };
});

const verifyInput = structure({ ...signedInput, Signature: required(blob({ min: 1, max: 6144 })) });

const verifyMessage = operation(verifyInput, (call, input) => {
  const key = usableKey(call, 'Verify', input.KeyId, 'key-or-alias');
  const privateKey = signingKey(key, input.SigningAlgorithm, input.MessageType);
  finishChecks(call, input);
  if (!verify('sha256', input.Message, createPublicKey(privateKey), input.Signature))
    throw new KmsFault('KMSInvalidSignatureException', '');
  noteUse(call, key, 'Verify');
  return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: SIGNING_ALGORITHM };
});

const getPublicKey = operation(
  structure({ KeyId: required(members.keyId), GrantTokens: members.grantTokens }),
  (call, { KeyId }) => {
    const key = usableKey(call, 'GetPublicKey', KeyId, 'key-or-alias');
    const privateKey = signingKey(key, SIGNING_ALGORITHM, undefined);
    return {
      KeyId: key.arn,
      PublicKey: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).toString('base64'),
      CustomerMasterKeySpec: keySpecOf(key),
      KeySpec: keySpecOf(key),
      KeyUsage: keyUsageOf(key),
      SigningAlgorithms: [SIGNING_ALGORITHM],
    };
  },
);

export const signingOperations = { Sign: signMessage, Verify: verifyMessage, GetPublicKey: getPublicKey };

function signingKey(key: Key, algorithm: string, messageType: string | undefined): KeyObject {
  if (key.signing === undefined) throw new Error(`${key.arn} does not sign`);
  if (algorithm !== SIGNING_ALGORITHM) {
    const message = `Algorithm ${algorithm} and key spec ${keySpecOf(key)} are incompatible.`;
    throw new KmsFault('InvalidKeyUsageException', message);
  }
  if (messageType !== undefined && messageType !== 'RAW')
    throw unsupported(`MessageType ${messageType} is not supported by this endpoint.`);
  return key.signing;
}
