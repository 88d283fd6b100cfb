import { RequestLane } from './request-lane';
import { PROMISED } from './request-rate';

/** The lanes of one place: S3 has separate limits for reads and writes. */
interface Place {
  readonly reads: RequestLane;
  readonly writes: RequestLane;
}

/** Places that are paced by themselves, at most; what is beyond them shares one pace. */
const MAX_PLACES = 256;
/**
 * The first prefixes are paced by themselves at once, further ones after so many requests: what many small prefixes need is learned of
 * all of them together.
 */
const [OWN_AT_ONCE, OWN_AFTER] = [32, 200];
/** Prefixes whose requests are counted. */
const MAX_COUNTED = 4_096;
/** Milliseconds without a request after which a place may make room for another one. */
const IDLE = 5_000;
/** Milliseconds between two looks at what waits. */
const TICK = 1;

/**
 * Paces the requests about the objects of one bucket by prefix, as S3 does: a prefix that is asked to slow down holds no other one
 * back. S3 reports nowhere how it partitions a bucket. So the first and the second part of each key, up to a slash, are taken for
 * a prefix once there are enough requests about it; everything else shares one pace.
 */
export class PrefixLanes {
  readonly #clock: () => number;
  readonly #shared: Place;
  readonly #places = new Map<string, Place>();
  readonly #counts = new Map<string, number>();
  readonly #busy = new Set<RequestLane>();
  #slowdowns = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param clock - milliseconds, monotonic */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#shared = this.#place();
  }

  /** Why requests wait; undefined: S3 has refused none. */
  get because(): string | undefined {
    return this.#slowdowns === 0 ? undefined : `S3 asked to slow down ${this.#slowdowns} time(s)`;
  }

  /** The lane of a request about a key. */
  lane(kind: 'reads' | 'writes', key: string): RequestLane {
    return this.#placeOf(key)[kind];
  }

  /** Resolves when a request in the lane may leave; undefined: at once. */
  enter(lane: RequestLane): Promise<void> | undefined {
    const turn = lane.enter(this.#clock());
    if (turn) this.#watch(lane);
    return turn;
  }

  /**
   * Resolves when another object version under the key's prefix may be started; undefined: now. Without it, all that a run may have
   * in progress would soon be versions that wait for the slowest prefix.
   */
  room(key: string): Promise<void> | undefined {
    if (this.#busy.size === 0) return undefined;
    const { reads, writes } = this.#placeOf(key);
    return reads.room() ?? writes.room();
  }

  accepted(lane: RequestLane): void {
    lane.rate.accepted(this.#clock());
  }

  refused(lane: RequestLane): void {
    this.#slowdowns += 1;
    lane.rate.refused(this.#clock());
  }

  /** Lets everything that waits go at once. */
  open(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const lane of this.#busy) lane.open();
    this.#busy.clear();
  }

  #placeOf(key: string): Place {
    const end = key.indexOf('/') + 1;
    if (end === 0) return this.#shared;
    const first = key.slice(0, end);
    const deeper = key.indexOf('/', end) + 1;
    const own = deeper === 0 ? undefined : this.#own(key.slice(0, deeper));
    return own ?? this.#own(first) ?? this.#shared;
  }

  /** The place of a prefix, once there were enough requests about it. */
  #own(prefix: string): Place | undefined {
    const known = this.#places.get(prefix);
    if (known) return known;
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    if (count < OWN_AFTER && this.#places.size >= OWN_AT_ONCE) {
      if (this.#counts.size >= MAX_COUNTED) this.#counts.clear();
      this.#counts.set(prefix, count);
      return undefined;
    }
    this.#counts.delete(prefix);
    if (this.#places.size >= MAX_PLACES && !this.#forgetIdle()) return undefined;
    const place = this.#place();
    this.#places.set(prefix, place);
    return place;
  }

  /** Before the first refusal nothing is known, and S3 may accept any rate; after it a place starts at what S3 promises. */
  #place(): Place {
    const lane = (promised: number) =>
      new RequestLane(this.#slowdowns === 0 ? Number.POSITIVE_INFINITY : promised, promised);
    return { reads: lane(PROMISED.reads), writes: lane(PROMISED.writes) };
  }

  #forgetIdle(): boolean {
    const before = this.#clock() - IDLE;
    for (const [prefix, { reads, writes }] of this.#places) {
      if (reads.waiting + writes.waiting > 0 || Math.max(reads.usedAt, writes.usedAt) > before) continue;
      return this.#places.delete(prefix);
    }
    return false;
  }

  #watch(lane: RequestLane): void {
    this.#busy.add(lane);
    this.#timer ??= setTimeout(() => this.#tick(), TICK);
  }

  #tick(): void {
    const now = this.#clock();
    for (const lane of this.#busy) {
      lane.release(now);
      if (lane.waiting === 0) this.#busy.delete(lane);
    }
    this.#timer = this.#busy.size > 0 ? setTimeout(() => this.#tick(), TICK) : undefined;
  }
}
