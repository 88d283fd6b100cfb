import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/**
 * The payload of an age file that holds one key material. The library writes the header (recipients, file key, MAC).
 * Its stream layer copies plaintext into buffers that nobody can zero, so this file encrypts the one chunk of 32
 * bytes.
 *
 * @see https://age-encryption.org/v1, sections "Payload" and "Header"
 */
const NONCE_BYTES = 16;
const TAG_BYTES = 16;
/** Counter 0 and the flag of the last chunk: a file of 32 bytes is one chunk. */
const CHUNK_NONCE = Buffer.from('000000000000000000000001', 'hex');
const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES };

/** nonce ‖ ciphertext ‖ tag. */
export function sealPayload(fileKey: Uint8Array, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const key = payloadKey(fileKey, nonce);
  try {
    const cipher = createCipheriv(CIPHER, key, CHUNK_NONCE, OPTIONS);
    const body = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([nonce, body, cipher.getAuthTag()]);
  } finally {
    key.fill(0);
  }
}

/**
 * Decrypts into one buffer; the caller must zero it.
 *
 * @throws Error if the tag does not match; decrypted bytes are zeroed first
 */
export function openPayload(fileKey: Uint8Array, payload: Uint8Array): Buffer {
  const key = payloadKey(fileKey, payload.subarray(0, NONCE_BYTES));
  const body = payload.subarray(NONCE_BYTES, payload.length - TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, CHUNK_NONCE, OPTIONS);
  decipher.setAuthTag(payload.subarray(payload.length - TAG_BYTES));
  const plaintext = decipher.update(body);
  try {
    decipher.final();
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  } finally {
    key.fill(0);
  }
}

/** Bytes of key material that a payload of this size holds. */
export function plaintextLength(payload: Uint8Array): number {
  return payload.length - NONCE_BYTES - TAG_BYTES;
}

/** First line of every age file. */
const VERSION_LINE = Buffer.from('age-encryption.org/v1\n');
/** Bytes of the material that a copy holds. */
const MATERIAL_BYTES = 32;

/** Why a file cannot be a copy of key material, as far as that is seen without an identity; undefined where it may be one. */
export function copyFault(file: Uint8Array): string | undefined {
  if (file.length === 0) return 'it is empty';
  const end = headerEnd(file);
  if (end === undefined || VERSION_LINE.compare(file, 0, VERSION_LINE.length) !== 0) return 'it is no age file';
  const length = plaintextLength(file.subarray(end));
  return length === MATERIAL_BYTES
    ? undefined
    : `it is sealed over ${Math.max(length, 0)} bytes, not ${MATERIAL_BYTES}`;
}

/** Index of the first byte after the header, which ends with the line `--- <MAC>`; undefined without such a line. */
export function headerEnd(file: Uint8Array): number | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const last = bytes.indexOf('\n--- ');
  const end = last < 0 ? -1 : bytes.indexOf('\n', last + 1);
  return end < 0 ? undefined : end + 1;
}

/**
 * HKDF-SHA-256 of one block, by HMAC: `hkdfSync` keeps the file key in a key object of its own until that is collected, and an HMAC
 * frees what it read as soon as it is digested.
 */
function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  const extracted = createHmac('sha256', nonce).update(fileKey).digest();
  try {
    return createHmac('sha256', extracted).update('payload').update(Buffer.of(1)).digest();
  } finally {
    extracted.fill(0);
  }
}
