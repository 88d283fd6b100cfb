import type { LeaseEnd, SegmentRequest, SegmentRun, SegmentWorkers } from '../reencrypt/segment-workers';
import type { LookRecord } from '../s3/look-record';
import { type AnnouncedRun, RunningWorker } from './running-worker';
import type { WorkerSettings } from './worker-messages';
import type { StartWorker } from './worker-process';
import { PATIENCE, type Patience } from './worker-progress';

/** Leases of one process at once: while one begins with a listing, the others keep it busy. */
const LEASES_AT_ONCE = 3;

export interface WorkerPoolOptions {
  /** Processes at most, from 1. */
  readonly processes: number;
  readonly settings: WorkerSettings;
  readonly start: StartWorker;
  /** With a process that makes no progress. Default: {@link PATIENCE}. */
  readonly patience?: Patience | undefined;
}

/** Processes that move segments for the runs of one command, whichever bucket these are of. They are started when they are needed. */
export class WorkerPool implements SegmentWorkers {
  readonly #workers: readonly RunningWorker[];
  readonly #waiting: (() => void)[] = [];
  #lastRun = 0;

  constructor({ processes, settings, start, patience = PATIENCE }: WorkerPoolOptions) {
    const worker = (_: unknown, at: number) => new RunningWorker(at + 1, start, settings, patience);
    this.#workers = Array.from({ length: processes }, worker);
  }

  get processes(): number {
    return this.#workers.length;
  }

  get slots(): number {
    return this.processes * LEASES_AT_ONCE;
  }

  start(): void {
    for (const worker of this.#workers) worker.start();
  }

  open(request: SegmentRequest, onLook: (record: LookRecord) => void = () => undefined): SegmentRun {
    this.#lastRun += 1;
    const run: AnnouncedRun = { number: this.#lastRun, request: plain(request), onLook, requests: 0 };
    let isStopped = false;
    const stop = () => {
      isStopped = true;
      for (const worker of this.#workers) worker.stop(run.number);
      this.#wake();
    };
    return {
      get requests() {
        return run.requests;
      },
      lease: async (lease, commit): Promise<LeaseEnd> => {
        const worker = await this.#free(() => isStopped);
        if (!worker) return { end: 'stopped' };
        return worker.lease(run, lease, commit).finally(() => this.#wake());
      },
      stop,
      close: stop,
    };
  }

  /** Ends every process. */
  close(): void {
    for (const worker of this.#workers) worker.close();
  }

  /** The process with the least to do, once there is one that can take a lease; undefined: nobody waits for it any more. */
  async #free(isStopped: () => boolean): Promise<RunningWorker | undefined> {
    while (!isStopped()) {
      const [first, ...others] = this.#workers;
      const least = others.reduce((least, one) => (least && one.leases < least.leases ? one : least), first);
      if (least && least.leases < LEASES_AT_ONCE) return least;
      await new Promise<void>((go) => this.#waiting.push(go));
    }
    return undefined;
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** What a process is told of a run, and nothing else that the caller may have in the same object. */
function plain(request: SegmentRequest): SegmentRequest {
  const { bucket, targetKeyArn, bucketKeyDefault, method, optimistic, concurrency, maxRps } = request;
  const { retry, copySizes, versioning, look, keepsEvidence } = request;
  const { versionKeyArns, unresolvedVersions, from } = request.sources;
  const sources = { versionKeyArns, unresolvedVersions, from };
  const scope = { bucket, targetKeyArn, sources, bucketKeyDefault, method, optimistic };
  return { ...scope, concurrency, maxRps, retry, copySizes, versioning, look, keepsEvidence };
}
