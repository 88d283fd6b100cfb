import { concurrencyOf } from '../s3/adaptive-limiter';
import type { ListedVersion, ObjectHead } from '../s3/object-version';
import { Progress } from '../s3/progress';
import { Semaphore } from '../s3/semaphore';
import type { Versioning } from '../s3/store';
import { INSPECTED, type MoveManner, moveVersion, proveMove, provenBy, type VersionMove } from './move-version';
import { COPY_SIZES } from './multipart-rewrite';
import type { VersionOutcome } from './outcome';
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
  async start(version: ListedVersion, report: (result: PageResult) => void, manner = INSPECTED): Promise<void> {
    const room = this.#calls.prefixes.room(version.key);
    if (room) await room;
    const slot = this.#slots.acquire();
    if (slot) await slot;
    void this.#one(version, report, manner);
  }

  /** What became of a version that is not proven, by the answer to somebody's HEAD; undefined: that does not prove it. */
  provenBy({ version, unproven }: PageResult, head: ObjectHead): PageResult | undefined {
    const outcome = unproven && provenBy(this.#move, version, unproven, head);
    return outcome && this.#counted(version, [outcome]);
  }

  /** The same, by looking now. @throws what ends the run */
  async prove({ version, outcomes, unproven }: PageResult): Promise<PageResult> {
    if (!unproven) return { version, outcomes };
    const slot = this.#slots.acquire();
    if (slot) await slot;
    try {
      return this.#counted(version, await proveMove(this.#move, version, unproven));
    } finally {
      this.#slots.release();
    }
  }

  /** Resolves when no version is being moved. */
  idle(): Promise<void> {
    return this.#slots.idle();
  }

  /** Reports how far the run is, as often as a person can read it. `by`: who moves, where others do. */
  showProgress(by?: string): void {
    this.#progress.at(this.#tally.inspected, (pace) => this.#progressText(pace, by));
  }

  async #one(version: ListedVersion, report: (result: PageResult) => void, manner: MoveManner): Promise<void> {
    try {
      const end = await moveVersion(this.#move, version, manner);
      this.#tally.inspected += 1;
      report('end' in end ? { version, outcomes: [], unproven: end } : this.#counted(version, end));
      this.showProgress();
    } catch (error) {
      this.#calls.end(error);
    } finally {
      this.#slots.release();
    }
  }

  #counted(version: ListedVersion, outcomes: readonly VersionOutcome[]): PageResult {
    for (const outcome of outcomes) {
      this.#tally.add(outcome);
      this.#request.onOutcome?.(outcome);
    }
    return { version, outcomes };
  }

  #progressText(pace: string, by: string | undefined): string {
    const { bucket, method, dryRun } = this.#request;
    const { concurrency, because } = this.#calls.paceState;
    return `${bucket}: ${pace}; ${this.#tally.text(method, dryRun)}; ${by ?? `${concurrency} at once (${because})`}`;
  }
}

function moveOf(
  { store, call, faultPolicy }: RunCalls,
  request: ReencryptRequest,
  versioning: Versioning,
): VersionMove {
  const { bucket, targetKeyArn, bucketKeyDefault, method, dryRun, sources } = request;
  const { copySizes = COPY_SIZES } = request;
  const scope = { activeKeyArn: targetKeyArn, ...sources };
  const run = { store, call, faultPolicy };
  const context = { ...run, targetKeyArn, bucketKeyDefault, copySizes };
  const unseen = new UnseenParts(context, { method, versioning });
  return { ...context, bucket, scope, method, versioning, dryRun, unseen };
}
