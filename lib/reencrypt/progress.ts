/** Milliseconds between two lines of progress. */
const EVERY = 200;
/** Milliseconds over which the rate is taken. */
const SPAN = 5_000;

/** Reports the progress of a run and its rate, no more often than a person can read. */
export class Progress {
  readonly #report: ((text: string) => void) | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #from = { at: performance.now(), count: 0 };
  #rate = 0;

  constructor(report: ((text: string) => void) | undefined) {
    this.#report = report;
  }

  /** `count` is what the rate is of; `text` is built only when it is reported. */
  at(count: number, text: (rate: string) => string): void {
    if (!this.#report) return;
    const now = performance.now();
    if (now - this.#reportedAt < EVERY) return;
    const elapsed = now - this.#from.at;
    if (elapsed > 0) this.#rate = ((count - this.#from.count) / elapsed) * 1000;
    if (elapsed > SPAN) this.#from = { at: now, count };
    this.#reportedAt = now;
    this.#report(text(`${Math.round(this.#rate)}/s`));
  }
}
