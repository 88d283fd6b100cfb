/** A fair sample of a stream of unknown length: reservoir sampling, with memory for the sample alone. */
export class RandomSample<T> {
  readonly #size: number;
  readonly chosen: T[] = [];
  #offered = 0;

  /** @param size - members of the sample at most; 0: none */
  constructor(size: number) {
    this.#size = size;
  }

  /** @returns what drops those that are chosen now and turn out to be stale; later ones stay */
  staleLater(): (isStale: (one: T) => boolean) => void {
    const now = new Set(this.chosen);
    return (isStale) => {
      const kept = this.chosen.filter((one) => !now.has(one) || !isStale(one));
      this.chosen.splice(0, this.chosen.length, ...kept);
    };
  }

  offer(one: T): void {
    if (this.#size === 0) return;
    this.#offered += 1;
    if (this.chosen.length < this.#size) {
      this.chosen.push(one);
      return;
    }
    const at = Math.floor(Math.random() * this.#offered);
    if (at < this.#size) this.chosen[at] = one;
  }
}
