import { setTimeout as sleep } from 'node:timers/promises';

import { REPORT_LIMIT } from '../s3/bounded-list';
import { RunStopped } from '../s3/fault-policy';
import { openUploads } from '../s3/open-uploads';
import type { ObjectStore, Versioning } from '../s3/store';
import { sourcesId } from '../s3/version-scope';
import type { BucketReencryption, Stopped } from './bucket-reencryption';
import { readJournal } from './journal';
import type { JournalHead, Resumed } from './journal-entry';
import { ListingPass, type PassTools } from './listing-pass';
import type { PageResult } from './page-queue';
import { EVERY_VERSION, firstPass, laterPass, shouldInspectBy } from './pass-range';
import type { ReencryptRequest } from './reencrypt-request';
import { requireRewrap } from './rewrap-probe';
import { RunCalls } from './run-calls';
import { RunLog } from './run-log';
import type { SegmentRun, SegmentWorkers } from './segment-workers';
import { SharedPass } from './shared-pass';
import { Tally } from './tally';
import { VersionMoves } from './version-moves';

/** LastModified has whole seconds; a version written in the second that a pass began in may be older or newer. */
const SECOND = 1000;

type RunTools = PassTools & { readonly log: RunLog };

/** One run over one bucket, from the first listing to the pass that finds nothing left to move. */
export class BucketRun {
  readonly #request: ReencryptRequest;
  readonly #workers: SegmentWorkers | undefined;
  readonly #calls: RunCalls;
  #moves: VersionMoves | undefined;
  #tally = new Tally();
  #log: RunLog | undefined;
  #shared: SegmentRun | undefined;

  constructor(store: ObjectStore, request: ReencryptRequest, workers?: SegmentWorkers) {
    this.#request = request;
    this.#workers = workers;
    this.#calls = new RunCalls(store, request);
  }

  async run(): Promise<BucketReencryption> {
    let finished = false;
    try {
      finished = await this.#passes();
    } catch (error) {
      this.#calls.end(error);
    }
    await this.#moves?.idle();
    this.#shared?.close();
    const evidence = (await this.#log?.close()) ?? [];
    const { fault, isEnded, sent } = this.#calls;
    const requests = sent + (this.#shared?.requests ?? 0);
    const stopped = isEnded ? stoppedBy(fault, this.#request.signal) : undefined;
    if (isEnded && !stopped) throw fault;
    const { bucket, method } = this.#request;
    return this.#tally.report({ bucket, method, requests, finished, stopped, evidence });
  }

  /** True when the last pass found nothing to move. */
  async #passes(): Promise<boolean> {
    const { bucket, dryRun, method, targetKeyArn, maxPasses = 5 } = this.#request;
    const { store, call, ofBucket } = this.#calls;
    const versioning = await ofBucket(() => store.versioning(bucket));
    if (method === 'rewrap' && !dryRun) await requireRewrap(store, call, bucket, targetKeyArn);
    const resumed = await this.#resume();
    const head = resumed?.head ?? (await this.#head());
    const tools = await this.#open(versioning, head, resumed);
    const run = this.#share(versioning, resumed !== undefined);

    let { startedAt } = head;
    let inspect = EVERY_VERSION;
    for (let pass = resumed?.remaining.length === 0 ? 2 : 1; pass <= maxPasses; pass += 1) {
      if (pass > 1) {
        inspect = laterPass(head, startedAt);
        startedAt = store.now() - SECOND;
      }
      const segments = pass === 1 ? resumed?.remaining : undefined;
      const movedBefore = tools.tally.moved;
      const shouldInspect = pass === 1 ? firstPass(this.#request.only, head) : shouldInspectBy(inspect);
      const shared = run && new SharedPass({ ...tools, ...run }, this.#request, { pass, inspect });
      await new ListingPass(tools, this.#request, { pass, segments, shouldInspect, shared }).run();
      if (this.#calls.isEnded) return false;
      const wasWhole = pass > 1 || resumed === undefined;
      if (dryRun || (wasWhole && tools.tally.moved === movedBefore)) {
        await tools.log.finished();
        return true;
      }
      await this.#waitBeforeRelist();
    }
    return false;
  }

  /** Undefined: this process moves everything by itself. */
  #share(versioning: Versioning, isResumed: boolean): { workers: SegmentWorkers; run: SegmentRun } | undefined {
    const { dryRun, only, onOutcome, evidence, behind, method } = this.#request;
    const workers = this.#workers;
    if (!workers || dryRun || only || onOutcome) return undefined;
    const look = isResumed || method !== 'rewrap' ? undefined : behind?.plan;
    const request = { ...this.#request, versioning, look, keepsEvidence: evidence !== undefined };
    const run = workers.open(request, (record) => behind?.merge?.(record));
    this.#shared = run;
    return { workers, run };
  }

  async #waitBeforeRelist(): Promise<void> {
    const { relistDelayMs = 0, signal } = this.#request;
    if (relistDelayMs > 0) await sleep(relistDelayMs, undefined, signal ? { signal } : {});
  }

  async #resume(): Promise<Resumed | undefined> {
    const { journalFile, dryRun } = this.#request;
    if (journalFile === undefined || dryRun) return undefined;
    return readJournal(journalFile, this.#request, this.#calls.store.now());
  }

  /** An object of an upload that is open now will bear the date the upload was started, so its key is recorded. */
  async #head(): Promise<JournalHead> {
    const { bucket, targetKeyArn, method, sources, switchId, dryRun, only } = this.#request;
    const { store, ofBucket } = this.#calls;
    const startedAt = store.now() - SECOND;
    const run = { bucket, targetKeyArn, method, sources: sourcesId(sources), switchId, only: only?.label, startedAt };
    if (dryRun) return { ...run, uploadKeys: [] };
    const uploads = await openUploads(store, (_bound, send) => ofBucket(send), bucket);
    const uploadKeys = uploads.total > REPORT_LIMIT ? undefined : uploads.first.map((one) => one.key);
    return { ...run, uploadKeys };
  }

  /** Opens tally and log. Versions that an interrupted run failed are retried first, so that the new journal has their state. */
  async #open(versioning: Versioning, head: JournalHead, resumed: Resumed | undefined): Promise<RunTools> {
    const { evidence, dryRun } = this.#request;
    const journalFile = dryRun ? undefined : this.#request.journalFile;
    const tally = Tally.resumed(resumed);
    tally.passes = 1;
    this.#tally = tally;
    const moves = new VersionMoves(this.#calls, this.#request, tally, versioning);
    this.#moves = moves;
    const retried: PageResult[] = [];
    for (const { version } of resumed?.failed ?? []) await moves.start(version, (result) => retried.push(result));
    await moves.idle();
    if (this.#calls.isEnded) throw this.#calls.fault;
    const log = await RunLog.open({ journalFile, evidence }, head, resumed, retried);
    this.#log = log;
    return { calls: this.#calls, moves, tally, log };
  }
}

/** How a run ends without a fault of its own; undefined: it failed. */
function stoppedBy(error: unknown, signal: AbortSignal | undefined): Stopped | undefined {
  if (error instanceof RunStopped) return error.stopped;
  if (signal?.aborted) return { because: 'interrupted', detail: 'interrupted; run the same command again to continue' };
  return undefined;
}
