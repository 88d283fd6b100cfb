import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

import { KeyturnError } from '../errors';

export type WrappingAlgorithm = 'RSAES_OAEP_SHA_256' | 'RSAES_OAEP_SHA_1';
export type WrappingKeySpec = 'RSA_4096' | 'RSA_3072' | 'RSA_2048';

const MODULUS_BITS: Readonly<Record<WrappingKeySpec, number>> = { RSA_4096: 4096, RSA_3072: 3072, RSA_2048: 2048 };
/** The public exponent that every KMS wrapping key has been seen with; 1 or 3 would undo the wrapping. */
const EXPONENT = 65537;

/** A public key that was checked and may be wrapped under. */
export interface WrappingKey {
  readonly key: KeyObject;
  readonly spec: WrappingKeySpec;
  /** Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo: what two people can compare by phone. */
  readonly sha256: string;
}

/**
 * Checks what KMS handed out before anything is wrapped under it: SubjectPublicKeyInfo in DER with nothing behind it,
 * RSA, the modulus that was asked for, exponent 65537. Parsed by node-forge, used by node:crypto, and both must agree.
 *
 * @throws KeyturnError `wrapping-key-rejected`
 */
export function checkWrappingKey(keyArn: string, publicKey: Uint8Array, spec: WrappingKeySpec): WrappingKey {
  const refuse = (reason: string, cause?: unknown) =>
    new KeyturnError('wrapping-key-rejected', { keyArn, reason }, cause);
  const der = Buffer.from(publicKey);
  let parsed: forge.pki.rsa.PublicKey;
  let key: KeyObject;
  try {
    parsed = forge.pki.publicKeyFromAsn1(
      forge.asn1.fromDer(forge.util.createBuffer(der.toString('binary'))),
    ) as forge.pki.rsa.PublicKey;
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch (error) {
    throw refuse('it is no RSA public key in DER SubjectPublicKeyInfo', error);
  }
  const bits = parsed.n.bitLength();
  if (bits !== MODULUS_BITS[spec]) throw refuse(`its modulus has ${bits} bits, ${spec} was asked for`);
  if (!parsed.n.testBit(0)) throw refuse('its modulus is even');
  if (parsed.e.compareTo(new forge.jsbn.BigInteger(String(EXPONENT))) !== 0) {
    throw refuse(`its public exponent is ${parsed.e.toString()}, not ${EXPONENT}`);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType !== 'rsa' || asymmetricKeyDetails?.modulusLength !== bits) {
    throw refuse('two parsers do not agree on it');
  }
  if (!key.export({ format: 'der', type: 'spki' }).equals(der)) throw refuse('its DER encoding is not canonical');
  return { key, spec, sha256: createHash('sha256').update(der).digest('hex') };
}
