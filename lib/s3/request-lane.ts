import { RequestRate } from './request-rate';

/** Requests that wait in a lane while further object versions are started. */
const MAX_WAITING = 32;

/** Requests of one kind about one place that wait for their turn by its rate. */
export class RequestLane {
  readonly rate: RequestRate;
  /** When it was last used, milliseconds. */
  usedAt = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #roomFor: (() => void)[] = [];

  constructor(initial: number, promised: number) {
    this.rate = new RequestRate(initial, promised);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Undefined: the request may leave at once. */
  enter(now: number): Promise<void> | undefined {
    this.usedAt = now;
    if (this.#waiting.length === 0 && this.rate.take(now)) return undefined;
    return new Promise((go) => this.#waiting.push(go));
  }

  /** Resolves when few requests wait; undefined: that is the case. */
  room(): Promise<void> | undefined {
    return this.#waiting.length < MAX_WAITING ? undefined : new Promise((go) => this.#roomFor.push(go));
  }

  /** Lets go whatever has its turn. */
  release(now: number): void {
    let left = 0;
    while (left < this.#waiting.length && this.rate.take(now)) left += 1;
    if (left === 0) return;
    for (const go of this.#waiting.splice(0, left)) go();
    // Once nothing waits nobody looks here again, so whoever waits for room goes, however many they are.
    const room = this.#waiting.length === 0 ? this.#roomFor.length : Math.max(0, MAX_WAITING - this.#waiting.length);
    for (const go of this.#roomFor.splice(0, room)) go();
  }

  /** Lets everything go. */
  open(): void {
    for (const go of this.#waiting.splice(0)) go();
    for (const go of this.#roomFor.splice(0)) go();
  }
}
