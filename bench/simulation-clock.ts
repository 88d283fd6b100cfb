/** Events in the order of their time: a binary heap. Time is in seconds and begins at 0. */
export class SimulatedTime {
  now = 0;
  readonly #heap: { readonly at: number; readonly act: () => void }[] = [];

  after(seconds: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.now + seconds, act });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.#at(parent) <= this.#at(child)) break;
      this.#swap(parent, child);
      child = parent;
    }
  }

  /** Acts on event after event until there is none. */
  run(): void {
    for (let next = this.#pop(); next; next = this.#pop()) {
      this.now = next.at;
      next.act();
    }
  }

  #pop(): { readonly at: number; readonly act: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(parent) <= this.#at(child)) break;
      this.#swap(parent, child);
      parent = child;
    }
    return first;
  }

  #at(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}

/** What a service lets through: tokens that come back at a rate, and a small store of them. */
export class TokenBucket {
  readonly #rate: number;
  readonly #room: number;
  #level: number;
  #seen = 0;

  constructor(rate: number) {
    this.#rate = rate;
    this.#room = Math.max(2, rate * 0.02);
    this.#level = this.#room;
  }

  /** True where there were enough; they are gone then. */
  take(now: number, tokens: number): boolean {
    this.#level = Math.min(this.#room, this.#level + (now - this.#seen) * this.#rate);
    this.#seen = now;
    if (this.#level < tokens) return false;
    this.#level -= tokens;
    return true;
  }
}

/** Concurrent requests: more while they are answered, fewer when a service asks to slow down. */
export class SimulatedWindow {
  limit = 32;
  underWay = 0;
  #slowdowns = 0;
  #quietUntil = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get isOpen(): boolean {
    return this.underWay < Math.floor(this.limit);
  }

  answered(): void {
    if (this.limit < this.#max && this.underWay >= this.limit * 0.8) {
      this.limit = Math.min(this.#max, this.limit + (this.#slowdowns === 0 ? 1 : 1 / this.limit));
    }
    this.underWay -= 1;
  }

  slowed(now: number): void {
    this.underWay -= 1;
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + 0.5;
    this.#slowdowns += 1;
    this.limit = Math.max(1, this.limit * 0.7);
  }
}

/** First in, first out. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#head += 1;
    if (this.#head > 4096) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** The same numbers from 0 to 1 on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
