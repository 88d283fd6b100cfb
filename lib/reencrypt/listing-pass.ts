import { throwIfInterrupted } from '../errors';
import { type Segment, splitRest, WHOLE } from '../s3/listing-segments';
import type { VersionPage } from '../s3/object-version';
import { listVersionPages } from '../s3/version-listing';
import { PageQueue } from './page-queue';
import type { ShouldInspect } from './pass-range';
import type { ReencryptRequest } from './reencrypt-request';
import type { RunCalls } from './run-calls';
import type { RunLog } from './run-log';
import type { Tally } from './tally';
import type { VersionMoves } from './version-moves';

/** Pages after which a bucket is large enough for several concurrent listings. */
const SPLIT_AFTER_PAGES = 4;
/** Segments that the rest is listed in; more where each is of its own prefixes, for which S3 has limits of their own. */
const [PARTS, PREFIX_PARTS] = [4, 16];

/** What one pass lists and inspects. */
export interface PassRange {
  /** From 1. */
  readonly pass: number;
  /** What a resumed run has left to list; absent: everything. */
  readonly segments: readonly Segment[] | undefined;
  readonly shouldInspect: ShouldInspect;
}

/** Ends a segment early. */
interface PageLimit {
  readonly maxPages: number;
  /** Called with the last key where there is more. */
  readonly onLeft: (key: string) => void;
}

/** What the passes of a run share. */
export interface PassTools {
  readonly calls: RunCalls;
  readonly moves: VersionMoves;
  readonly tally: Tally;
  readonly log: RunLog;
}

/** Lists a bucket once and starts to move the versions that are to be inspected. */
export class ListingPass {
  readonly #tools: PassTools;
  readonly #request: ReencryptRequest;
  readonly #range: PassRange;

  constructor(tools: PassTools, request: ReencryptRequest, range: PassRange) {
    this.#tools = tools;
    this.#request = request;
    this.#range = range;
  }

  async run(): Promise<void> {
    this.#tools.tally.passes = this.#range.pass;
    const segments = this.#range.segments?.map((segment, at) => this.#segment(segment, at + 1));
    await allEnded(segments ?? [this.#whole()]);
  }

  /** Lists in one go, and once the bucket turns out to be large, what is left of it in concurrent segments. */
  async #whole(): Promise<void> {
    const { bucket, splitAfterPages = SPLIT_AFTER_PAGES } = this.#request;
    const { calls, log } = this.#tools;
    let split: Promise<readonly Segment[]> | undefined;
    const onLeft = (after: string) => {
      // While the first pages are still worked on.
      split = splitRest(calls.store, calls.ofBucket, bucket, after, PARTS, PREFIX_PARTS);
      split.catch(() => undefined);
    };
    const last = await this.#segment(WHOLE, 0, { maxPages: splitAfterPages, onLeft });
    const segments = await split;
    if (last === undefined || segments === undefined) return;
    if (this.#range.pass === 1) await log.segments(last, segments);
    await allEnded(segments.map((segment, at) => this.#segment(segment, at + 1)));
  }

  /** Inspects the versions of one segment. @returns the key that it stopped at after `maxPages`, when there is more */
  async #segment(segment: Segment, number: number, limit?: PageLimit): Promise<string | undefined> {
    const { calls, moves, log } = this.#tools;
    const { bucket } = this.#request;
    const queue = new PageQueue((page) => log.commitPage(this.#range.pass, number, page));
    // Pages whose versions are given up are never committed: whoever waits for them must see that the run ends.
    const forget = calls.onEnd(() => queue.release());
    try {
      let pages = 0;
      for await (const page of listVersionPages(calls.store, { bucket, ...segment, listing: calls.ofBucket })) {
        await this.#page(page, queue);
        if (calls.isEnded) return undefined;
        pages += 1;
        // Where one key fills pages, the pass lists to the end of that key: a segment starts after a key.
        const isLeft = limit !== undefined && pages >= limit.maxPages && page.next?.versionId === undefined;
        if (!isLeft || !page.next) continue;
        limit.onLeft(page.next.key);
        return page.next.key;
      }
      return undefined;
    } finally {
      await moves.idle();
      forget();
      await queue.flushed();
    }
  }

  async #page(page: VersionPage, queue: PageQueue): Promise<void> {
    const { calls, moves, tally } = this.#tools;
    const room = queue.room();
    if (room) await room;
    if (calls.isEnded) return;
    const [listed, deleteMarkers] = [page.versions.length, page.deleteMarkers.length];
    const newest = page.versions.reduce((latest, one) => Math.max(latest, one.lastModified), 0);
    tally.listed(this.#range.pass, { listed, deleteMarkers, newest });
    const inspected = page.versions.filter(this.#range.shouldInspect);
    const report = queue.add(page, inspected.length);
    for (const version of inspected) {
      await moves.start(version, report);
      if (calls.isEnded) return;
      throwIfInterrupted(this.#request.signal, 're-encryption');
    }
  }
}

/** Waits for all, so that nothing is in progress when the first failure is thrown. */
async function allEnded(running: readonly Promise<unknown>[]): Promise<void> {
  const ends = await Promise.allSettled(running);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
