import { createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { MASK } from './memory-scan';

/** DER in front of the 32 bytes of an X25519 key. */
const PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC = Buffer.from('302a300506032b656e032100', 'hex');

/**
 * The file key of an age file, masked. It is unwrapped without the age library, which would leave copies that the search is to find.
 *
 * @see https://age-encryption.org/v1, section "The X25519 recipient type"
 */
export function maskedFileKey(file: Buffer, identity: string): Buffer {
  const lines = file.toString('latin1').split('\n');
  const at = lines.findIndex((line) => line.startsWith('-> X25519 '));
  const share = Buffer.from(lines[at]?.split(' ')[2] ?? '', 'base64');
  const body = Buffer.from(lines[at + 1] ?? '', 'base64');
  const scalar = bytesOfBech32(identity);
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE, scalar]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC, share]), format: 'der', type: 'spki' });
  const recipient = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const secret = diffieHellman({ privateKey, publicKey });
  const salt = Buffer.concat([share, recipient]);
  const key = Buffer.from(hkdfSync('sha256', secret, salt, 'age-encryption.org/v1/X25519', 32));
  const opening = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  opening.setAuthTag(body.subarray(16));
  const fileKey = opening.update(body.subarray(0, 16));
  opening.final();
  const masked = Buffer.from(fileKey.map((byte) => byte ^ MASK));
  fileKey.fill(0);
  return masked;
}

/** The bytes of a Bech32 text, whose checksum is not looked at. */
function bytesOfBech32(text: string): Buffer {
  const data = text.toLowerCase().slice(text.lastIndexOf('1') + 1, -6);
  const bits = [...data]
    .map((one) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(one).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
