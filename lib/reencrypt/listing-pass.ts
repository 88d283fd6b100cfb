import { throwIfInterrupted } from '../errors';
import { type Segment, splitRest, WHOLE } from '../s3/listing-segments';
import type { ListedVersion, VersionPage } from '../s3/object-version';
import { listVersionPages } from '../s3/version-listing';
import { INSPECTED } from './move-version';
import { type CompletedPage, type KeyRange, PageQueue, type PageResult } from './page-queue';
import type { ShouldInspect } from './pass-range';
import type { LookBehind, ReencryptRequest } from './reencrypt-request';
import type { RunCalls } from './run-calls';
import type { PageLog } from './run-log';
import type { Tally } from './tally';
import type { VersionMoves } from './version-moves';

/** Pages after which a bucket is large enough for several concurrent listings. */
const SPLIT_AFTER_PAGES = 4;
/** The same in a later pass, which does little but list. */
const RELIST_AFTER_PAGES = 8;
/** The same where keys have prefixes, up to a slash: S3 limits the requests under each, so that several are worked on at once. */
const SPLIT_PREFIXES_AFTER_PAGES = 1;
/** Pages after which it is worth a share of other processes, which take a second to start. */
const SHARE_AFTER_PAGES = 2;
/** Segments that the rest is listed in; more where each is of its own prefixes, for which S3 has limits of their own. */
const [PARTS, PREFIX_PARTS] = [4, 16];

/** Versions of a page that are inspected first where the others may be rewrapped without. */
const SAMPLE = 3;

/** What one pass lists and inspects. */
export interface PassRange {
  /** From 1. */
  readonly pass: number;
  /** What a resumed run has left to list; absent: everything. */
  readonly segments: readonly Segment[] | undefined;
  readonly shouldInspect: ShouldInspect;
  /** Who moves the segments of a large bucket. Default: this process, all of them at the same time. */
  readonly shared?: SharedSegments | undefined;
}

export interface SharedSegments {
  /** Segments that are enough to begin with. */
  readonly parts: number;
  /** Segments will follow. */
  start(): void;
  /** @param segments - numbered from 1 in the journal */
  move(segments: readonly Segment[]): Promise<void>;
}

/** Ends a segment early. */
export interface PageLimit {
  readonly maxPages: number;
  /** The same where keys have prefixes. Default: `maxPages`. */
  readonly maxPagesOfPrefixes?: number;
  /** Called with the last key where there is more. */
  readonly onLeft?: (key: string) => void;
}

/** What the passes of a run share. */
export interface PassTools {
  readonly calls: RunCalls;
  readonly moves: VersionMoves;
  readonly tally: Tally;
  readonly log: PageLog;
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
    const { segments } = this.#range;
    await (segments ? this.#all(segments) : this.#whole());
  }

  /** Lists in one go, and once the bucket turns out to be large, what is left of it in concurrent segments. */
  async #whole(): Promise<void> {
    const { shared } = this.#range;
    const { splitAfterPages } = this.#request;
    const maxPages =
      splitAfterPages ?? (shared ? SHARE_AFTER_PAGES : this.#range.pass === 1 ? SPLIT_AFTER_PAGES : RELIST_AFTER_PAGES);
    const maxPagesOfPrefixes = splitAfterPages ?? (shared ? SHARE_AFTER_PAGES : SPLIT_PREFIXES_AFTER_PAGES);
    let rest: Promise<void> | undefined;
    const onLeft = (after: string) => {
      // While the first pages are still worked on: a prefix that S3 slows down holds no other one back.
      rest = this.#rest(after, shared ? first : undefined);
      rest.catch(() => undefined);
    };
    const first = this.segment(WHOLE, 0, { maxPages, maxPagesOfPrefixes, onLeft });
    await first.finally(() => rest);
  }

  /** @param begin - what has to end first. Default: nothing */
  async #rest(after: string, begin: Promise<unknown> = Promise.resolve()): Promise<void> {
    const { shared, pass } = this.#range;
    const { calls, log } = this.#tools;
    const parts = shared?.parts ?? PARTS;
    const segments = await splitRest(calls.store, calls.ofBucket, this.#request.bucket, after, parts, PREFIX_PARTS);
    await begin;
    if (calls.isEnded) return;
    if (pass === 1) await log.segments?.(after, segments);
    await this.#all(segments);
  }

