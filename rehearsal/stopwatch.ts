/** Where the time of a rehearsal went. `keyturn` is what is left of a step once Terraform is taken out. */
export type Account = 'terraform plan' | 'terraform apply' | 'synthesis' | 'keyturn' | 'rehearsal';

/** Adds up wall-clock time by account; spans may nest, and time counts for the innermost only. */
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
