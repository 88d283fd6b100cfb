import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { type BucketCall, bucketCallOf } from '../s3/bucket-call';
import { FaultPolicy } from '../s3/fault-policy';
import { type Caller, withPacingAndRetry } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import type { LookBehind, ReencryptRequest } from './reencrypt-request';

/** The requests of one run over a bucket, and the fault that ends it: with the first one nothing that waits is sent any more. */
export class RunCalls {
  readonly store: ObjectStore;
  readonly pace: AdaptiveLimiter;
  /** Requests about object versions. */
  readonly call: Caller;
  /** Requests about the bucket itself. */
  readonly ofBucket: BucketCall;
  readonly faultPolicy: FaultPolicy;
  readonly #before: number;
  readonly #behind: Pick<LookBehind, 'requests'> | undefined;
  readonly #halt = new AbortController();
  readonly #listeners = new Set<() => void>();
  #fault: unknown;

  constructor(store: ObjectStore, request: ReencryptRequest) {
    const { bucket, targetKeyArn, concurrency, maxRps, retry = {}, signal, limiter } = request;
    this.store = store;
    this.pace = limiter ?? new AdaptiveLimiter({ maxConcurrency: concurrency, maxRps });
    const halted = signal ? AbortSignal.any([signal, this.#halt.signal]) : this.#halt.signal;
    this.call = withPacingAndRetry(this.pace, retry, halted);
    this.faultPolicy = new FaultPolicy(targetKeyArn);
    this.ofBucket = bucketCallOf(this.call, this.faultPolicy, bucket);
    this.#behind = request.behind;
    this.#before = this.#all();
  }

  /** Requests sent by this run. */
  get sent(): number {
    return this.#all() - this.#before;
  }

  /** Requests of the store, without those of whoever looks behind the run. */
  #all(): number {
    return this.store.requests() - (this.#behind?.requests ?? 0);
  }

  /** What ended the run; undefined: nothing yet. */
  get fault(): unknown {
    return this.#fault;
  }

  get isEnded(): boolean {
    return this.#fault !== undefined;
  }

  /** Ends the run with a fault; the first one counts. */
  end(fault: unknown): void {
    this.#fault ??= fault;
    this.#halt.abort();
    for (const listener of this.#listeners) listener();
  }

  /** Calls a listener when the run is ended. @returns what removes it */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
