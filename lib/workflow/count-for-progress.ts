import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { countVersions } from '../s3/count-versions';
import { withPacingAndRetry } from '../s3/pacing-and-retry';
import type { Total } from '../s3/progress';
import type { ReencryptRun } from './rotation-run';

/** Few, so that the count takes no capacity from what it counts for. */
const LISTINGS_AT_ONCE = 2;

/**
 * Counts a bucket beside a run, so that its progress has a total: where a person watches, and nobody has counted before. It costs
 * one listing request for a thousand versions. A count that fails is no fault of the run.
 *
 * @param known - object versions, where they were counted before
 */
export function countForProgress(
  { store, reporter, signal }: Pick<ReencryptRun, 'store' | 'reporter' | 'signal'>,
  bucket: string,
  known: number | undefined,
): { readonly total: Total; stop(): void } {
  let total = known;
  const stopped = new AbortController();
  if (known === undefined && reporter.watched === true) {
    const limiter = new AdaptiveLimiter({ maxConcurrency: LISTINGS_AT_ONCE });
    const call = withPacingAndRetry(limiter, {}, AbortSignal.any([signal, stopped.signal]));
    countVersions(store, call, { bucket, upTo: Number.POSITIVE_INFINITY }).then(
      ({ versions }) => {
        total = versions;
      },
      () => undefined,
    );
  }
  return { total: () => total, stop: () => stopped.abort() };
}
