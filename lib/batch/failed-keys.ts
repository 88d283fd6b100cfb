import { createHash } from 'node:crypto';

/** Keys that are kept as they are; of more than these only a filter is. */
const EXACT = 100_000;
/** Bits of the filter for each key, and positions that each sets: about one in 2,000 other keys matches by accident. */
const BITS_PER_KEY = 16;
const POSITIONS = 4;
/** Bytes of the filter at most. With more keys than it is made for it reports more keys as present, and never misses one. */
const MAX_BYTES = 512 * 1024 * 1024;

/** The keys of failed tasks: a key that was added is always found; one that was not may be, and is then inspected needlessly. */
export class FailedKeys {
  readonly #exact = new Set<string>();
  readonly #expected: number;
  #filter: Uint8Array | undefined;

  /** @param expected how many there may be, by the counts of the jobs */
  constructor(expected: number) {
    this.#expected = expected;
  }

  add(key: string): void {
    if (this.#filter === undefined && this.#exact.size < EXACT) {
      this.#exact.add(key);
      return;
    }
    this.#filter ??= new Uint8Array(Math.min(MAX_BYTES, Math.ceil((this.#expected * BITS_PER_KEY) / 8) + 8));
    for (const bit of positions(key, this.#filter.length))
      this.#filter[bit >>> 3] = (this.#filter[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }

  has(key: string): boolean {
    if (this.#exact.has(key)) return true;
    const filter = this.#filter;
    if (filter === undefined) return false;
    return positions(key, filter.length).every((bit) => ((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0);
  }
}

function positions(key: string, bytes: number): readonly number[] {
  const digest = createHash('sha256').update(key).digest();
  const bits = Math.min(bytes * 8, 2 ** 32);
  return Array.from({ length: POSITIONS }, (_, at) => digest.readUInt32LE(at * 4) % bits);
}
