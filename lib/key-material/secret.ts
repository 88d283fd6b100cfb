import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

import { KeyturnError } from '../errors';

/** Bytes of key material that a SYMMETRIC_DEFAULT key takes. @see importing-keys-conceptual in the KMS developer guide */
export const KEY_MATERIAL_BYTES = 32;

/**
 * An empty buffer for material. Its bytes lie outside the JavaScript heap: `Buffer.alloc` puts up to 64 bytes inside it,
 * where the garbage collector moves them about and leaves copies behind that nobody can zero.
 */
export function emptyMaterial(): Buffer {
  return Buffer.from(new ArrayBuffer(KEY_MATERIAL_BYTES));
}

const REDACTED = '[key material, redacted]';
const live = new Set<KeyMaterial>();

/**
 * The 32 secret bytes, and the only type that carries them. They are set once, never shown, and zeroed on dispose:
 * hold it with `using`, so that every way out of the block ends it. JavaScript strings cannot be zeroed, so the bytes
 * never become one.
 */
export class KeyMaterial {
  #bytes: Buffer | undefined;

  /** An own function: `structuredClone` and `postMessage` refuse the object instead of copying an empty husk. */
  readonly toJSON = (): string => REDACTED;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    live.add(this);
  }

  /**
   * Takes the very buffer over, without a copy. From here on it belongs to the material and is zeroed with it, and it
   * is zeroed at once where it is refused. It should lie outside the JavaScript heap, as {@link emptyMaterial} does.
   *
   * @param source - where the bytes came from, as the error says it
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

  /** True once the bytes are zeroed. */
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

/** 32 bytes from the operating system's generator by way of `node:crypto`. The caller disposes it. */
export function generateKeyMaterial(): KeyMaterial {
  const bytes = emptyMaterial();
  randomFillSync(bytes);
  return KeyMaterial.take(bytes, 'the random generator');
}

/** Zeroes every material that is still held: the last thing before a process that was told to stop exits. */
export function zeroAllKeyMaterial(): void {
  for (const material of live) material[Symbol.dispose]();
}
