import { createHmac } from 'node:crypto';

/** One key material of a KMS key. */
export interface KeyMaterial {
  /** 64 hex digits, the same for the same bytes in the same key. */
  readonly id: string;
  /** CURRENT encrypts and decrypts, NON_CURRENT decrypts, PENDING_ROTATION does neither and the key does without it. */
  state: 'CURRENT' | 'NON_CURRENT' | 'PENDING_ROTATION';
  /** Undefined once it was deleted or has expired. */
  bytes: Buffer | undefined;
  /** Milliseconds since the epoch; undefined does not expire. */
  validTo: number | undefined;
  description: string | undefined;
  /** When a rotation made it current; undefined for the first material and for one that waits. */
  rotatedAt: number | undefined;
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

export function newMaterial(keyId: string, bytes: Buffer, state: KeyMaterial['state']): KeyMaterial {
  return {
    id: keyMaterialId(keyId, bytes),
    state,
    bytes,
    validTo: undefined,
    description: undefined,
    rotatedAt: undefined,
  };
}
