import { KeyturnError, throwIfInterrupted } from '../errors';
import { compareKeys, cutSegment, type Segment } from '../s3/listing-segments';
import type { SharedSegments } from './listing-pass';
import type { PageRecord } from './page-record';
import type { InspectRule } from './pass-range';
import type { ReencryptRequest } from './reencrypt-request';
import type { RunCalls } from './run-calls';
import type { RunLog } from './run-log';
import type { LeaseEnd, SegmentRun, SegmentWorkers } from './segment-workers';
import type { Tally } from './tally';
import type { VersionMoves } from './version-moves';

/** Pages of one lease: few, so that a process without work soon gets a part of what is left. */
const LEASE_PAGES = 4;
/** Parts at most that the rest of a segment is cut into. */
const MAX_PARTS = 4;
/** Deaths in a row over one page, which then is not by chance. */
const MAX_DEATHS = 3;

export interface SharedPassTools {
  readonly calls: RunCalls;
  readonly moves: VersionMoves;
  readonly tally: Tally;
  readonly log: RunLog;
  readonly workers: SegmentWorkers;
  readonly run: SegmentRun;
}

/** A segment as far as it is committed. */
interface OpenSegment {
  readonly number: number;
  after: Segment['after'];
  to: Segment['to'];
  isDone: boolean;
  deaths: number;
}

/**
 * One pass whose segments other processes list and move. This process alone records what they completed. What a process that died did
 * not commit is handed to another one, and what is left of a long segment is cut for those that have nothing to do.
 */
export class SharedPass implements SharedSegments {
  readonly #tools: SharedPassTools;
  readonly #request: ReencryptRequest;
  readonly #range: { readonly pass: number; readonly inspect: InspectRule };
  readonly #waiting: OpenSegment[] = [];
  #idle: (() => void)[] = [];
  #open = 0;
  #numbers = 0;

  constructor(
    tools: SharedPassTools,
    request: ReencryptRequest,
    range: { readonly pass: number; readonly inspect: InspectRule },
  ) {
    this.#tools = tools;
    this.#request = request;
    this.#range = range;
  }

  get parts(): number {
    return this.#tools.workers.slots;
  }

  start(): void {
    this.#tools.workers.start();
  }

  async move(segments: readonly Segment[]): Promise<void> {
    for (const { after, to } of segments) this.#waiting.push(this.#numbered(after, to));
    const { calls, workers, run } = this.#tools;
    const { signal } = this.#request;
    const stop = () => {
      run.stop();
      this.#wake();
    };
    const forget = calls.onEnd(stop);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    try {
      await Promise.all(Array.from({ length: workers.slots }, () => this.#work()));
    } finally {
      forget();
      signal?.removeEventListener('abort', stop);
    }
    throwIfInterrupted(signal, 're-encryption');
  }

  /** One lease after the other; a fault ends the run, and with it the leases beside this one. */
  async #work(): Promise<void> {
    for (let one = await this.#take(); one !== undefined; one = await this.#take()) {
      try {
        await this.#lease(one);
      } catch (error) {
        this.#tools.calls.end(error);
      }
      this.#open -= 1;
      this.#wake();
    }
  }

  async #take(): Promise<OpenSegment | undefined> {
    while (!this.#isEnded) {
      const next = this.#waiting.shift();
      if (next) {
        this.#open += 1;
        return next;
      }
      if (this.#open === 0) return undefined;
      await new Promise<void>((go) => this.#idle.push(go));
    }
    return undefined;
  }

  get #isEnded(): boolean {
    return this.#tools.calls.isEnded || this.#request.signal?.aborted === true;
  }

  #wake(): void {
    for (const go of this.#idle.splice(0)) go();
  }

  async #lease(one: OpenSegment): Promise<void> {
    const { to } = one;
    // A marker of a journal has no member for the version that it does not name.
    const after = one.after && { key: one.after.key, versionId: one.after.versionId };
    const lease = { ...this.#range, segment: { after, to }, maxPages: LEASE_PAGES };
    const end = await this.#tools.run.lease(lease, (record) => this.#commit(one, record));
    if (end.end === 'stopped') {
      if (!this.#isEnded) throw this.#invalid('it ended a segment that nobody had stopped');
      return;
    }
    if (end.end === 'listed') return this.#giveBack(one, end.rest);
    this.#died(one, end);
  }

  #died(one: OpenSegment, { worker }: Extract<LeaseEnd, { end: 'died' }>): void {
    // Between its last page and the word that it was the last.
    if (one.isDone) return;
    one.deaths += 1;
    if (one.deaths >= MAX_DEATHS) {
      const { bucket } = this.#request;
      throw new KeyturnError('worker-died', { bucket, worker, behind: one.after?.key, deaths: one.deaths });
    }
    this.#waiting.unshift(one);
  }

  async #commit(one: OpenSegment, record: PageRecord): Promise<void> {
    const { tally, log, moves, workers } = this.#tools;
    const { pass } = this.#range;
    this.#requireNext(one, record);
    tally.merge(pass, record);
    await log.commit(pass, one.number, record);
    one.after = record.next ?? one.after;
    one.isDone = record.next === undefined;
    one.deaths = 0;
    moves.showProgress(`${workers.processes} processes`);
  }

  /** A page must lead on within its segment: what it leaves out would count as moved. */
  #requireNext(one: OpenSegment, { next }: PageRecord): void {
    const { after, to } = one;
    if (one.isDone) throw this.#invalid('it completed a page behind the last one of its segment');
    if (next === undefined) return;
    const order = after === undefined ? 1 : compareKeys(next.key, after.key);
    const leadsOn = order > 0 || (order === 0 && after?.versionId !== undefined);
    const isWithin = to === undefined || compareKeys(next.key, to) <= 0;
    if (!leadsOn || !isWithin) throw this.#invalid('it completed a page that is not the next one of its segment');
  }

  async #giveBack(one: OpenSegment, rest: string | undefined): Promise<void> {
    if (rest === undefined) {
      if (!one.isDone) throw this.#invalid('it ended a segment before its last page');
      return;
    }
    const { after } = one;
    if (one.isDone || after?.key !== rest || after.versionId !== undefined)
      throw this.#invalid('it gave a segment back at another place than that of its last page');
    const idle = this.#idle.length;
    if (idle > 0 && this.#waiting.length === 0) await this.#cut(one, rest, Math.min(MAX_PARTS, idle + 1));
    this.#waiting.push(one);
  }

  /** Cuts what is left of a segment; what follows its first part is handed out as segments of their own. */
  async #cut(one: OpenSegment, rest: string, parts: number): Promise<void> {
    const { calls, log } = this.#tools;
    const [, ...more] = await cutSegment(calls.store, calls.ofBucket, this.#request.bucket, {
      afterKey: rest,
      to: one.to,
      parts,
    });
    const found: OpenSegment[] = [];
    let before = one;
    for (const { after, to } of more) {
      if (after === undefined) continue;
      const next = this.#numbered(after, to);
      if (this.#range.pass === 1) await log.split(before.number, after.key, next.number);
      before.to = after.key;
      found.push(next);
      before = next;
    }
    // Only now: each of them ends where the next one begins, and the journal knows.
    this.#waiting.push(...found);
    this.#wake();
  }

  #numbered(after: Segment['after'], to: Segment['to']): OpenSegment {
    this.#numbers += 1;
    return { number: this.#numbers, after, to, isDone: false, deaths: 0 };
  }

  #invalid(found: string): KeyturnError {
    return new KeyturnError('worker-answer-invalid', { found });
  }
}
