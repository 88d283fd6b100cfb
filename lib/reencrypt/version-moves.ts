import { concurrencyOf } from '../s3/adaptive-limiter';
import type { ListedVersion } from '../s3/object-version';
import { Progress } from '../s3/progress';
import { Semaphore } from '../s3/semaphore';
import type { Versioning } from '../s3/store';
import { moveVersion, type VersionMove } from './move-version';
import { COPY_SIZES } from './multipart-rewrite';
import type { PageResult } from './page-queue';
import type { ReencryptRequest } from './reencrypt-request';
import type { RunCalls } from './run-calls';
import type { Tally } from './tally';
import { UnseenParts } from './unseen-parts';

/** Moves object versions of a bucket, as many at once as the run allows, and counts their outcomes. */
export class VersionMoves {
  readonly #calls: RunCalls;
  readonly #request: ReencryptRequest;
  readonly #tally: Tally;
  readonly #move: VersionMove;
  readonly #slots: Semaphore;
  readonly #progress: Progress;

  constructor(calls: RunCalls, request: ReencryptRequest, tally: Tally, versioning: Versioning) {
    this.#calls = calls;
    this.#request = request;
    this.#tally = tally;
    this.#move = moveOf(calls, request, versioning);
    this.#slots = new Semaphore(concurrencyOf(request.concurrency));
    this.#progress = new Progress(request.onProgress, request.total);
  }

  /**
   * Waits for a free slot and starts to move a version. It reports when the version is done, and never when that ended the run.
   */
  async start(version: ListedVersion, report: (result: PageResult) => void): Promise<void> {
    const room = this.#calls.prefixes.room(version.key);
    if (room) await room;
    const slot = this.#slots.acquire();
    if (slot) await slot;
    void this.#one(version, report);
  }

  /** Resolves when no version is being moved. */
  idle(): Promise<void> {
    return this.#slots.idle();
  }

  async #one(version: ListedVersion, report: (result: PageResult) => void): Promise<void> {
    try {
      const outcomes = await moveVersion(this.#move, version);
      for (const outcome of outcomes) {
        this.#tally.add(outcome);
        this.#request.onOutcome?.(outcome);
      }
      this.#tally.inspected += 1;
      report({ version, outcomes });
      this.#progress.at(this.#tally.inspected, (pace) => this.#progressText(pace));
    } catch (error) {
      this.#calls.end(error);
    } finally {
      this.#slots.release();
    }
  }

  #progressText(pace: string): string {
    const { bucket, method, dryRun } = this.#request;
    const { concurrency, because } = this.#calls.paceState;
    return `${bucket}: ${pace}; ${this.#tally.text(method, dryRun)}; ${concurrency} at once (${because})`;
  }
}

function moveOf(
  { store, call, faultPolicy }: RunCalls,
  request: ReencryptRequest,
  versioning: Versioning,
): VersionMove {
  const { bucket, targetKeyArn, bucketKeyDefault, method, dryRun, sources } = request;
  const { copySizes = COPY_SIZES } = request;
  const optimistic = request.optimistic === true && sources.from.any;
  const scope = { activeKeyArn: targetKeyArn, ...sources };
  const run = { store, call, faultPolicy };
  const context = { ...run, targetKeyArn, bucketKeyDefault, copySizes };
  const unseen = new UnseenParts(context, { method, versioning });
  return { ...context, bucket, scope, method, versioning, dryRun, unseen, optimistic };
}
