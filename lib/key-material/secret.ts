import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

import { KeyturnError } from '../errors';

/** Bytes of key material of a SYMMETRIC_DEFAULT key. @see importing-keys-conceptual in the KMS developer guide */
export const KEY_MATERIAL_BYTES = 32;

/**
 * An empty buffer for material, outside the JavaScript heap. `Buffer.alloc` allocates up to 64 bytes inside it, where
 * the garbage collector moves them and leaves copies that nobody can zero.
 */
export function emptyMaterial(): Buffer {
  return Buffer.from(new ArrayBuffer(KEY_MATERIAL_BYTES));
}

const REDACTED = '[key material, redacted]';
const live = new Set<KeyMaterial>();

/**
 * The 32 secret bytes, and the only type that holds them. They are set once, never shown, and zeroed on dispose:
 * declare it with `using`, so that every exit of the block disposes it. JavaScript strings cannot be zeroed, so the
 * bytes never become one.
 */
export class KeyMaterial {
  #bytes: Buffer | undefined;

  /** An own function makes `structuredClone` and `postMessage` refuse the object instead of copying an empty one. */
  readonly toJSON = (): string => REDACTED;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    live.add(this);
  }

  /**
   * Takes ownership of the buffer without copying it. The buffer is zeroed with the material, or at once if it is
   * refused. Allocate it with {@link emptyMaterial}, outside the JavaScript heap.
   *
   * @param source - origin of the bytes, for the error
   * @throws KeyturnError `key-material-length` unless 32 bytes, `key-material-weak` for one byte value repeated
   */
  static take(bytes: Buffer, source: string): KeyMaterial {
    try {
      const { length } = bytes;
      if (length !== KEY_MATERIAL_BYTES) {
        throw new KeyturnError('key-material-length', { source, length, expected: KEY_MATERIAL_BYTES });
      }
      if (bytes.every((byte) => byte === bytes[0])) throw new KeyturnError('key-material-weak', { source });
      return new KeyMaterial(bytes);
    } catch (error) {
      bytes.fill(0);
      throw error;
    }
  }

  /** True after the bytes are zeroed. */
  get disposed(): boolean {
    return this.#bytes === undefined;
  }

  /**
   * Lends the bytes to `work`, which must not keep them. Only this room calls it.
   *
   * @param during - what they are used for, as the error says it
   * @throws KeyturnError `key-material-disposed`
   */
  withBytes<T>(during: string, work: (bytes: Buffer) => T): T {
    if (!this.#bytes) throw new KeyturnError('key-material-disposed', { during });
    return work(this.#bytes);
  }

  /** Compares two materials in constant time. */
  equals(other: KeyMaterial): boolean {
    return this.withBytes('comparison', (mine) =>
      other.withBytes('comparison', (theirs) => timingSafeEqual(mine, theirs)),
    );
  }

  toString(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }

  /** Zeroes the bytes. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
    live.delete(this);
  }
}

/** 32 bytes from the operating system's generator by way of `node:crypto`. The caller must dispose it. */
export function generateKeyMaterial(): KeyMaterial {
  const bytes = emptyMaterial();
  randomFillSync(bytes);
  return KeyMaterial.take(bytes, 'the random generator');
}

/** Zeroes every live material; called before the process exits. */
export function zeroAllKeyMaterial(): void {
  for (const material of live) material[Symbol.dispose]();
}
