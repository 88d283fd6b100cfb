/** Milliseconds between two lines of progress. */
const EVERY = 200;
/** Milliseconds over which the rate is taken. */
const SPAN = 5_000;

/** How many there are; undefined as long as nobody knows. */
export type Total = () => number | undefined;

/** Reports how far a run is, its rate and the time left, no more often than a person can read. */
export class Progress {
  readonly #report: ((text: string) => void) | undefined;
  readonly #total: Total;
  readonly #now: () => number;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #from: { readonly at: number; readonly count: number };
  #rate = 0;

  /** @param now - milliseconds of a clock that never goes back; default: that of the machine */
  constructor(
    report: ((text: string) => void) | undefined,
    total: Total = () => undefined,
    now = () => performance.now(),
  ) {
    this.#report = report;
    this.#total = total;
    this.#now = now;
    this.#from = { at: now(), count: 0 };
  }

  /**
   * @param count - what is done, which the rate is of
   * @param text - gets `24 % of 5000, 310/s, 12 s left`, or the rate alone without a total; called only when it is reported
   */
  at(count: number, text: (pace: string) => string): void {
    if (!this.#report) return;
    const now = this.#now();
    if (now - this.#reportedAt < EVERY) return;
    const elapsed = now - this.#from.at;
    if (elapsed > 0) this.#rate = ((count - this.#from.count) / elapsed) * 1000;
    if (elapsed > SPAN) this.#from = { at: now, count };
    this.#reportedAt = now;
    this.#report(text(this.#pace(count)));
  }

  #pace(count: number): string {
    const rate = `${Math.round(this.#rate)}/s`;
    const total = this.#total();
    if (total === undefined || total === 0) return rate;
    // More may have been written meanwhile.
    const share = Math.min(100, Math.floor((count / total) * 100));
    const left = this.#rate > 0 ? `, ${durationText(Math.max(0, total - count) / this.#rate)} left` : '';
    return `${share} % of ${total}, ${rate}${left}`;
  }
}

/** `12 s`, `4 min`, `3 h 20 min`. */
function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
