import { REPORT_LIMIT } from '../s3/bounded-list';
import type { Segment } from '../s3/listing-segments';
import { Journal } from './journal';
import type { JournalHead, Resumed } from './journal-entry';
import { OutcomeShards, type Shard } from './outcome-shards';
import type { CompletedPage, PageResult } from './page-queue';
import { blockedOf, failedOf, type PageRecord, pageRecord } from './page-record';
import { Tally } from './tally';

export interface RunLogOptions {
  /** File of the journal; absent: none is kept, and a killed run starts over. */
  readonly journalFile: string | undefined;
  /** Where the per-object evidence goes; absent: none is kept. */
  readonly evidence: { readonly directory: string; readonly name: string } | undefined;
}

/** Where a pass writes what it completed. */
export interface PageLog {
  commitPage(pass: number, segment: number, page: CompletedPage): Promise<void>;
  segments?(firstTo: string, segments: readonly Segment[]): Promise<void>;
}

/** What a run records about completed pages, and the counts that go with them. One page after the other, whoever completed them. */
export class RunLog implements PageLog {
  readonly #tally: Tally;
  readonly #shards: OutcomeShards | undefined;
  #journal: Journal | undefined;
  #blockedKept: number;
  #last: Promise<void> = Promise.resolve();

  private constructor(
    tally: Tally,
    journal: Journal | undefined,
    shards: OutcomeShards | undefined,
    blockedKept: number,
  ) {
    this.#tally = tally;
    this.#journal = journal;
    this.#shards = shards;
    this.#blockedKept = blockedKept;
  }

  /** Resumes what an interrupted run left, once its failures were retried with these results. */
  static async open(
    options: RunLogOptions,
    head: JournalHead,
    resumed: Resumed | undefined,
    retried: readonly PageResult[],
  ): Promise<RunLog> {
    const { journalFile, evidence } = options;
    const tally = Tally.resumed(resumed);
    tally.passes = 1;
    for (const { outcomes } of retried) for (const outcome of outcomes) tally.add(outcome);
    const blocked = resumed?.blocked ?? [];
    const first = resumed && {
      remaining: resumed.remaining,
      counts: tally.counts(),
      failed: failedOf(retried),
      blocked: [...blocked, ...blockedOf(retried)].slice(0, REPORT_LIMIT),
    };
    const journal = journalFile === undefined ? undefined : await Journal.begin(journalFile, head, first);
    const shards = evidence && new OutcomeShards(evidence.directory, evidence.name);
    await shards?.add(retried.flatMap((one) => one.outcomes));
    return new RunLog(tally, journal, shards, first?.blocked.length ?? 0);
  }

  async commitPage(pass: number, segment: number, page: CompletedPage): Promise<void> {
    await this.commit(pass, segment, await pageRecord(pass, page, this.#shards !== undefined));
  }

  /** Evidence first, journal second: a crash between them repeats lines of evidence and loses none. */
  commit(pass: number, segment: number, record: PageRecord): Promise<void> {
    return this.#inTurn(async () => {
      this.#tally.passes = pass;
      this.#tally.merge(pass, record);
      if (record.outcomes) await this.#shards?.append(record.outcomes);
      const blocked = record.blocked.slice(0, REPORT_LIMIT - this.#blockedKept);
      this.#blockedKept += blocked.length;
      const { next, failed } = record;
      await this.#journal?.page({ pass, segment, next, counts: this.#tally.counts(), failed, blocked });
    });
  }

  /** The first listing was split: its first segment ends with a key, and these follow. */
  async segments(firstTo: string, segments: readonly Segment[]): Promise<void> {
    await this.#inTurn(async () => this.#journal?.segments(firstTo, segments));
  }

  /** What is left of a segment ends with a key from here on; what comes behind that key is a segment of its own. */
  async split(segment: number, at: string, rest: number): Promise<void> {
    await this.#inTurn(async () => this.#journal?.split(segment, at, rest));
  }

  /** The run reached its end: there is nothing to resume. */
  async finished(): Promise<void> {
    await this.#journal?.end();
  }

  async close(): Promise<readonly Shard[]> {
    await this.#journal?.close();
    this.#journal = undefined;
    return (await this.#shards?.close()) ?? [];
  }

  /** Pages of several segments are completed at the same time; the counts in the journal are those of the lines before them. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write);
    this.#last = written.catch(() => undefined);
    return written;
  }
}
