import { PrefixLanes } from './prefix-lanes';

/** Which service's limit a request counts against: S3's for all, KMS's too for those that make S3 call KMS. */
export type Bound = 's3' | 'kms';

export interface LimiterOptions {
  /** Concurrent requests at most, 1 to 1,024. Default 384. */
  readonly maxConcurrency?: number | undefined;
  /** Requests a second at most; absent: as many as S3 accepts. */
  readonly maxRps?: number | undefined;
  /** Where additive increase begins. Default 32. */
  readonly initial?: number | undefined;
  /** Milliseconds, monotonic. Default `performance.now`. */
  readonly clock?: (() => number) | undefined;
}

/** Enough for what S3 accepts of one prefix, 3,500 writes a second with two HEADs each, at latencies up to 35 ms. */
const DEFAULT_CONCURRENCY = 384;

/** The requested concurrency within its range, 1 to 1,024; 384 where none is requested. */
export function concurrencyOf(asked: number | undefined): number {
  return Math.max(1, Math.min(1024, asked ?? DEFAULT_CONCURRENCY));
}

/** Milliseconds in which a further SlowDown shrinks nothing: it answers a request sent before the first. */
const QUIET = 500;
/** What SlowDown leaves of a window. */
const DECREASE = 0.7;

/** One adaptive limit: additive increase while it is used up, multiplicative decrease on SlowDown. */
class Window {
  limit: number;
  inFlight = 0;
  slowdowns = 0;
  readonly max: number;
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(initial: number, max: number) {
    this.max = max;
    this.limit = Math.min(initial, max);
  }

  get free(): boolean {
    return this.inFlight < Math.floor(this.limit);
  }

  grow(): void {
    if (this.limit >= this.max || this.inFlight < this.limit * 0.8) return;
    // Before the first SlowDown the limit is found in doublings, as TCP's slow start does; after it, in steps.
    this.limit = Math.min(this.max, this.limit + (this.slowdowns === 0 ? 1 : 1 / this.limit));
  }

  shrink(now: number): void {
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + QUIET;
    this.slowdowns += 1;
    this.limit = Math.max(1, this.limit * DECREASE);
  }
}

/** Whose requests are paced: once it is open they wait no longer. */
interface Owner {
  readonly isOpen: boolean;
}

/** A request waiting for its turn. */
interface Waiter {
  readonly bound: Bound;
  readonly of: Owner | undefined;
  readonly go: () => void;
}

/**
 * Paces the requests of one run: as many at once as S3 and KMS accept, learned from their SlowDown answers, and never more a second
 * than asked for. S3's and KMS's limits are kept apart, as KMS's quota is shared with the account's production traffic. What S3
 * accepts of one prefix is learned by the prefix, in `prefix-lanes.ts`. Buckets that are worked on side by side share one limiter.
 */
export class AdaptiveLimiter {
  readonly #s3: Window;
  readonly #kms: Window;
  readonly #waiting: Waiter[] = [];
  readonly #clock: () => number;
  readonly #interval: number;
  readonly #lanes = new Map<string, PrefixLanes>();
  #sent = 0;
  #nextSlot = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LimiterOptions = {}) {
    const max = concurrencyOf(options.maxConcurrency);
    const initial = options.initial ?? 32;
    this.#s3 = new Window(initial, max);
    this.#kms = new Window(initial, max);
    this.#clock = options.clock ?? (() => performance.now());
    this.#interval = options.maxRps ? 1000 / options.maxRps : 0;
  }

  /** The lanes of a bucket, by the prefixes of its keys: one set for all who call it under this limiter. */
  lanesOf(bucket: string): PrefixLanes {
    const lanes = this.#lanes.get(bucket) ?? new PrefixLanes();
    this.#lanes.set(bucket, lanes);
    return lanes;
  }

  /** Requests that have left so far, and how many of them have no answer yet. */
  get counts(): { readonly sent: number; readonly open: number } {
    return { sent: this.#sent, open: this.#s3.inFlight };
  }

  /** Requests at once that are allowed now, and why not more. */
  get state(): { readonly concurrency: number; readonly because: string } {
    const [s3, kms] = [Math.floor(this.#s3.limit), Math.floor(this.#kms.limit)];
    const concurrency = Math.min(s3, kms);
    if (this.#interval > 0 && this.#timer) return { concurrency, because: 'limited to the requested rate' };
    if (kms < s3 && this.#kms.slowdowns > 0)
      return { concurrency, because: `KMS asked to slow down ${this.#kms.slowdowns} time(s)` };
    if (this.#s3.slowdowns > 0 && s3 < this.#s3.max)
      return { concurrency, because: `S3 asked to slow down ${this.#s3.slowdowns} time(s)` };
    return { concurrency, because: s3 >= this.#s3.max ? 'at its maximum' : 'still growing' };
  }

  /** Resolves when a request of this kind may leave; `done` or `slowDown` must follow. Undefined: it may leave at once. */
  enter(bound: Bound, of?: Owner): Promise<void> | undefined {
    if (of?.isOpen || (this.#waiting.length === 0 && this.#admits(bound))) {
      this.#start(bound);
      return undefined;
    }
    return new Promise((go) => {
      this.#waiting.push({ bound, of, go });
      this.#drain();
    });
  }

  /** The request has ended with any result except SlowDown. */
  done(bound: Bound): void {
    this.#s3.grow();
    this.#s3.inFlight -= 1;
    if (bound === 'kms') {
      this.#kms.grow();
      this.#kms.inFlight -= 1;
    }
    this.#drain();
  }

  /** The request was answered with SlowDown; `by` names whose limit it was, `prefix` that of the one prefix that it was about. */
  slowDown(bound: Bound, by: Bound | 'prefix'): void {
    this.#s3.inFlight -= 1;
    if (bound === 'kms') this.#kms.inFlight -= 1;
    if (by !== 'prefix') (by === 'kms' ? this.#kms : this.#s3).shrink(this.#clock());
    this.#drain();
  }

  /** Lets everything of an owner that waits go at once: its run ends, and none of it will be sent. */
  release(owner: Owner): void {
    const released = this.#waiting.filter(({ of }) => of === owner);
    const left = this.#waiting.filter(({ of }) => of !== owner);
    this.#waiting.splice(0, this.#waiting.length, ...left);
    for (const { bound, go } of released) {
      this.#start(bound);
      go();
    }
  }

  #admits(bound: Bound): boolean {
    if (!this.#s3.free || (bound === 'kms' && !this.#kms.free)) return false;
    return this.#interval === 0 || this.#clock() >= this.#nextSlot;
  }

  #start(bound: Bound): void {
    this.#sent += 1;
    this.#s3.inFlight += 1;
    if (bound === 'kms') this.#kms.inFlight += 1;
    if (this.#interval > 0) this.#nextSlot = Math.max(this.#nextSlot, this.#clock() - this.#interval) + this.#interval;
  }

  /** Lets waiting requests leave in their order; one held by KMS's limit does not hold back one that is not. */
  #drain(): void {
    let at = 0;
    while (at < this.#waiting.length && this.#s3.free) {
      const waiter = this.#waiting[at];
      if (waiter && this.#admits(waiter.bound)) {
        this.#waiting.splice(at, 1);
        this.#start(waiter.bound);
        waiter.go();
      } else if (this.#interval > 0 && this.#clock() < this.#nextSlot) {
        this.#wakeAtNextSlot();
        return;
      } else {
        at += 1;
      }
    }
  }

  #wakeAtNextSlot(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#drain();
      },
      Math.max(1, this.#nextSlot - this.#clock()),
    );
  }
}
