import type { FromWorker } from './worker-messages';

/** How long a process that works on leases may be without progress. */
export interface Patience {
  /** Milliseconds between two looks. A command that was asleep looks once, not once for each that it missed. */
  readonly everyMs: number;
  /** Looks without any message, or without a request that was sent while none is open. */
  readonly quiet: number;
  /** Looks without a request that was sent while some are open: a copy of a large object takes minutes. */
  readonly busy: number;
}

/** A retry waits 20 s at most, and a request without an answer ends after 60 s. */
export const PATIENCE: Patience = { everyMs: 1_000, quiet: 90, busy: 900 };

/** Whether a process still gets on with its leases. SlowDown answers are progress: each of them answers a request. */
export class WorkerProgress {
  readonly #patience: Patience;
  #silent = 0;
  #idle = 0;
  #sent = 0;
  #isBusy = false;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** It began, completed or ended something. */
  progressed(): void {
    this.#silent = 0;
    this.#idle = 0;
  }

  /** It says that it lives. */
  lives({ sent, open }: Extract<FromWorker, { type: 'alive' }>): void {
    this.#silent = 0;
    this.#isBusy = open > 0;
    if (sent !== this.#sent) this.#idle = 0;
    this.#sent = sent;
  }

  /**
   * Looks once more.
   *
   * @param isOurTurn - whether it waits for this process to record a page
   * @returns what is wrong with it, as in `ended by Keyturn after 90 s without a message`; undefined: nothing
   */
  look(isOurTurn: boolean): string | undefined {
    const { quiet, busy } = this.#patience;
    this.#silent += 1;
    this.#idle = isOurTurn ? 0 : this.#idle + 1;
    if (this.#silent >= quiet) return this.#text(quiet, 'a message');
    const limit = this.#isBusy ? busy : quiet;
    return this.#idle >= limit ? this.#text(limit, 'progress') : undefined;
  }

  #text(looks: number, missing: string): string {
    return `ended by Keyturn after ${Math.round((looks * this.#patience.everyMs) / 1000)} s without ${missing}`;
  }
}
