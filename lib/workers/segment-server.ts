import { LocalSegments } from '../reencrypt/local-segments';
import type { Lease, SegmentRequest } from '../reencrypt/segment-workers';
import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { ObjectStore } from '../s3/store';
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
  #reported = 0;
  #handled: Promise<void> = Promise.resolve();

  constructor(open: OpenStore, send: (message: FromWorker) => void) {
    this.#open = open;
    this.#send = send;
  }

  /** Handles messages one after the other; leases go on meanwhile. @throws for a message that is none: this process is of no use */
  receive(message: unknown): Promise<void> {
    const known = toWorker.safeParse(message);
    if (!known.success) {
      const [issue] = known.error.issues;
      throw new Error(`a message that is none: ${issue?.path.join('.')}: ${issue?.message}`);
    }
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
        void this.#lease(message.run, message.lease, message.of);
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
    try {
      this.#store = await this.#open(settings);
    } catch (error) {
      this.#send({ type: 'unable', fault: faultOf(error) });
    }
  }

  #run(run: number, request: SegmentRequest): void {
    const { concurrency: maxConcurrency, maxRps } = request;
    // The share of this process is one for all runs.
    this.#pace ??= new AdaptiveLimiter({ maxConcurrency, maxRps });
    if (this.#store) this.#runs.set(run, new LocalSegments(this.#store, request, this.#pace));
  }

  async #lease(run: number, lease: number, of: Lease): Promise<void> {
    const segments = this.#runs.get(run);
    if (!segments) return this.#send({ type: 'stopped', lease, requests: this.#requests() });
    try {
      const ended = await segments.lease(of, async (record) => {
        const committed = new Promise<void>((go) => this.#uncommitted.set(lease, go));
        this.#send({ type: 'page', lease, requests: this.#requests(), record });
        await committed;
        this.#uncommitted.delete(lease);
      });
      const requests = this.#requests();
      if (ended.end === 'listed') this.#send({ type: 'listed', lease, requests, rest: ended.rest });
      else this.#send({ type: 'stopped', lease, requests });
    } catch (error) {
      this.#send({ type: 'fault', lease, requests: this.#requests(), fault: faultOf(error) });
    }
  }

  /** Requests since the last time. */
  #requests(): number {
    const sent = this.#store?.requests() ?? 0;
    const since = sent - this.#reported;
    this.#reported = sent;
    return since;
  }
}
