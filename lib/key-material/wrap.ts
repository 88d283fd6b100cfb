import { constants, createHash, publicEncrypt } from 'node:crypto';

import type { KeyMaterial } from './secret';
import { checkWrappingKey, type WrappingAlgorithm, type WrappingKeySpec } from './wrapping-key';

/** KMS's parameters of one import; `importParameters` of `lib/kms` returns them. */
export interface WrappingParameters {
  /** ARN of the key that the public key and the token are for. */
  readonly keyArn: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly importToken: Uint8Array;
  /** KMS rejects public key and token after this. */
  readonly validTo: Date;
  readonly algorithm: WrappingAlgorithm;
  readonly spec: WrappingKeySpec;
}

/** Material that only KMS can decrypt. */
export interface WrappedMaterial {
  readonly ciphertext: Buffer;
  readonly algorithm: WrappingAlgorithm;
  readonly wrappingKeySpec: WrappingKeySpec;
  /** Lower-case hex. */
  readonly publicKeySha256: string;
  /** Lower-case hex SHA-256 of `ciphertext`. */
  readonly wrappedSha256: string;
}

/** Hash of OAEP and of its MGF1: KMS requires the same for both, and no label. */
const OAEP_HASH: Readonly<Record<WrappingAlgorithm, string>> = {
  RSAES_OAEP_SHA_256: 'sha256',
  RSAES_OAEP_SHA_1: 'sha1',
};

/**
 * Checks KMS's public key and encrypts the material under it. The caller still owns the material.
 *
 * @throws KeyturnError `wrapping-key-rejected`, `key-material-disposed`
 */
export function wrapKeyMaterial(material: KeyMaterial, parameters: WrappingParameters): WrappedMaterial {
  const { algorithm, spec } = parameters;
  const wrappingKey = checkWrappingKey(parameters.keyArn, parameters.publicKey, spec);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const ciphertext = material.withBytes('wrapping', (bytes) =>
    publicEncrypt({ key: wrappingKey.key, padding, oaepHash: OAEP_HASH[algorithm] }, bytes),
  );
  return {
    ciphertext,
    algorithm,
    wrappingKeySpec: spec,
    publicKeySha256: wrappingKey.sha256,
    wrappedSha256: sha256Hex(ciphertext),
  };
}

/** Lower-case hex SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
