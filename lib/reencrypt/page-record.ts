import type { PageMarker } from '../s3/object-version';
import type { FailedEntry } from './journal-entry';
import type { BlockedVersion } from './outcome';
import { type PackedOutcomes, packOutcomes } from './outcome-shards';
import type { CompletedPage, PageResult } from './page-queue';
import { type PageCounts, Tally } from './tally';

/** What a run records of a completed page: small, and the same whichever process moved its versions. */
export interface PageRecord extends PageCounts {
  /** Where the listing of the segment continues; absent when it is done. */
  readonly next: PageMarker | undefined;
  /** The lines of evidence; absent where none is kept, or there is no outcome. */
  readonly outcomes: PackedOutcomes | undefined;
}

/** @param pass - from 1: only the first one knows what was there before */
export async function pageRecord(pass: number, page: CompletedPage, keepsEvidence: boolean): Promise<PageRecord> {
  const { next, newest, listed, deleteMarkers, results } = page;
  const tally = new Tally();
  tally.passes = pass;
  tally.listed(pass, { listed, deleteMarkers, newest });
  const outcomes = results.flatMap((one) => one.outcomes);
  for (const outcome of outcomes) tally.add(outcome);
  const settled = pass === 1 ? [] : outcomes.filter((one) => one.outcome !== 'failed');
  return {
    next,
    newest,
    inspected: results.length,
    counts: tally.counts(),
    failed: failedOf(results),
    blocked: blockedOf(results),
    settled: settled.map(({ key, versionId }) => ({ key, versionId })),
    outcomes: keepsEvidence && outcomes.length > 0 ? await packOutcomes(outcomes) : undefined,
  };
}

/** What failed, with everything that a retry needs. */
export function failedOf(results: readonly PageResult[]): readonly FailedEntry[] {
  return results.flatMap(({ version, outcomes }) =>
    outcomes.flatMap((one) => (one.outcome === 'failed' ? [{ version, failed: one.failed }] : [])),
  );
}

export function blockedOf(results: readonly PageResult[]): readonly BlockedVersion[] {
  return results.flatMap(({ outcomes }) => outcomes.flatMap((one) => (one.outcome === 'blocked' ? [one.blocked] : [])));
}
