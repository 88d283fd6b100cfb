import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfInterrupted } from '../errors';
import { type Caller, pacedCaller, type RetryOptions } from './caller';
import { inventory } from './inventory';
import { moveVersion } from './move-version';
import { COPY_SIZES } from './multipart-rewrite';
import type { ListedVersion } from './object-version';
import type { BucketReencryption, Stopped, VersionOutcome } from './outcome';
import { Pace } from './pace';
import type { CopySizes } from './rewrap';
import { Slots } from './slots';
import { FaultJudge, RunStopped } from './stop';
import type { ObjectStore, Versioning } from './store';
import { asFault } from './store-fault';
import { Tally } from './tally';

export type { BucketReencryption } from './outcome';

export interface ReencryptRequest {
  readonly bucket: string;
  /** Full ARN of the active key. */
  readonly targetKeyArn: string;
  /** Bucket key setting for versions that no KMS key held before; the others keep their own. */
  readonly bucketKeyDefault: boolean;
  readonly method: 'rewrap' | 'rewrite';
  /** Requests under way at once at the most, 1 to 1,024. Default 256; fewer where S3 or KMS ask for it. */
  readonly concurrency?: number | undefined;
  /** Requests a second at the most, to leave room for production traffic. Default: no limit of ours. */
  readonly maxRps?: number | undefined;
  /** Looks and decides, changes nothing. */
  readonly dryRun: boolean;
  /** When it fires, requests under way end, no new one begins, and what was done is reported. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait before the bucket is listed again for what writers added meanwhile. Default 0. */
  readonly settleMs?: number | undefined;
  /** Listings at the most, the first included. Default 5. */
  readonly maxPasses?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly copySizes?: CopySizes | undefined;
  /** A line about where the run stands. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Called for each outcome, in no order. */
  readonly onOutcome?: ((outcome: VersionOutcome) => void) | undefined;
}

/**
 * Moves every object version of a bucket that can be moved under the target key, and says of every other one why not.
 * The first pass looks at every version; later ones at those that were written since, until a pass moves nothing.
 *
 * @returns a partial result with `stopped` when it was interrupted, the credentials ended, or S3 could not be reached
 * @throws aws-access-denied, target-key-unusable, rewrap-unsupported, rewrite-unsupported, aws-failed: faults of the
 *   configuration, at once
 */
export async function reencryptBucket(store: ObjectStore, request: ReencryptRequest): Promise<BucketReencryption> {
  return new BucketRun(store, request).run();
}

/** LastModified has whole seconds; a version written in the second that a pass began in may be older or newer. */
const SECOND = 1000;

class BucketRun {
  readonly #store: ObjectStore;
  readonly #request: ReencryptRequest;
  readonly #tally = new Tally();
  readonly #pace: Pace;
  readonly #slots: Slots;
  readonly #call: Caller;
  readonly #judge: FaultJudge;
  readonly #before: number;
  #stop: unknown;

  constructor(store: ObjectStore, request: ReencryptRequest) {
    this.#store = store;
    this.#request = request;
    this.#pace = new Pace({ maxConcurrency: request.concurrency, maxRps: request.maxRps });
    this.#slots = new Slots(Math.max(1, Math.min(1024, request.concurrency ?? 256)));
    this.#call = pacedCaller(this.#pace, request.retry ?? {}, request.signal);
    this.#judge = new FaultJudge(request.targetKeyArn);
    this.#before = store.requests();
  }

  async run(): Promise<BucketReencryption> {
    let finished = false;
    try {
      finished = await this.#passes();
    } catch (error) {
      this.#stop ??= error;
    }
    await this.#slots.idle();
    const stopped = this.#stop === undefined ? undefined : stoppedBy(this.#stop, this.#request.signal);
    if (this.#stop !== undefined && !stopped) throw this.#stop;
    const { bucket, method } = this.#request;
    const requests = this.#store.requests() - this.#before;
    return this.#tally.report({ bucket, method, requests, finished, stopped });
  }

  /** True when the last pass found nothing to move. */
  async #passes(): Promise<boolean> {
    const { dryRun, maxPasses = 5, settleMs = 0 } = this.#request;
    const versioning = await this.#guarded(() => this.#store.versioning(this.#request.bucket));
    let since = Number.NEGATIVE_INFINITY;
    for (let pass = 1; pass <= maxPasses; pass += 1) {
      this.#tally.passes = pass;
      const begun = this.#store.now() - SECOND;
      const movedBefore = this.#tally.moved;
      await this.#pass(versioning, since);
      if (this.#stop !== undefined) return false;
      if (dryRun || this.#tally.moved === movedBefore) return true;
      since = begun;
      if (settleMs > 0) await sleep(settleMs, undefined, this.#request.signal ? { signal: this.#request.signal } : {});
    }
    return false;
  }

  async #pass(versioning: Versioning, since: number): Promise<void> {
    const { bucket, method, signal, onProgress } = this.#request;
    let [objectVersions, deleteMarkers] = [0, 0];
    const listing = <T>(send: () => Promise<T>) => this.#guarded(send);
    for await (const page of inventory(this.#store, { bucket, listing })) {
      for (const version of page.versions) {
        objectVersions += 1;
        if (version.lastModified < since) continue;
        const room = this.#slots.take();
        if (room) await room;
        void this.#one(versioning, version);
        if (this.#stop !== undefined) return;
        throwIfInterrupted(signal, 're-encryption');
      }
      deleteMarkers += page.deleteMarkers;
      onProgress?.(`${bucket}: ${this.#tally.text(method)}; ${this.#paceText()}`);
    }
    await this.#slots.idle();
    Object.assign(this.#tally, { objectVersions, deleteMarkers });
  }

  async #one(versioning: Versioning, version: ListedVersion): Promise<void> {
    const { bucket, targetKeyArn, bucketKeyDefault, method, dryRun, copySizes = COPY_SIZES, onOutcome } = this.#request;
    const run = { store: this.#store, call: this.#call, judge: this.#judge };
    const move = { ...run, bucket, targetKeyArn, bucketKeyDefault, method, versioning, dryRun, copySizes };
    try {
      for (const outcome of await moveVersion(move, version)) {
        this.#tally.add(outcome);
        onOutcome?.(outcome);
      }
      this.#tally.settled += 1;
    } catch (error) {
      this.#stop ??= error;
    } finally {
      this.#slots.give();
    }
  }

  /** A request about the bucket itself: its faults are never one version's. */
  async #guarded<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await this.#call('s3', send);
    } catch (error) {
      const fault = asFault(error);
      if (!fault) throw error;
      throw this.#judge.bucketFault(fault, this.#request.bucket);
    }
  }

  #paceText(): string {
    const { concurrency, because } = this.#pace.state;
    return `${concurrency} at once (${because})`;
  }
}

/** How a run ends that nothing is wrong with; undefined: it failed. */
function stoppedBy(error: unknown, signal: AbortSignal | undefined): Stopped | undefined {
  if (error instanceof RunStopped) return error.stopped;
  if (signal?.aborted) return { because: 'interrupted', detail: 'interrupted; run the same command again to go on' };
  return undefined;
}