  async #all(segments: readonly Segment[]): Promise<void> {
    const { shared } = this.#range;
    if (shared) return shared.move(segments);
    await allEnded(segments.map((segment, at) => this.segment(segment, at + 1)));
  }

  /** Inspects the versions of one segment. @returns the key that it stopped at after `maxPages`, when there is more */
  async segment(segment: Segment, number: number, limit?: PageLimit): Promise<string | undefined> {
    const { calls, moves, log } = this.#tools;
    const { bucket } = this.#request;
    const commit = (page: CompletedPage) => log.commitPage(this.#range.pass, number, page);
    const queue = new PageQueue(commit, (page) => this.#proven(page));
    const ranges = new PageRanges(segment);
    // Pages whose versions are given up are never committed: whoever waits for them must see that the run ends.
    const forget = calls.onEnd(() => queue.release());
    let isWhole = false;
    try {
      let pages = 0;
      let rest: string | undefined;
      for await (const page of listVersionPages(calls.store, { bucket, ...segment, listing: calls.ofBucket })) {
        if (page.next) this.#range.shared?.start();
        pages += 1;
        if (isReached(limit, page.next, pages)) rest = page.next?.key;
        if (rest !== undefined) limit?.onLeft?.(rest);
        await this.#page(page, queue, ranges.next(page));
        if (calls.isEnded) return undefined;
        if (rest !== undefined) break;
      }
      await queue.drained();
      isWhole = !calls.isEnded;
      return rest;
    } finally {
      // Other segments may be moved at the same time; where this one failed, nothing of it may be left in progress.
      if (!isWhole) await moves.idle();
      forget();
      await queue.flushed();
    }
  }

  async #page(page: VersionPage, queue: PageQueue, range: KeyRange | undefined): Promise<void> {
    const { calls, moves, tally } = this.#tools;
    const room = queue.room();
    if (room) await room;
    if (calls.isEnded) return;
    const [listed, deleteMarkers] = [page.versions.length, page.deleteMarkers.length];
    const newest = page.versions.reduce((latest, one) => Math.max(latest, one.lastModified), 0);
    tally.listed(this.#range.pass, { listed, deleteMarkers, newest });
    const inspected = page.versions.filter(this.#range.shouldInspect);
    const report = queue.add(page, inspected.length, range);
    const unproven = this.#behind !== undefined && range !== undefined;
    const { optimistic = false, sources } = this.#request;
    const mayBeUnseen = optimistic !== false && sources.from.any;
    const sample = mayBeUnseen && optimistic === 'sampled' ? sampleOf(inspected) : [];
    const unseen = mayBeUnseen && (await this.#isPlain(sample, report, unproven));
    for (const version of inspected) {
      if (sample.includes(version)) continue;
      await moves.start(version, report, { unseen, unproven });
      if (calls.isEnded) return;
      throwIfInterrupted(this.#request.signal, 're-encryption');
    }
  }

  /** Moves a sample. @returns whether each of it had to move and has the bucket key setting of the bucket */
  async #isPlain(
    sample: readonly ListedVersion[],
    report: (result: PageResult) => void,
    unproven: boolean,
  ): Promise<boolean> {
    const { calls, moves } = this.#tools;
    if (sample.length === 0 || calls.isEnded) return true;
    const results: PageResult[] = [];
    await new Promise<void>((ended) => {
      const forget = calls.onEnd(ended);
      const onResult = (result: PageResult) => {
        results.push(result);
        report(result);
        if (results.length < sample.length) return;
        forget();
        ended();
      };
      for (const version of sample) void moves.start(version, onResult, { ...INSPECTED, unproven });
    });
    return results.length === sample.length && results.every((one) => hasSetting(one, this.#request.bucketKeyDefault));
  }

  /** Who looks behind this pass. What a later one moves, or one that resumes another, is inspected by itself. */
  get #behind(): LookBehind | undefined {
    const { pass, segments } = this.#range;
    const { behind, method, dryRun } = this.#request;
    return pass === 1 && segments === undefined && method === 'rewrap' && !dryRun ? behind : undefined;
  }

  /** A page with an outcome for each version: by somebody's look at its keys, and else by one of our own. */
  async #proven(page: CompletedPage): Promise<CompletedPage> {
    const { moves } = this.#tools;
    if (!this.#behind || !page.range) return page;
    const open = new Map<string, PageResult>();
    const results: PageResult[] = [];
    for (const one of page.results) {
      if (one.unproven) open.set(idOf(one.version), one);
      else results.push(one);
    }
    await this.#behind.look(page.range, (listed, head) => {
      const one = open.get(idOf(listed));
      const proven = one && moves.provenBy(one, head);
      if (proven) results.push(proven);
      if (proven) open.delete(idOf(listed));
    });
    const own = await Promise.all([...open.values()].map((one) => moves.prove(one)));
    return { ...page, results: [...results, ...own] };
  }
}

/** Where one key fills pages, the pass lists to the end of that key: a segment starts after a key. */
function isReached(limit: PageLimit | undefined, next: VersionPage['next'], pages: number): boolean {
  if (limit === undefined || next === undefined || next.versionId !== undefined) return false;
  const { maxPages, maxPagesOfPrefixes = maxPages } = limit;
  return pages >= (next.key.includes('/') ? maxPagesOfPrefixes : maxPages);
}

/** The ranges of keys that the pages of a segment end. */
class PageRanges {
  readonly #to: string | undefined;
  #behind: string | undefined;

  constructor({ after, to }: Segment) {
    this.#behind = after?.key;
    this.#to = to;
  }

  /** Undefined where a page ends in the middle of a key: the range of a later page holds all of it. */
  next({ next }: VersionPage): KeyRange | undefined {
    if (next?.versionId !== undefined) return undefined;
    const range = { behind: this.#behind, to: next ? next.key : this.#to };
    this.#behind = range.to;
    return range;
  }
}

const idOf = ({ key, versionId }: ListedVersion): string => `${versionId} ${key}`;

/** A few of a page, chosen at random. */
function sampleOf(versions: readonly ListedVersion[]): readonly ListedVersion[] {
  const picked = new Set(Array.from({ length: SAMPLE }, () => versions[Math.floor(Math.random() * versions.length)]));
  return [...picked].filter((one) => one !== undefined);
}

/** Whether a version was moved, and has a bucket key setting without anybody carrying it. */
function hasSetting({ outcomes, unproven }: PageResult, bucketKey: boolean): boolean {
  const [one] = outcomes;
  const from = unproven ? unproven.from : one?.outcome === 'moved' ? one.from : undefined;
  return from?.kind === 'sse-s3' || (from?.kind === 'sse-kms' && from.bucketKey === bucketKey);
}

/** Waits for all, so that nothing is in progress when the first failure is thrown. */
async function allEnded(running: readonly Promise<unknown>[]): Promise<void> {
  const ends = await Promise.allSettled(running);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
