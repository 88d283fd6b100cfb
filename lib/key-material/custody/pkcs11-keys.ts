import { constants, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto';
import type { Handle, Mechanism } from 'pkcs11js';

import { KeyturnError } from '../../errors';
import { KEY_MATERIAL_BYTES } from '../secret';
import type { WrappingAlgorithm } from '../wrapping-key';
import { attempt, CK, findObjects, nameOf, type TokenSession } from './pkcs11-module';

/** Modulus bits of the public key that Keyturn requests from KMS. */
const WRAPPING_BITS = 4096;
const ALGORITHMS: readonly WrappingAlgorithm[] = ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'];

const OAEP = {
  RSAES_OAEP_SHA_256: { hashAlg: CK.CKM_SHA256, mgf: CK.CKG_MGF1_SHA256, name: 'sha256' },
  RSAES_OAEP_SHA_1: { hashAlg: CK.CKM_SHA_1, mgf: CK.CKG_MGF1_SHA1, name: 'sha1' },
} as const;

/** A key in the token. */
export interface TokenKey {
  readonly handle: Handle;
  /** CKA_ID in hex. */
  readonly id: string;
}

/** The secret keys of this label. */
export function keysOf(session: TokenSession, label: string): readonly TokenKey[] {
  const template = [
    { type: CK.CKA_CLASS, value: CK.CKO_SECRET_KEY },
    { type: CK.CKA_LABEL, value: label },
  ];
  return findObjects(session, template).map((handle) => ({
    handle,
    id: attribute(session, handle, CK.CKA_ID).toString('hex'),
  }));
}

/** What every key that holds material must be, and how a person is told that one is not. */
const REQUIRED = [
  [CK.CKA_LOCAL, 'the module did not generate it'],
  [CK.CKA_ALWAYS_SENSITIVE, 'it could once be read in clear'],
  [CK.CKA_SENSITIVE, 'it can be read in clear'],
] as const;

/**
 * Refuses a key under our label that cannot be material of ours: anybody with the PIN can make one, of bytes that he knows.
 *
 * @throws KeyturnError `hsm-key-foreign`
 */
export function refuseForeign(session: TokenSession, { handle }: TokenKey, file: string): void {
  const foreign = REQUIRED.find(([type]) => attribute(session, handle, type)[0] !== 1);
  if (foreign) throw new KeyturnError('hsm-key-foreign', { file, reason: foreign[1] });
  const length = Number(attribute(session, handle, CK.CKA_VALUE_LEN).readUIntLE(0, 4));
  const type = attribute(session, handle, CK.CKA_KEY_TYPE).readUIntLE(0, 4);
  if (type === CK.CKK_AES && length === KEY_MATERIAL_BYTES) return;
  throw new KeyturnError('hsm-key-foreign', { file, reason: `it is not an AES key of ${KEY_MATERIAL_BYTES} bytes` });
}

/**
 * Generates 32 random bytes in the token. Sensitive: they cannot be read in clear, not even with the PIN.
 * Extractable: in PKCS#11 this only allows wrapped export, which the import into KMS needs.
 *
 * @param keep - false: the key disappears with the session
 */
export function generateInside(session: TokenSession, label: string, id: Buffer, keep = true): TokenKey {
  const { library, token } = session;
  const no = (type: number) => ({ type, value: false });
  const yes = (type: number) => ({ type, value: true });
  const template = [
    { type: CK.CKA_CLASS, value: CK.CKO_SECRET_KEY },
    { type: CK.CKA_KEY_TYPE, value: CK.CKK_AES },
    { type: CK.CKA_VALUE_LEN, value: KEY_MATERIAL_BYTES },
    { type: CK.CKA_LABEL, value: label },
    { type: CK.CKA_ID, value: id },
    { type: CK.CKA_TOKEN, value: keep },
    ...[CK.CKA_PRIVATE, CK.CKA_SENSITIVE, CK.CKA_EXTRACTABLE].map(yes),
    ...[CK.CKA_ENCRYPT, CK.CKA_DECRYPT, CK.CKA_WRAP, CK.CKA_UNWRAP].map(no),
  ];
  const handle = attempt(token, 'generate key material', () =>
    library.C_GenerateKey(session.session, { mechanism: CK.CKM_AES_KEY_GEN }, template),
  );
  if (attribute(session, handle, CK.CKA_SENSITIVE)[0] === 1) return { handle, id: id.toString('hex') };
  destroy(session, handle);
  throw new KeyturnError('hsm-unsupported', { token, reason: 'it creates keys that can be read in clear' });
}

/** Only for a key that was never wrapped. */
export function destroy({ library, session, token }: TokenSession, handle: Handle): void {
  attempt(token, 'destroy a key', () => library.C_DestroyObject(session, handle));
}

/** Wraps a key of the token under a checked public key of KMS. */
export function wrapInside(
  session: TokenSession,
  key: Handle,
  publicKey: KeyObject,
  algorithm: WrappingAlgorithm,
): Buffer {
  const { library, token } = session;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? WRAPPING_BITS;
  const wrapper = publicObject(session, publicKey);
  return attempt(token, `wrap with ${algorithm}`, () =>
    library.C_WrapKey(session.session, oaep(algorithm), wrapper, key, Buffer.alloc(bits / 8)),
  );
}

/**
 * The wrapping algorithm that the token supports; the preferred one first. PKCS#11 lists mechanisms but not their
 * hashes, so each is tested with a session key, and the result is unwrapped again.
 *
 * @throws KeyturnError `hsm-unsupported` if the token lacks the mechanism, or every test fails
 */
export function negotiate(session: TokenSession): WrappingAlgorithm {
  const { token } = session;
  refuseWithoutMechanism(session);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const trial = generateInside(session, 'keyturn-trial', Buffer.from('trial'), false);
  const refused: string[] = [];
  try {
    for (const algorithm of ALGORITHMS) {
      const reason = tried(() =>
        unwrapsTo(wrapInside(session, trial.handle, publicKey, algorithm), privateKey, algorithm),
      );
      if (reason === undefined) return algorithm;
      refused.push(`${algorithm}: ${reason}`);
    }
  } finally {
    destroy(session, trial.handle);
  }
  throw new KeyturnError('hsm-unsupported', {
    token,
    reason: `it refused every wrapping that KMS supports (${refused.join('; ')})`,
  });
}

function refuseWithoutMechanism({ library, slot, token }: TokenSession): void {
  const offered = attempt(token, 'list its mechanisms', () => library.C_GetMechanismList(slot));
  const needed = [
    [CK.CKM_RSA_PKCS_OAEP, 'CKM_RSA_PKCS_OAEP for wrapping', CK.CKF_WRAP],
    [CK.CKM_AES_KEY_GEN, 'CKM_AES_KEY_GEN', CK.CKF_GENERATE],
  ] as const;
  for (const [mechanism, name, flag] of needed) {
    const there = offered.includes(mechanism);
    const info = there
      ? attempt(token, 'describe a mechanism', () => library.C_GetMechanismInfo(slot, mechanism))
      : undefined;
    if (!info || (info.flags & flag) === 0)
      throw new KeyturnError('hsm-unsupported', { token, reason: `it does not support ${name}` });
    if (mechanism === CK.CKM_RSA_PKCS_OAEP && info.maxKeySize < WRAPPING_BITS) {
      const reason = `it supports RSA keys of up to ${info.maxKeySize} bits, but the key of KMS has ${WRAPPING_BITS}`;
      throw new KeyturnError('hsm-unsupported', { token, reason });
    }
  }
}

function tried(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof KeyturnError && error.cause ? nameOf(error.cause) : nameOf(error);
  }
}

