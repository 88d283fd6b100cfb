/** Bounds how many object versions are processed at once, and with them memory. */
export class Semaphore {
  readonly size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];
  #idle: (() => void)[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Resolves when a slot is free and acquired; undefined: that is the case at once. */
  acquire(): Promise<void> | undefined {
    if (this.#taken < this.size) {
      this.#taken += 1;
      return undefined;
    }
    return new Promise((go) => this.#waiting.push(go));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
      return;
    }
    this.#taken -= 1;
    if (this.#taken > 0) return;
    for (const go of this.#idle.splice(0)) go();
  }

  /** Resolves when every slot is free. */
  idle(): Promise<void> {
    return this.#taken === 0 ? Promise.resolve() : new Promise((go) => this.#idle.push(go));
  }
}
