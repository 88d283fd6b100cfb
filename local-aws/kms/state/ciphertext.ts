import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { EncryptionContext } from '../../message';
import { invalidCiphertext } from '../faults';
import { MULTI_REGION } from './key';
import type { KeyMaterial } from './material';

/** A ciphertext blob taken apart; it names its key and material, so that Decrypt needs no key ID. */
export interface Sealed {
  readonly keyId: string;
  readonly materialId: string;
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly bytes: Buffer;
  readonly header: Buffer;
}

/** The first byte tells the keys of one Region from multi-Region keys, whose IDs begin in another way. */
const [singleRegion, multiRegion] = [1, 2];
const [keyIdLength, materialIdLength, ivLength, tagLength] = [16, 32, 12, 16];
const headerLength = 1 + keyIdLength + materialIdLength;

/** Encrypts under the material with AES-256-GCM; header and encryption context are authenticated with it. */
export function seal(keyId: string, material: KeyMaterial, plaintext: Buffer, context: EncryptionContext): Buffer {
  if (material.bytes === undefined) throw new Error(`material ${material.id} is not there`);
  const header = Buffer.concat([
    Buffer.from([keyId.startsWith(MULTI_REGION) ? multiRegion : singleRegion]),
    Buffer.from(keyId.replace(MULTI_REGION, '').replaceAll('-', ''), 'hex'),
    Buffer.from(material.id, 'hex'),
  ]);
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv('aes-256-gcm', material.bytes, iv);
  cipher.setAAD(additionalData(header, context));
  const bytes = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, iv, cipher.getAuthTag(), bytes]);
}

/** Takes a blob apart. Throws `InvalidCiphertextException`. */
export function parseCiphertext(blob: Buffer): Sealed {
  const start = headerLength + ivLength + tagLength;
  const [kind] = blob;
  if (blob.length < start || (kind !== singleRegion && kind !== multiRegion)) throw invalidCiphertext();
  const id = blob.toString('hex', 1, 1 + keyIdLength);
  return {
    keyId:
      kind === multiRegion ? `${MULTI_REGION}${id}` : id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    materialId: blob.toString('hex', 1 + keyIdLength, headerLength),
    header: blob.subarray(0, headerLength),
    iv: blob.subarray(headerLength, headerLength + ivLength),
    tag: blob.subarray(headerLength + ivLength, start),
    bytes: blob.subarray(start),
  };
}

/** Opens a blob. Throws `InvalidCiphertextException` when a bit of it or of the context is not what was sealed. */
export function open(sealed: Sealed, material: KeyMaterial, context: EncryptionContext): Buffer {
  if (material.bytes === undefined) throw new Error(`material ${material.id} is not there`);
  const decipher = createDecipheriv('aes-256-gcm', material.bytes, sealed.iv);
  decipher.setAAD(additionalData(sealed.header, context));
  decipher.setAuthTag(sealed.tag);
  try {
    return Buffer.concat([decipher.update(sealed.bytes), decipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** The order of the pairs does not count, their bytes do: they are sorted, and each is led by its length. */
function additionalData(header: Buffer, context: EncryptionContext): Buffer {
  const parts = [header];
  for (const [name, value] of Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const text of [name, value]) {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      parts.push(length, bytes);
    }
  }
  return Buffer.concat(parts);
}
