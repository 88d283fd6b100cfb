/** Milliseconds between two lines of progress. */
const EVERY = 200;
/** Milliseconds over which the rate is taken. */
const SPAN = 5_000;

/** Tells where a run stands, and how fast it goes, not more often than anybody can read. */
export class Progress {
  readonly #tell: ((text: string) => void) | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #from = { at: performance.now(), count: 0 };
  #rate = 0;

  constructor(tell: ((text: string) => void) | undefined) {
    this.#tell = tell;
  }

  /** `count` is what the rate is of; `text` is built only when it is told. */
  at(count: number, text: (rate: string) => string): void {
    if (!this.#tell) return;
    const now = performance.now();
    if (now - this.#toldAt < EVERY) return;
    const elapsed = now - this.#from.at;
    if (elapsed > 0) this.#rate = ((count - this.#from.count) / elapsed) * 1000;
    if (elapsed > SPAN) this.#from = { at: now, count };
    this.#toldAt = now;
    this.#tell(text(`${Math.round(this.#rate)}/s`));
  }
}
