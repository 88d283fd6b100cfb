import { KeyturnError } from '../errors';
import type { PageRecord } from '../reencrypt/page-record';
import type { Lease, LeaseEnd, SegmentRequest } from '../reencrypt/segment-workers';
import type { LookRecord } from '../s3/look-record';
import { errorOf } from './worker-fault';
import { type FromWorker, fromWorker, type WorkerSettings } from './worker-messages';
import type { StartWorker, WorkerProcess } from './worker-process';
import { type Patience, WorkerProgress } from './worker-progress';

/** A run over a bucket, as processes are told of it. */
export interface AnnouncedRun {
  readonly number: number;
  readonly request: SegmentRequest;
  readonly onLook: (record: LookRecord) => void;
  /** Requests that were sent for it. */
  requests: number;
}

/** A lease that a process works on. */
interface OpenLease {
  readonly run: AnnouncedRun;
  readonly commit: (record: PageRecord) => Promise<void>;
  readonly resolve: (end: LeaseEnd) => void;
  readonly reject: (error: unknown) => void;
  committing: Promise<void>;
  /** Pages of it that were reported, and those of them that are being recorded. */
  pages: number;
  uncommitted: number;
}

/**
 * One process and the leases that it works on. When it dies, those end as `died`, once the page that it sent last is recorded or refused. It is
 * started again with the next lease. One that gets on with none of its leases is ended.
 */
export class RunningWorker {
  readonly #number: number;
  readonly #start: StartWorker;
  readonly #settings: WorkerSettings;
  readonly #patience: Patience;
  readonly #leases = new Map<number, OpenLease>();
  readonly #runs = new Map<number, AnnouncedRun>();
  #process: WorkerProcess | undefined;
  #progress: WorkerProgress;
  #watch: NodeJS.Timeout | undefined;
  #lastLease = 0;

  constructor(number: number, start: StartWorker, settings: WorkerSettings, patience: Patience) {
    this.#number = number;
    this.#start = start;
    this.#settings = settings;
    this.#patience = patience;
    this.#progress = new WorkerProgress(patience);
  }

  get leases(): number {
    return this.#leases.size;
  }

  /** Starts the process if it is not running. */
  start(): WorkerProcess {
    if (this.#process) return this.#process;
    const started = this.#start({
      onMessage: (message) => this.#receive(started, message),
      onEnd: (how) => this.#ended(started, how),
    });
    this.#process = started;
    this.#progress = new WorkerProgress(this.#patience);
    started.send({ type: 'begin', settings: this.#settings });
    return started;
  }

  lease(run: AnnouncedRun, of: Lease, commit: OpenLease['commit']): Promise<LeaseEnd> {
    const worker = this.start();
    if (!this.#runs.has(run.number)) worker.send({ type: 'run', run: run.number, request: run.request });
    this.#runs.set(run.number, run);
    this.#lastLease += 1;
    const lease = this.#lastLease;
    return new Promise((resolve, reject) => {
      this.#leases.set(lease, {
        run,
        commit,
        resolve,
        reject,
        committing: Promise.resolve(),
        pages: 0,
        uncommitted: 0,
      });
      this.#progress.progressed();
      this.#watch ??= setInterval(() => this.#look(), this.#patience.everyMs).unref();
      worker.send({ type: 'lease', run: run.number, lease, of });
    });
  }

  /** Ends the leases of a run as soon as their requests in progress are answered. */
  stop(run: number): void {
    if (this.#runs.delete(run)) this.#process?.send({ type: 'stop', run });
  }

  close(): void {
    this.#process?.kill();
    this.#process = undefined;
    this.#unwatch();
  }

  #receive(from: WorkerProcess, message: unknown): void {
    if (from !== this.#process) return;
    const known = fromWorker.safeParse(message);
    if (known.success) this.#handle(from, known.data);
    else this.#refuse(`${this.#name(from)} sent a message that is none: ${known.error.issues[0]?.message}`);
  }

  #handle(from: WorkerProcess, message: FromWorker): void {
    if (message.type === 'unable') {
      this.#fail(errorOf(message.fault));
      return;
    }
    if (message.type === 'alive') {
      this.#progress.lives(message);
      return;
    }
    this.#progress.progressed();
    if (message.type === 'looked') {
      // What comes of a run that is over counts for nothing.
      this.#runs.get(message.run)?.onLook(message.record);
      return;
    }
    const lease = this.#leases.get(message.lease);
    if (!lease) {
      this.#refuse(`${this.#name(from)} reports on lease ${message.lease}, which it does not have`);
      return;
    }
    lease.run.requests += message.requests;
    if (message.type !== 'page') {
      this.#end(lease, message);
      return;
    }
    lease.pages += 1;
    if (message.nth === lease.pages) this.#commit(from, message.lease, lease, message.record);
    else this.#refuse(`${this.#name(from)} reports page ${message.nth} of a lease, not page ${lease.pages}`);
  }

  #end(lease: OpenLease, message: Extract<FromWorker, { type: 'listed' | 'stopped' | 'fault' }>): void {
    this.#remove(message.lease);
    void lease.committing.then(() => {
      if (message.type === 'fault') lease.reject(errorOf(message.fault));
      else if (message.type === 'stopped') lease.resolve({ end: 'stopped' });
      else lease.resolve({ end: 'listed', rest: message.rest });
    });
  }

  #commit(from: WorkerProcess, number: number, lease: OpenLease, record: PageRecord): void {
    lease.uncommitted += 1;
    lease.committing = lease.committing
      .then(() => lease.commit(record))
      .then(
        () => {
          lease.uncommitted -= 1;
          this.#progress.progressed();
          from.send({ type: 'committed', lease: number });
        },
        (error) => {
          this.#remove(number);
          lease.reject(error);
        },
      );
  }

  /** A process that hangs holds its leases for ever: it is ended, and whoever takes them over begins behind the last recorded page. */
  #look(): void {
    const worker = this.#process;
    if (!worker) return;
    const isOurTurn = [...this.#leases.values()].some((one) => one.uncommitted > 0);
    const how = this.#progress.look(isOurTurn);
    if (how === undefined) return;
    worker.kill();
    this.#ended(worker, how);
  }

  #unwatch(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #remove(lease: number): void {
    this.#leases.delete(lease);
    if (this.#leases.size === 0) this.#unwatch();
  }

  #ended(worker: WorkerProcess, how: string): void {
    if (worker !== this.#process) return;
    this.#process = undefined;
    this.#runs.clear();
    const end = { end: 'died', worker: `${this.#name(worker)}, ${how}` } as const;
    for (const lease of this.#takeAll()) void lease.committing.then(() => lease.resolve(end));
  }

  #name({ pid }: WorkerProcess): string {
    return `process ${this.#number} (id ${pid ?? 'unknown'})`;
  }

  #refuse(found: string): void {
    this.#fail(new KeyturnError('worker-answer-invalid', { found }));
  }

  /** Nothing that this process says counts any more. */
  #fail(error: Error): void {
    this.close();
    this.#runs.clear();
    // A page that is being recorded is recorded first: after the end nothing may write.
    for (const lease of this.#takeAll()) void lease.committing.then(() => lease.reject(error));
  }

  #takeAll(): readonly OpenLease[] {
    const all = [...this.#leases.values()];
    this.#leases.clear();
    this.#unwatch();
    return all;
  }
}
