import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type forge from 'node-forge';

import { KeyturnError } from '../errors';

export type WrappingAlgorithm = 'RSAES_OAEP_SHA_256' | 'RSAES_OAEP_SHA_1';
export type WrappingKeySpec = 'RSA_4096' | 'RSA_3072' | 'RSA_2048';

const MODULUS_BITS: Readonly<Record<WrappingKeySpec, number>> = { RSA_4096: 4096, RSA_3072: 3072, RSA_2048: 2048 };
/** The public exponent of all observed KMS wrapping keys; 1 or 3 would break the wrapping. */
const EXPONENT = 65537;

/** A checked public key for wrapping. */
export interface WrappingKey {
  readonly key: KeyObject;
  readonly spec: WrappingKeySpec;
  /** Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo, which two people can compare by phone. */
  readonly sha256: string;
}

/**
 * Checks KMS's public key before anything is wrapped under it: SubjectPublicKeyInfo in DER without trailing bytes,
 * RSA, the requested modulus length, exponent 65537. node-forge and node:crypto parse it, and both must agree.
 *
 * @throws KeyturnError `wrapping-key-rejected`
 */
export function checkWrappingKey(keyArn: string, publicKey: Uint8Array, spec: WrappingKeySpec): WrappingKey {
  // Loaded here, because every command that reads a rotation file would load it, and few import material.
  const { asn1, jsbn, pki, util } = require('node-forge') as typeof forge;
  const refuse = (reason: string, cause?: unknown) =>
    new KeyturnError('wrapping-key-rejected', { keyArn, reason }, cause);
  const der = Buffer.from(publicKey);
  let parsed: forge.pki.rsa.PublicKey;
  let key: KeyObject;
  try {
    parsed = pki.publicKeyFromAsn1(asn1.fromDer(util.createBuffer(der.toString('binary')))) as forge.pki.rsa.PublicKey;
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch (error) {
    throw refuse('it is not an RSA public key in DER SubjectPublicKeyInfo', error);
  }
  const bits = parsed.n.bitLength();
  if (bits !== MODULUS_BITS[spec]) throw refuse(`its modulus has ${bits} bits, but ${spec} was requested`);
  if (!parsed.n.testBit(0)) throw refuse('its modulus is even');
  if (parsed.e.compareTo(new jsbn.BigInteger(String(EXPONENT))) !== 0) {
    throw refuse(`its public exponent is ${parsed.e.toString()}, not ${EXPONENT}`);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType !== 'rsa' || asymmetricKeyDetails?.modulusLength !== bits) {
    throw refuse('two parsers read it differently');
  }
  if (!key.export({ format: 'der', type: 'spki' }).equals(der)) throw refuse('its DER encoding is not canonical');
  return { key, spec, sha256: createHash('sha256').update(der).digest('hex') };
}
