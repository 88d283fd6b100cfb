import { LocalSegments } from '../reencrypt/local-segments';
import type { Lease, SegmentRequest } from '../reencrypt/segment-workers';
import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { LookRecord } from '../s3/look-record';
import type { ObjectStore } from '../s3/store';
import { LookElsewhere } from '../verify/look-elsewhere';
import { faultOf } from './worker-fault';
import { type FromWorker, type ToWorker, toWorker, type WorkerSettings } from './worker-messages';

/** @throws what keeps this process from moving anything */
export type OpenStore = (settings: WorkerSettings) => Promise<ObjectStore>;

/**
 * Moves segments for another process, which records what was completed. It keeps nothing on disk and decides nothing about the run.
 */
export class SegmentServer {
  readonly #open: OpenStore;
  readonly #send: (message: FromWorker) => void;
  readonly #runs = new Map<number, LocalSegments>();
  /** What waits for its page to be recorded, by lease. */
  readonly #uncommitted = new Map<number, () => void>();
  #store: ObjectStore | undefined;
  #pace: AdaptiveLimiter | undefined;
  readonly #reported = new WeakMap<LocalSegments, number>();
  #handled: Promise<void> = Promise.resolve();
  readonly #aliveEveryMs: number;
  #alive: NodeJS.Timeout | undefined;
  #leases = 0;
  #isOpening = false;

  /** @param aliveEveryMs - milliseconds between two messages that say no more than that this process lives. Default 5,000 */
  constructor(open: OpenStore, send: (message: FromWorker) => void, aliveEveryMs = 5_000) {
    this.#open = open;
    this.#send = send;
    this.#aliveEveryMs = aliveEveryMs;
  }

  /** Handles messages one after the other; leases go on meanwhile. @throws for a message that is none: this process is of no use */
  receive(message: unknown): Promise<void> {
    const known = toWorker.safeParse(message);
    if (!known.success) {
      const [issue] = known.error.issues;
      throw new Error(`a message that is none: ${issue?.path.join('.')}: ${issue?.message}`);
    }
    // At once: what comes before it may take long.
    if (known.data.type === 'lease') this.#begun();
    this.#handled = this.#handled.then(() => this.#handle(known.data));
    return this.#handled;
  }

  async #handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'begin':
        return this.#begin(message.settings);
      case 'run':
        return this.#run(message.run, message.request);
      case 'lease':
        void this.#lease(message.run, message.lease, message.of).finally(() => this.#ended());
        return;
      case 'committed':
        this.#uncommitted.get(message.lease)?.();
        return;
      case 'stop':
        this.#runs.get(message.run)?.stop();
        this.#runs.delete(message.run);
        return;
    }
  }

  async #begin(settings: WorkerSettings): Promise<void> {
    this.#isOpening = true;
    try {
      this.#store = await this.#open(settings);
    } catch (error) {
      this.#send({ type: 'unable', fault: faultOf(error) });
    } finally {
      this.#isOpening = false;
    }
  }

  #run(run: number, request: SegmentRequest): void {
    if (!this.#store) return;
    const { concurrency: maxConcurrency, maxRps, look } = request;
    // The share of this process is one for all runs.
    this.#pace ??= new AdaptiveLimiter({ maxConcurrency, maxRps });
    const pace = this.#pace;
    const onFound = (record: LookRecord) => this.#send({ type: 'looked', run, record });
    const behind = look && new LookElsewhere(this.#store, { ...request, pace }, look, onFound);
    this.#runs.set(run, new LocalSegments(this.#store, request, pace, behind));
  }

  async #lease(run: number, lease: number, of: Lease): Promise<void> {
    const segments = this.#runs.get(run);
    if (!segments) return this.#send({ type: 'stopped', lease, requests: 0 });
    let pages = 0;
    try {
      const ended = await segments.lease(of, async (record) => {
        pages += 1;
        const committed = new Promise<void>((go) => this.#uncommitted.set(lease, go));
        this.#send({ type: 'page', lease, nth: pages, requests: this.#requests(segments), record });
        await committed;
        this.#uncommitted.delete(lease);
      });
      const requests = this.#requests(segments);
      if (ended.end === 'listed') this.#send({ type: 'listed', lease, requests, rest: ended.rest });
      else this.#send({ type: 'stopped', lease, requests });
    } catch (error) {
      this.#send({ type: 'fault', lease, requests: this.#requests(segments), fault: faultOf(error) });
    }
  }

  #begun(): void {
    this.#leases += 1;
    this.#alive ??= setInterval(() => {
      const { sent, open } = this.#pace?.counts ?? { sent: 0, open: 0 };
      this.#send({ type: 'alive', sent, open: open + (this.#isOpening ? 1 : 0) });
    }, this.#aliveEveryMs).unref();
  }

  #ended(): void {
    this.#leases -= 1;
    if (this.#leases > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  /** Requests of a run since the last time. */
  #requests(of: LocalSegments): number {
    const since = of.requests - (this.#reported.get(of) ?? 0);
    this.#reported.set(of, of.requests);
    return since;
  }
}
