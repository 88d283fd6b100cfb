import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { type BucketCall, bucketCallOf } from '../s3/bucket-call';
import { FaultPolicy } from '../s3/fault-policy';
import { type Caller, withPacingAndRetry } from '../s3/pacing-and-retry';
import { PrefixPacing } from '../s3/prefix-pacing';
import type { ObjectStore } from '../s3/store';
import type { ReencryptRequest } from './reencrypt-request';

/** The requests of one run over a bucket, and the fault that ends it: with the first one nothing that waits is sent any more. */
export class RunCalls {
  readonly store: ObjectStore;
  readonly pace: AdaptiveLimiter;
  /** What S3 accepts of each prefix of the bucket. */
  readonly prefixes: PrefixPacing;
  /** Requests about object versions. */
  readonly call: Caller;
  /** Requests about the bucket itself. */
  readonly ofBucket: BucketCall;
  readonly faultPolicy: FaultPolicy;
  readonly #halt = new AbortController();
  readonly #listeners = new Set<() => void>();
  #fault: unknown;

  constructor(store: ObjectStore, request: ReencryptRequest) {
    const { bucket, targetKeyArn, concurrency, maxRps, retry = {}, signal } = request;
    this.store = store;
    this.pace = request.pace ?? new AdaptiveLimiter({ maxConcurrency: concurrency, maxRps });
    this.prefixes = new PrefixPacing(this.pace.lanesOf(bucket));
    const halted = signal ? AbortSignal.any([signal, this.#halt.signal]) : this.#halt.signal;
    this.call = withPacingAndRetry(this.pace, retry, halted, this.prefixes);
    this.faultPolicy = new FaultPolicy(targetKeyArn);
    this.ofBucket = bucketCallOf(this.call, this.faultPolicy, bucket);
  }

  /** Requests sent by this run. */
  get sent(): number {
    return this.prefixes.sent;
  }

  /** Requests at once that are allowed now, and why not more. */
  get paceState(): AdaptiveLimiter['state'] {
    const { concurrency, because } = this.pace.state;
    return { concurrency, because: this.prefixes.because ?? because };
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
