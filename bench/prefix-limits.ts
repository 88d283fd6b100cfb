/** Seconds of requests that a prefix that was idle accepts at once. */
const SAVED_UP = 0.1;

type Kind = 'reads' | 'writes';

/** S3's limits for each prefix: token buckets, and an account of what they let through. */
export class PrefixLimits {
  readonly #limits: Readonly<Record<Kind, number>>;
  readonly #tokens: Readonly<Record<Kind, Float64Array>>;
  readonly #filledAt: Readonly<Record<Kind, Float64Array>>;
  readonly #accepted: Readonly<Record<Kind, Uint32Array>>;

  /** @param limits - requests a second of each prefix */
  constructor(limits: Readonly<Record<Kind, number>>, prefixes: number) {
    const full = (kind: Kind) => new Float64Array(prefixes).fill(limits[kind] * SAVED_UP);
    this.#limits = limits;
    this.#tokens = { reads: full('reads'), writes: full('writes') };
    this.#filledAt = { reads: new Float64Array(prefixes), writes: new Float64Array(prefixes) };
    this.#accepted = { reads: new Uint32Array(prefixes), writes: new Uint32Array(prefixes) };
  }

  /** Whether the prefix accepts one more request. */
  accept(prefix: number, kind: Kind): boolean {
    const limit = this.#limits[kind];
    const [tokens, filledAt, accepted] = [this.#tokens[kind], this.#filledAt[kind], this.#accepted[kind]];
    const now = performance.now();
    const earned = ((now - (filledAt[prefix] ?? 0)) / 1000) * limit;
    const has = Math.min(limit * SAVED_UP, (tokens[prefix] ?? 0) + earned);
    filledAt[prefix] = now;
    tokens[prefix] = has < 1 ? has : has - 1;
    if (has < 1) return false;
    accepted[prefix] = (accepted[prefix] ?? 0) + 1;
    return true;
  }

  /** Seconds that the prefix with the most to do needs for what was accepted. */
  get boundSeconds(): number {
    const seconds = (kind: Kind) => Math.max(0, ...this.#accepted[kind]) / this.#limits[kind];
    return Math.max(seconds('reads'), seconds('writes'));
  }
}
