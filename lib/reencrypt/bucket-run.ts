import { setTimeout as sleep } from 'node:timers/promises';

import { throwIfInterrupted } from '../errors';
import { AdaptiveLimiter, concurrencyOf } from '../s3/adaptive-limiter';
import { REPORT_LIMIT } from '../s3/bounded-list';
import { FaultPolicy, RunStopped } from '../s3/fault-policy';
import { type Segment, splitRest, WHOLE } from '../s3/listing-segments';
import type { ListedVersion, PageMarker, VersionPage } from '../s3/object-version';
import { openUploads } from '../s3/open-uploads';
import { type Caller, withPacingAndRetry } from '../s3/pacing-and-retry';
import { Semaphore } from '../s3/semaphore';
import type { ObjectStore, Versioning } from '../s3/store';
import { asFault } from '../s3/store-fault';
import { listVersionPages } from '../s3/version-listing';
import type { BucketReencryption, Stopped } from './bucket-reencryption';
import { readJournal } from './journal';
import type { JournalHead, Resumed } from './journal-entry';
import { moveVersion, type VersionMove } from './move-version';
import { COPY_SIZES } from './multipart-rewrite';
import { PageQueue, type PageResult } from './page-queue';
import { firstPass, laterPass, type ShouldInspect } from './pass-range';
import { Progress } from './progress';
import type { ReencryptRequest } from './reencrypt-request';
import { requireRewrap } from './rewrap-probe';
import { RunLog } from './run-log';
import { Tally } from './tally';

/** LastModified has whole seconds; a version written in the second that a pass began in may be older or newer. */
const SECOND = 1000;

interface PassRange {
  /** What a resumed run has left to list; absent: everything. */
  readonly segments: readonly Segment[] | undefined;
  readonly isLooked: ShouldInspect;
}

interface Look extends PassRange {
  readonly pass: number;
  readonly move: VersionMove;
}

/** Pages after which a bucket is large enough for several listings at once. */
const SPLIT_AFTER_PAGES = 100;
/** Segments that the rest is listed in. */
const PARTS = 4;

/** One run over one bucket, from the first listing to the pass that finds nothing left to move. */
export class BucketRun {
  readonly #store: ObjectStore;
  readonly #request: ReencryptRequest;
  readonly #pace: AdaptiveLimiter;
  readonly #slots: Semaphore;
  readonly #call: Caller;
  readonly #faultPolicy: FaultPolicy;
  readonly #progress: Progress;
  readonly #before: number;
  readonly #queues = new Set<PageQueue>();
  /** Fires with the first fault that ends the run: nothing that waits is sent any more. */
  readonly #halt = new AbortController();
  #tally = new Tally();
  #log: RunLog | undefined;
  #stop: unknown;

