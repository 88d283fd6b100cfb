import type { AdaptiveLimiter } from '../s3/adaptive-limiter';
import type { ObjectStore } from '../s3/store';
import { ListingPass } from './listing-pass';
import { pageRecord } from './page-record';
import { shouldInspectBy } from './pass-range';
import type { LookBehind } from './reencrypt-request';
import { RunCalls } from './run-calls';
import type { Lease, LeaseEnd, SegmentRequest, SegmentRun } from './segment-workers';
import { Tally } from './tally';
import { VersionMoves } from './version-moves';

/** Ends a run that another process stops: no fault of its own. */
const STOPPED = new Error('the run was stopped');

/** The segments of a run that this process moves for another one. */
export class LocalSegments implements SegmentRun {
  readonly #request: SegmentRequest;
  readonly #behind: LookBehind | undefined;
  readonly #calls: RunCalls;
  readonly #moves: VersionMoves;
  readonly #tally = new Tally();

  /** @param behind - looks at what was moved. Default: each version is inspected after its move */
  constructor(store: ObjectStore, request: SegmentRequest, pace?: AdaptiveLimiter, behind?: LookBehind) {
    this.#request = request;
    this.#behind = behind;
    const run = { ...request, dryRun: false, pace };
    this.#calls = new RunCalls(store, run);
    this.#moves = new VersionMoves(this.#calls, run, this.#tally, request.versioning);
  }

  get requests(): number {
    return this.#calls.sent;
  }

  async lease(
    { pass, segment, maxPages, inspect }: Lease,
    commit: Parameters<SegmentRun['lease']>[1],
  ): Promise<LeaseEnd> {
    const { keepsEvidence } = this.#request;
    const log = {
      commitPage: async (_pass: number, _segment: number, page: Parameters<typeof pageRecord>[1]) =>
        commit(await pageRecord(pass, page, keepsEvidence)),
    };
    const tools = { calls: this.#calls, moves: this.#moves, tally: this.#tally, log };
    const request = { ...this.#request, dryRun: false, behind: this.#behind };
    const range = { pass, segments: undefined, shouldInspect: shouldInspectBy(inspect) };
    const rest = await new ListingPass(tools, request, range).segment(segment, 0, { maxPages });
    const { fault, isEnded } = this.#calls;
    if (!isEnded) return { end: 'listed', rest };
    if (fault === STOPPED) return { end: 'stopped' };
    throw fault;
  }

  stop(): void {
    this.#calls.end(STOPPED);
  }

  close(): void {
    this.stop();
  }
}
