import { REPORT_LIMIT } from '../s3/bounded-list';
import type { Segment } from '../s3/listing-segments';
import { Journal } from './journal';
import type { FailedEntry, JournalHead, Resumed } from './journal-entry';
import type { BlockedVersion } from './outcome';
import { OutcomeShards, type Shard } from './outcome-shards';
import type { CompletedPage, PageResult } from './page-queue';
import { Tally } from './tally';

export interface RunLogOptions {
  /** File of the journal; absent: none is kept, and a killed run starts over. */
  readonly journalFile: string | undefined;
  /** Where the per-object evidence goes; absent: none is kept. */
  readonly evidence: { readonly directory: string; readonly name: string } | undefined;
}

/** What a run records about completed pages, and the counts that go with them. */
export class RunLog {
  readonly #tally: Tally;
  readonly #shards: OutcomeShards | undefined;
  #journal: Journal | undefined;
  #blockedKept: number;

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

  /** Evidence first, journal second: a crash between them repeats lines of evidence and loses none. */
  async commitPage(pass: number, segment: number, page: CompletedPage): Promise<void> {
    const outcomes = page.results.flatMap((one) => one.outcomes);
    this.#tally.passes = pass;
    this.#tally.listed(pass, page);
    for (const outcome of outcomes) this.#tally.add(outcome);
    await this.#shards?.add(outcomes);
    const blocked = blockedOf(page.results).slice(0, REPORT_LIMIT - this.#blockedKept);
    this.#blockedKept += blocked.length;
    const { next } = page;
    await this.#journal?.page({
      pass,
      segment,
      next,
      counts: this.#tally.counts(),
      failed: failedOf(page.results),
      blocked,
    });
  }

  /** The first listing was split: its first segment ends with a key, and these follow. */
  async segments(firstTo: string, segments: readonly Segment[]): Promise<void> {
    await this.#journal?.segments(firstTo, segments);
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
}

function failedOf(results: readonly PageResult[]): readonly FailedEntry[] {
  return results.flatMap(({ version, outcomes }) =>
    outcomes.flatMap((one) => (one.outcome === 'failed' ? [{ version, failed: one.failed }] : [])),
  );
}

function blockedOf(results: readonly PageResult[]): readonly BlockedVersion[] {
  return results.flatMap(({ outcomes }) => outcomes.flatMap((one) => (one.outcome === 'blocked' ? [one.blocked] : [])));
}