  constructor(store: ObjectStore, request: ReencryptRequest) {
    this.#store = store;
    this.#request = request;
    this.#pace = new AdaptiveLimiter({ maxConcurrency: request.concurrency, maxRps: request.maxRps });
    this.#slots = new Semaphore(concurrencyOf(request.concurrency));
    const signal = request.signal ? AbortSignal.any([request.signal, this.#halt.signal]) : this.#halt.signal;
    this.#call = withPacingAndRetry(this.#pace, request.retry ?? {}, signal);
    this.#faultPolicy = new FaultPolicy(request.targetKeyArn);
    this.#progress = new Progress(request.onProgress);
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
    const evidence = (await this.#log?.close()) ?? [];
    const stopped = this.#stop === undefined ? undefined : stoppedBy(this.#stop, this.#request.signal);
    if (this.#stop !== undefined && !stopped) throw this.#stop;
    const { bucket, method } = this.#request;
    const requests = this.#store.requests() - this.#before;
    return this.#tally.report({ bucket, method, requests, finished, stopped, evidence });
  }

  /** True when the last pass found nothing to move. */
  async #passes(): Promise<boolean> {
    const { bucket, dryRun, method, targetKeyArn, maxPasses = 5 } = this.#request;
    const versioning = await this.#guarded(() => this.#store.versioning(bucket));
    if (method === 'rewrap' && !dryRun) await requireRewrap(this.#store, this.#call, bucket, targetKeyArn);
    const resumed = await this.#resume();
    const head = resumed?.head ?? (await this.#head());
    await this.#openLog(versioning, head, resumed);

    let begun = head.begun;
    let isLooked = firstPass(this.#request.only, head);
    for (let pass = resumed?.remaining.length === 0 ? 2 : 1; pass <= maxPasses; pass += 1) {
      if (pass > 1) {
        isLooked = laterPass(head, begun);
        begun = this.#store.now() - SECOND;
      }
      const segments = pass === 1 ? resumed?.remaining : undefined;
      const movedBefore = this.#tally.moved;
      await this.#pass(pass, versioning, { segments, isLooked });
      if (this.#stop !== undefined) return false;
      const wasWhole = pass > 1 || resumed === undefined;
      if (dryRun || (wasWhole && this.#tally.moved === movedBefore)) return this.#finish();
      await this.#settle();
    }
    return false;
  }

  async #finish(): Promise<boolean> {
    await this.#log?.finished();
    return true;
  }

  async #settle(): Promise<void> {
    const { relistDelayMs = 0, signal } = this.#request;
    if (relistDelayMs > 0) await sleep(relistDelayMs, undefined, signal ? { signal } : {});
  }

  async #resume(): Promise<Resumed | undefined> {
    const { journalFile, dryRun } = this.#request;
    return journalFile === undefined || dryRun ? undefined : readJournal(journalFile, this.#request, this.#store.now());
  }

  /** What comes of an upload that is open now will bear the date it was begun, so that its key is kept in mind. */
  async #head(): Promise<JournalHead> {
    const { bucket, targetKeyArn, method, dryRun, only } = this.#request;
    const begun = this.#store.now() - SECOND;
    const run = { bucket, targetKeyArn, method, only: only?.label, begun };
    if (dryRun) return { ...run, uploadKeys: [] };
    const call: Caller = (_bound, send) => this.#guarded(send);
    const uploads = await openUploads(this.#store, call, bucket);
    const uploadKeys = uploads.total > REPORT_LIMIT ? undefined : uploads.first.map((one) => one.key);
    return { ...run, uploadKeys };
  }

  /** Versions that an interrupted run failed are tried first, so that the new journal says how they stand now. */
  async #openLog(versioning: Versioning, head: JournalHead, resumed: Resumed | undefined): Promise<void> {
    const { evidence, dryRun } = this.#request;
    const journalFile = dryRun ? undefined : this.#request.journalFile;
    this.#tally = Tally.resumed(resumed);
    this.#tally.passes = 1;
    const retried: PageResult[] = [];
    const move = this.#move(versioning);
    for (const { version } of resumed?.failed ?? []) {
      await this.#slots.acquire();
      void this.#one(move, version, (result) => retried.push(result));
    }
    await this.#slots.idle();
    if (this.#stop !== undefined) throw this.#stop;
    this.#log = await RunLog.open({ journalFile, evidence }, head, resumed, retried);
  }

  async #pass(pass: number, versioning: Versioning, range: PassRange): Promise<void> {
    this.#tally.passes = pass;
    const look: Look = { pass, move: this.#move(versioning), ...range };
    const segments = range.segments?.map((segment, at) => this.#lookAtSegment(look, segment, at + 1));
    await allEnded(segments ?? [this.#lookAtWhole(look)]);
  }

  /** Lists in one go, and once the bucket turns out to be large, what is left of it in segments side by side. */
  async #lookAtWhole(look: Look): Promise<void> {
    const { bucket, splitAfterPages = SPLIT_AFTER_PAGES } = this.#request;
    const rest = await this.#lookAtSegment(look, WHOLE, 0, splitAfterPages);
    if (rest === undefined) return;
    const listing = <T>(send: () => Promise<T>) => this.#guarded(send);
    const segments = await splitRest(this.#store, listing, bucket, rest.key, PARTS);
    if (look.pass === 1) await this.#log?.segments(rest.key, segments);
    // What is left of the key that the first pages ended in belongs to them.
    const tail = this.#lookAtSegment(look, { after: rest, to: rest.key }, 0);
    await allEnded([tail, ...segments.map((segment, at) => this.#lookAtSegment(look, segment, at + 1))]);
  }

  /** Looks at the versions of one segment. @returns where it was left after `maxPages`, when there is more */
  async #lookAtSegment(
    look: Look,
    segment: Segment,
    number: number,
    maxPages?: number,
  ): Promise<PageMarker | undefined> {
    const { pass } = look;
    const queue = new PageQueue(async (page) => this.#log?.commitPage(pass, number, page));
    this.#queues.add(queue);
    try {
      let pages = 0;
      const listing = (send: () => Promise<VersionPage>) => this.#guarded(send);
      for await (const page of listVersionPages(this.#store, { bucket: this.#request.bucket, ...segment, listing })) {
        await this.#lookAtPage(look, page, queue);
        if (this.#stop !== undefined) return undefined;
        pages += 1;
        if (pages === maxPages && page.next) return page.next;
      }
      return undefined;
    } finally {
      await this.#slots.idle();
      this.#queues.delete(queue);
      await queue.flushed();
    }
  }

  async #lookAtPage({ pass, move, isLooked }: Look, page: VersionPage, queue: PageQueue): Promise<void> {
    const room = queue.room();
    if (room) await room;
    if (this.#stop !== undefined) return;
    this.#tally.listed(pass, { listed: page.versions.length, deleteMarkers: page.markerKeys.length });
    const looked = page.versions.filter(isLooked);
    const report = queue.add(page, looked.length);
    for (const version of looked) {
      const slot = this.#slots.acquire();
      if (slot) await slot;
      void this.#one(move, version, report);
      if (this.#stop !== undefined) return;
      throwIfInterrupted(this.#request.signal, 're-encryption');
    }
  }

  async #one(move: VersionMove, version: ListedVersion, report: (result: PageResult) => void): Promise<void> {
    try {
      const outcomes = await moveVersion(move, version);
      for (const outcome of outcomes) {
        this.#tally.add(outcome);
        this.#request.onOutcome?.(outcome);
      }
      this.#tally.settled += 1;
      report({ version, outcomes });
      this.#progress.at(this.#tally.settled, (rate) => this.#standing(rate));
    } catch (error) {
      this.#stop ??= error;
      this.#halt.abort();
      // Pages whose versions are given up are never settled: whoever waits for them must see that the run stops.
      for (const queue of this.#queues) queue.release();
    } finally {
      this.#slots.release();
    }
  }

  #move(versioning: Versioning): VersionMove {
    const { bucket, targetKeyArn, bucketKeyDefault, method, dryRun } = this.#request;
    const { copySizes = COPY_SIZES, optimistic = false } = this.#request;
    const run = { store: this.#store, call: this.#call, faultPolicy: this.#faultPolicy };
    return { ...run, bucket, targetKeyArn, bucketKeyDefault, method, versioning, dryRun, copySizes, optimistic };
  }

  /** A request about the bucket itself: its faults are never one version's. */
  async #guarded<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await this.#call('s3', send);
    } catch (error) {
      const fault = asFault(error);
      if (!fault) throw error;
      throw this.#faultPolicy.bucketFault(fault, this.#request.bucket);
    }
  }

  #standing(rate: string): string {
    const { bucket, method } = this.#request;
    const { concurrency, because } = this.#pace.state;
    return `${bucket}: ${this.#tally.text(method)}; ${rate}, ${concurrency} at once (${because})`;
  }
}

/** Waits for all, so that nothing is under way when the first failure is thrown. */
async function allEnded(under: readonly Promise<unknown>[]): Promise<void> {
  const ends = await Promise.allSettled(under);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

/** How a run ends that nothing is wrong with; undefined: it failed. */
function stoppedBy(error: unknown, signal: AbortSignal | undefined): Stopped | undefined {
  if (error instanceof RunStopped) return error.stopped;
  if (signal?.aborted) return { because: 'interrupted', detail: 'interrupted; run the same command again to go on' };
  return undefined;
}