/** The test key has no other use, so reading it in clear here reveals nothing. */
function unwrapsTo(wrapped: Buffer, key: KeyObject, algorithm: WrappingAlgorithm): void {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const { length } = privateDecrypt({ key, padding, oaepHash: OAEP[algorithm].name }, wrapped);
  if (length !== KEY_MATERIAL_BYTES) throw new Error(`the result has ${length} bytes`);
}

function oaep(algorithm: WrappingAlgorithm): Mechanism {
  const { hashAlg, mgf } = OAEP[algorithm];
  const parameter = { type: CK.CK_PARAMS_RSA_OAEP, hashAlg, mgf, source: CK.CKZ_DATA_SPECIFIED };
  return { mechanism: CK.CKM_RSA_PKCS_OAEP, parameter };
}

/** A session object; it disappears with the session. */
function publicObject({ library, session, token }: TokenSession, publicKey: KeyObject): Handle {
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const template = [
    { type: CK.CKA_CLASS, value: CK.CKO_PUBLIC_KEY },
    { type: CK.CKA_KEY_TYPE, value: CK.CKK_RSA },
    { type: CK.CKA_TOKEN, value: false },
    { type: CK.CKA_PRIVATE, value: false },
    { type: CK.CKA_WRAP, value: true },
    { type: CK.CKA_MODULUS, value: Buffer.from(n, 'base64url') },
    { type: CK.CKA_PUBLIC_EXPONENT, value: Buffer.from(e, 'base64url') },
  ];
  return attempt(token, "load KMS's public key", () => library.C_CreateObject(session, template));
}

function attribute({ library, session, token }: TokenSession, handle: Handle, type: number): Buffer {
  const [found] = attempt(token, 'describe a key', () => library.C_GetAttributeValue(session, handle, [{ type }]));
  return Buffer.from(found?.value ?? '');
}
