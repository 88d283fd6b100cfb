import { createHash } from 'node:crypto';

const BITS = 128n;
const MASK = (1n << BITS) - 1n;

/**
 * A digest of rows whatever their order: equal for two files exactly where both hold the same rows equally often. It needs
 * no memory, so that a report of a billion rows is compared with its manifest as it is read.
 *
 * The sum of the rows' SHA-256 values, of which the first 128 bits count.
 */
export class RowDigest {
  #sum = 0n;

  add(row: string): void {
    const hash = createHash('sha256')
      .update(row)
      .digest('hex')
      .slice(0, Number(BITS / 4n));
    this.#sum = (this.#sum + BigInt(`0x${hash}`)) & MASK;
  }

  /** 32 hex digits. */
  get hex(): string {
    return this.#sum.toString(16).padStart(Number(BITS / 4n), '0');
  }
}
