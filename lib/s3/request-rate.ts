/** Requests a second that S3 promises for each prefix: where a rate starts once S3 has refused anything. */
export interface Promised {
  readonly reads: number;
  readonly writes: number;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html */
export const PROMISED: Promised = { reads: 5_500, writes: 3_500 };

/** Milliseconds after which what was refused lowers a rate, and after which a quiet time raises it. */
const [LOWER_AFTER, RAISE_AFTER] = [250, 500];
/** Answers that a decision needs, unless they take longer than {@link LONG}. */
const ENOUGH = 16;
/** Milliseconds. */
const LONG = 2_000;
/** What is left of a rate besides the share that was refused, and the least that one decision leaves. */
const [MARGIN, LEAST] = [0.98, 0.2];
/** The first step up after a refusal, what each further step in a row grows by, and the largest. */
const [STEP, STEP_GROWTH, STEP_MAX] = [0.005, 2, 0.25];
/** Milliseconds that a request may leave early by: a timer that is late must not cost rate. */
const BURST = 25;

/**
 * The rate that S3 accepts for one kind of request in one place, learned from its SlowDown answers. Refusals lower it by the share
 * that was refused, which is just under what S3 let through. Then it creeps up, and faster the longer S3 refuses nothing: S3
 * partitions a prefix that is busy.
 */
export class RequestRate {
  /** Requests a second; `Infinity` until S3 has refused one. */
  perSecond: number;
  /** Times that it was lowered. */
  lowered = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  #since: number | undefined;
  #accepted = 0;
  #refused = 0;
  #isUsedUp = false;
  #step = STEP_MAX;
  readonly #promised: number;

  /**
   * @param initial - requests a second
   * @param promised - where it falls from at the first refusals, if it was not limited before and fewer requests were sent
   */
  constructor(initial: number, promised: number) {
    this.perSecond = initial;
    this.#promised = promised;
  }

  /** Takes a turn where there is one. @param now - milliseconds, monotonic */
  take(now: number): boolean {
    if (this.perSecond === Number.POSITIVE_INFINITY) return true;
    if (this.#nextAt > now) {
      this.#isUsedUp = true;
      return false;
    }
    this.#nextAt = Math.max(this.#nextAt, now - BURST) + 1000 / this.perSecond;
    return true;
  }

  /** S3 has answered with anything but SlowDown. */
  accepted(now: number): void {
    this.#accepted += 1;
    this.#decide(now);
  }

  /** S3 has answered with SlowDown. */
  refused(now: number): void {
    this.#refused += 1;
    this.#decide(now);
  }

  #decide(now: number): void {
    this.#since ??= now;
    const [elapsed, answers] = [now - this.#since, this.#accepted + this.#refused];
    if (elapsed < LOWER_AFTER || (answers < ENOUGH && elapsed < LONG)) return;
    if (this.#refused > 0) this.#lower(elapsed, answers);
    else if (elapsed < RAISE_AFTER) return;
    else if (this.#isUsedUp) this.#raise();
    this.#since = now;
    this.#accepted = 0;
    this.#refused = 0;
    this.#isUsedUp = false;
  }

  #lower(elapsed: number, answers: number): void {
    const [sent, accepted] = [(answers * 1000) / elapsed, (this.#accepted * 1000) / elapsed];
    const before = this.perSecond === Number.POSITIVE_INFINITY ? Math.max(sent, this.#promised) : this.perSecond;
    // Answers to requests that were sent at the rate before may still come: never below what S3 has just accepted.
    const now = Math.max(accepted, before * Math.max(LEAST, this.#accepted / answers)) * MARGIN;
    this.perSecond = Math.max(1, Math.min(before, now));
    this.lowered += 1;
    this.#step = STEP;
  }

  #raise(): void {
    this.perSecond *= 1 + this.#step;
    this.#step = Math.min(STEP_MAX, this.#step * STEP_GROWTH);
  }
}
