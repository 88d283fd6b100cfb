import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm } from '../state/object-version';

const CRC32C_TABLE = crc32Table(0x82f63b78);
/** CRC-64/NVME, reflected polynomial 0x9A6C9329AC4BC9B5, in two halves of 32 bits: BigInt would cost 50 times as much. */
const CRC64_TABLE = crc64Table(0x9a6c9329, 0xac4bc9b5);

/** The digest of the bytes, base64 as S3's headers carry it. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Buffer): string {
  switch (algorithm) {
    case 'CRC32':
      return base64Of(crc32(bytes) >>> 0);
    case 'CRC32C':
      return base64Of(crc32c(bytes));
    case 'CRC64NVME':
      return crc64(bytes);
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm.toLowerCase()).update(bytes).digest('base64');
  }
}

/** Bytes of a digest, to tell a value that cannot be one. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

/** The header that carries a checksum of this algorithm. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The digest of digests that S3 calls COMPOSITE, without its `-<parts>`. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  return checksumOf(algorithm, Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))));
}

const POLYNOMIAL: Readonly<Record<string, { readonly bits: number; readonly reflected: bigint }>> = {
  CRC32: { bits: 32, reflected: 0xedb88320n },
  CRC32C: { bits: 32, reflected: 0x82f63b78n },
  CRC64NVME: { bits: 64, reflected: 0x9a6c9329ac4bc9b5n },
};

/**
 * The CRC of the parts laid end to end, from their CRCs and sizes alone: crc(AB) = crc(A)·x^(8|B|) + crc(B) modulo the
 * polynomial. The initial value and the final inversion cancel out.
 */
export function joinCrcs(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly checksum: string; readonly size: number }[],
): string {
  const field = POLYNOMIAL[algorithm];
  if (field === undefined) throw new Error(`${algorithm} is no CRC`);
  let joined = 0n;
  for (const part of parts) {
    const own = BigInt(`0x${Buffer.from(part.checksum, 'base64').toString('hex')}`);
    joined = multiply(joined, power(part.size, field), field) ^ own;
  }
  return Buffer.from(joined.toString(16).padStart(field.bits / 4, '0'), 'hex').toString('base64');
}

interface Field {
  readonly bits: number;
  readonly reflected: bigint;
}

/** Product modulo the polynomial; the highest bit stands for x^0, as reflected CRCs have it. */
function multiply(a: bigint, b: bigint, field: Field): bigint {
  let product = 0n;
  let factor = a;
  for (let bit = BigInt(field.bits - 1); bit >= 0n; bit -= 1n) {
    if ((b >> bit) & 1n) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ field.reflected : factor >> 1n;
  }
  return product;
}

/** x^(8·bytes) modulo the polynomial, by squaring. */
function power(bytes: number, field: Field): bigint {
  const one = 1n << BigInt(field.bits - 1);
  let result = one;
  let square = one >> 8n;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square, field);
    square = multiply(square, square, field);
  }
  return result;
}

function base64Of(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

function crc32Table(reflected: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_unused, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ reflected : value >>> 1;
    return value >>> 0;
  });
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at += 1) {
    crc = (CRC32C_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function crc64Table(high: number, low: number): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const table = { high: new Uint32Array(256), low: new Uint32Array(256) };
  for (let index = 0; index < 256; index += 1) {
    let upper = 0;
    let lower = index;
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = lower & 1;
      lower = (lower >>> 1) | (upper << 31);
      upper >>>= 1;
      if (odd) {
        upper ^= high;
        lower ^= low;
      }
    }
    table.high[index] = upper >>> 0;
    table.low[index] = lower >>> 0;
  }
  return table;
}

function crc64(bytes: Buffer): string {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (let at = 0; at < bytes.length; at += 1) {
    const index = (low ^ (bytes[at] ?? 0)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (CRC64_TABLE.low[index] ?? 0);
    high = (high >>> 8) ^ (CRC64_TABLE.high[index] ?? 0);
  }
  const out = Buffer.allocUnsafe(8);
  out.writeUInt32BE((high ^ 0xffffffff) >>> 0, 0);
  out.writeUInt32BE((low ^ 0xffffffff) >>> 0, 4);
  return out.toString('base64');
}
