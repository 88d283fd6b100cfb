import { BoundedList } from '../s3/bounded-list';
import { encryptionLabel } from '../s3/object-version';
import type { BucketReencryption, Stopped } from './bucket-reencryption';
import type { FailedEntry, Resumed, RunCounts } from './journal-entry';
import type { BlockedVersion, FailedVersion, VersionOutcome } from './outcome';
import type { Shard } from './outcome-shards';

/** The outcomes of a page, added up. */
export interface PageCounts {
  /** The latest LastModified on the page, milliseconds since the epoch; 0 where it has no version. */
  readonly newest: number;
  /** Versions inspected, with any outcome. */
  readonly inspected: number;
  /** Of this page alone. */
  readonly counts: RunCounts;
  readonly failed: readonly FailedEntry[];
  readonly blocked: readonly BlockedVersion[];
  /** In passes behind the first: versions that did not fail. An earlier pass may have counted them as failed. */
  readonly settled: readonly { readonly key: string; readonly versionId: string | undefined }[];
}

/** Adds up the outcomes of a bucket's versions. */
export class Tally {
  readonly #blocked = new BoundedList<BlockedVersion>();
  readonly #failed = new BoundedList<FailedVersion>();
  /** Entries, and markers, of the listing by pass; the report gives those of the last. */
  #listing = { pass: 1, objectVersions: 0, deleteMarkers: 0, newest: 0 };
  #alreadyThere = 0;
  readonly #outOfScope = new Map<string, number>();
  #moved = 0;
  #movedBytes = 0;
  #gone = 0;
  /** Versions inspected, with any outcome. */
  inspected = 0;
  passes = 0;

  /** The tally of a run that resumes another. Its failures are not in it: they are retried first. */
  static resumed(resumed: Resumed | undefined): Tally {
    const tally = new Tally();
    const { counts } = resumed ?? {};
    if (!counts) return tally;
    tally.#listing = { pass: 1, objectVersions: counts.objectVersions, deleteMarkers: counts.deleteMarkers, newest: 0 };
    tally.#alreadyThere = counts.alreadyThere;
    for (const [label, count] of Object.entries(counts.outOfScope)) tally.#outOfScope.set(label, count);
    tally.#moved = counts.moved;
    tally.#movedBytes = counts.movedBytes;
    tally.#gone = counts.gone;
    for (const one of resumed?.blocked ?? []) tally.#blocked.add(one);
    tally.#blocked.total = counts.blockedTotal;
    return tally;
  }

  get moved(): number {
    return this.#moved;
  }

  listed(pass: number, page: { listed: number; deleteMarkers: number; newest?: number }): void {
    const before = this.#listing.pass === pass ? this.#listing : { objectVersions: 0, deleteMarkers: 0, newest: 0 };
    this.#listing = {
      pass,
      objectVersions: before.objectVersions + page.listed,
      deleteMarkers: before.deleteMarkers + page.deleteMarkers,
      newest: Math.max(before.newest, page.newest ?? 0),
    };
  }

  /** Adds what the record of a page holds. */
  merge(pass: number, { newest, inspected, counts, failed, blocked, settled }: PageCounts): void {
    this.listed(pass, { listed: counts.objectVersions, deleteMarkers: counts.deleteMarkers, newest });
    for (const one of settled) this.#failed.remove(one);
    this.#alreadyThere += counts.alreadyThere;
    for (const [label, count] of Object.entries(counts.outOfScope)) this.#leave(label, count);
    this.#moved += counts.moved;
    this.#movedBytes += counts.movedBytes;
    this.#gone += counts.gone;
    for (const one of blocked) this.#blocked.add(one);
    for (const one of failed) this.#failed.add(one.failed);
    this.inspected += inspected;
  }

  add(outcome: VersionOutcome): void {
    if (this.passes > 1 && outcome.outcome !== 'failed') this.#failed.remove(outcome);
    switch (outcome.outcome) {
      case 'already-there':
        // Later passes find what the first one moved: only the first knows what was there before.
        if (this.passes === 1) this.#alreadyThere += 1;
        return;
      case 'out-of-scope':
        // As above: a later pass inspects again what was written while the first one went on.
        if (this.passes === 1) this.#leave(encryptionLabel(outcome.from));
        return;
      case 'moved':
      case 'would-move':
        this.#moved += 1;
        this.#movedBytes += outcome.size;
        return;
      case 'gone':
        this.#gone += 1;
        return;
      case 'blocked':
        this.#blocked.add(outcome.blocked);
        return;
      case 'failed':
        this.#failed.add(outcome.failed);
        return;
    }
  }

  #leave(label: string, count = 1): void {
    this.#outOfScope.set(label, (this.#outOfScope.get(label) ?? 0) + count);
  }

  counts(): RunCounts {
    return {
      objectVersions: this.#listing.objectVersions,
      deleteMarkers: this.#listing.deleteMarkers,
      alreadyThere: this.#alreadyThere,
      outOfScope: Object.fromEntries(this.#outOfScope),
      moved: this.#moved,
      movedBytes: this.#movedBytes,
      gone: this.#gone,
      blockedTotal: this.#blocked.total,
      failedTotal: this.#failed.total,
    };
  }

  report(end: {
    bucket: string;
    method: 'rewrap' | 'rewrite';
    requests: number;
    finished: boolean;
    stopped: Stopped | undefined;
    evidence: readonly Shard[];
  }): BucketReencryption {
    const { finished, ...rest } = end;
    return {
      ...rest,
      engine: 'local',
      jobs: [],
      ...this.counts(),
      newestListed: this.#listing.newest,
      blocked: this.#blocked.first,
      failed: this.#failed.first,
      passes: this.passes,
      complete: finished && end.stopped === undefined && this.#failed.total === 0,
    };
  }

  /** One line for people. */
  text(method: 'rewrap' | 'rewrite', dryRun = false): string {
    const moved = movedText(this.moved, method, dryRun);
    const trouble = this.#blocked.total + this.#failed.total;
    const left = [...this.#outOfScope.values()].reduce((sum, count) => sum + count, 0);
    const aside = left === 0 ? '' : `, ${left} out of scope`;
    const tail = trouble === 0 ? '' : `, ${this.#blocked.total} blocked, ${this.#failed.total} failed`;
    return `${this.inspected} inspected, ${moved}, ${this.#alreadyThere} already there${aside}${tail}`;
  }
}

/** `5 rewrapped`; of a dry run, which moves nothing: `would rewrap 5`. */
export function movedText(count: number, method: 'rewrap' | 'rewrite', dryRun: boolean): string {
  if (dryRun) return `would ${method} ${count}`;
  return `${count} ${method === 'rewrap' ? 'rewrapped' : 'rewritten'}`;
}
