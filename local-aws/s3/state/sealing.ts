import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { CiphertextBuffer, Space } from './ciphertext-buffer';

const SEGMENT = 256 * 1024;
const TAG = 16;
const IV = 12;
const KEY = 32;

/** One stored stretch of an object: a whole body, or a part of a multipart object. */
export interface SealedPart extends Space {
  /** Makes the nonces of this part differ from those of every other part under the same data key. */
  readonly serial: number;
  /** Plaintext bytes. */
  readonly size: number;
}

/**
 * AES-256-GCM in segments of 256 KiB, each with its own tag, so that a range is authenticated without opening the whole
 * body. The nonce is the part's serial and the segment's number: a data key belongs to one object or upload.
 */
export function sealPart(
  ciphertextBuffer: CiphertextBuffer,
  dataKey: Buffer,
  serial: number,
  plaintext: Buffer,
): SealedPart {
  const { slab, offset } = ciphertextBuffer.allocate(sealedSize(plaintext.length));
  const segments = Math.ceil(plaintext.length / SEGMENT);
  let at = offset;
  for (let segment = 0; segment < segments; segment += 1) {
    const cipher = createCipheriv('aes-256-gcm', dataKey, nonce(serial, segment));
    const sealed = cipher.update(plaintext.subarray(segment * SEGMENT, (segment + 1) * SEGMENT));
    cipher.final();
    at += sealed.copy(slab, at);
    at += cipher.getAuthTag().copy(slab, at);
  }
  return { serial, size: plaintext.length, slab, offset };
}

/** The ciphertext of a part with its tags. */
export function sealedBytes({ slab, offset, size }: SealedPart): Buffer {
  return slab.subarray(offset, offset + sealedSize(size));
}

function sealedSize(size: number): number {
  return size + Math.ceil(size / SEGMENT) * TAG;
}

/** Plaintext bytes `start` to `end` (exclusive) of a part. */
export function openPart(part: SealedPart, dataKey: Buffer, start: number, end: number): Buffer {
  if (end <= start) return Buffer.alloc(0);
  const sealed = sealedBytes(part);
  const pieces: Buffer[] = [];
  const last = Math.floor((end - 1) / SEGMENT);
  for (let segment = Math.floor(start / SEGMENT); segment <= last; segment += 1) {
    const from = segment * (SEGMENT + TAG);
    const until = Math.min(from + SEGMENT + TAG, sealed.length);
    const decipher = createDecipheriv('aes-256-gcm', dataKey, nonce(part.serial, segment));
    decipher.setAuthTag(sealed.subarray(until - TAG, until));
    const plain = decipher.update(sealed.subarray(from, until - TAG));
    decipher.final();
    const base = segment * SEGMENT;
    pieces.push(plain.subarray(Math.max(0, start - base), Math.min(plain.length, end - base)));
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

function nonce(serial: number, segment: number): Buffer {
  const iv = Buffer.alloc(IV);
  iv.writeUInt32BE(serial, 0);
  iv.writeUInt32BE(segment, 8);
  return iv;
}

/** Wraps a 32-byte key under another with AES-256-GCM and a random nonce. Latin-1 text, which the heap holds at one byte a character. */
export function wrapKey(wrapping: Buffer, key: Buffer): string {
  const iv = randomBytes(IV);
  const cipher = createCipheriv('aes-256-gcm', wrapping, iv);
  const sealed = cipher.update(key);
  cipher.final();
  return Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString('latin1');
}

/** The inverse of {@link wrapKey}. Throws when the wrapping key is another. */
export function unwrapKey(wrapping: Buffer, wrapped: string): Buffer {
  const bytes = Buffer.from(wrapped, 'latin1');
  const decipher = createDecipheriv('aes-256-gcm', wrapping, bytes.subarray(0, IV));
  decipher.setAuthTag(bytes.subarray(IV + KEY));
  const key = decipher.update(bytes.subarray(IV, IV + KEY));
  decipher.final();
  return key;
}
