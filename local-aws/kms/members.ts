import { blob, boolean, integer, list, oneOf, string, structure } from './shapes';

/**
 * The members that KMS requests are made of, with the bounds of the API reference.
 * https://docs.aws.amazon.com/kms/latest/APIReference/
 */
export const keyId = string({ min: 1, max: 2048 });
export const aliasName = string({ min: 1, max: 256, pattern: /[a-zA-Z0-9:/_-]+/ });
export const description = string({ min: 0, max: 8192 });
export const policy = string({ min: 1, max: 131_072, pattern: /[\t\n\r -\u00FF]+/ });
export const policyName = string({ min: 1, max: 128, pattern: /[\w]+/ });
export const marker = string({ min: 1, max: 1024, pattern: /[\u0020-\u00FF]*/ });
export const limit = integer({ min: 1, max: 1000 });
export const plaintext = blob({ min: 1, max: 4096 });
/** No upper bound: KMS answers a malformed ciphertext of any length as one, and not as a violated constraint. */
export const ciphertext = blob({ min: 1 });
export const materialId = string({ min: 64, max: 64, pattern: /[a-f0-9]+/ });
export const principal = string({ min: 1, max: 256, pattern: /[\w+=,.@:/-]+/ });
export const grantTokens = list(string({ min: 1, max: 8192 }), { min: 0, max: 10 });
export const tag = structure({
  TagKey: { ...string({ min: 1, max: 128 }), required: true as const },
  TagValue: { ...string({ min: 0, max: 256 }), required: true as const },
});
export const encryptionAlgorithm = oneOf(['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']);
export const dryRun = boolean;
/** Attestation of an enclave. It is recognized so that it can be refused by name. */
export const recipient = structure({
  KeyEncryptionAlgorithm: oneOf(['RSAES_OAEP_SHA_256']),
  AttestationDocument: blob({ min: 1, max: 262_144 }),
});
