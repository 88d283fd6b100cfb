import { createHmac } from 'node:crypto';

/** One key material of a KMS key. */
export interface KeyMaterial {
  /** 64 hex digits, the same for the same bytes in the same key. */
  readonly id: string;
  readonly state: 'CURRENT' | 'PENDING_ROTATION';
  /** Undefined once it was deleted or has expired. */
  bytes: Buffer | undefined;
  /** Milliseconds since the epoch; undefined does not expire. */
  validTo: number | undefined;
  description: string | undefined;
}

/** Length of symmetric material in bytes. */
export const materialLength = 32;

/**
 * AWS documents only that the ID depends on the key ID and the material; how is not documented, so nobody can rely on
 * this particular way.
 */
export function keyMaterialId(keyId: string, bytes: Buffer): string {
  return createHmac('sha256', bytes).update(`key material of ${keyId}`).digest('hex');
}
