/** Durations of a rehearsal. `keyturn` is the time of a step without Terraform. */
export type Account = 'terraform plan' | 'terraform apply' | 'synthesis' | 'keyturn' | 'rehearsal';

/** Sums up wall-clock time by category; spans may nest, and time counts only for the innermost. */
export class Stopwatch {
  readonly #spent = new Map<Account, number>();
  readonly #open: { account: Account; since: number }[] = [];

  async measure<T>(account: Account, work: () => Promise<T>): Promise<T> {
    this.#pause();
    this.#open.push({ account, since: performance.now() });
    try {
      return await work();
    } finally {
      this.#pause();
      this.#open.pop();
      const outer = this.#open.at(-1);
      if (outer) outer.since = performance.now();
    }
  }

  /** Milliseconds by account. */
  read(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#spent].map(([account, spent]) => [account, Math.round(spent)]));
  }

  #pause(): void {
    const inner = this.#open.at(-1);
    if (!inner) return;
    const now = performance.now();
    this.#spent.set(inner.account, (this.#spent.get(inner.account) ?? 0) + now - inner.since);
    inner.since = now;
  }
}
