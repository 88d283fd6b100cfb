import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { sideBySide } from '../s3/side-by-side';
import type { Reporter } from './reporter';
import type { VerifyRun } from './rotation-run';

/** Buckets that are worked on at once: a small bucket is mostly waiting for answers that come one after the other. */
export const BUCKETS_AT_ONCE = 32;

/** What reports in the order of the buckets, and for one that is not first: its reporter, and its end. */
interface OrderedReporters {
  of(at: number): Reporter;
  ended(at: number): void;
}

/**
 * Works on buckets of a run side by side, under one limit of requests. What each reports comes in the order of the buckets. After the
 * first failure no other bucket is begun; those that are running are interrupted, and record what they did.
 *
 * @param atOnce - 1 where a person may be asked something
 * @param work - gets the run with signal, reporter and limit of one bucket
 * @returns the results in the order of the buckets
 * @throws the first failure
 */
export async function bucketsAtOnce<Run extends VerifyRun, Bucket, Result>(
  run: Run,
  { buckets, atOnce }: { readonly buckets: readonly Bucket[]; readonly atOnce: number },
  work: (run: Run, bucket: Bucket) => Promise<Result>,
): Promise<readonly Result[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([run.signal, failed.signal]);
  const { concurrency: maxConcurrency, maxRps } = run.reencrypt;
  const reencrypt = { ...run.reencrypt, pace: new AdaptiveLimiter({ maxConcurrency, maxRps }) };
  const reporters = inOrder(run.reporter, buckets.length);
  const one = async ([at, bucket]: readonly [number, Bucket]): Promise<Result> => {
    try {
      return await work({ ...run, signal, reencrypt, reporter: reporters.of(at) }, bucket);
    } finally {
      reporters.ended(at);
    }
  };
  return sideBySide([...buckets.entries()], atOnce, one, () => failed.abort());
}

/** Holds back what a bucket reports until those before it have ended. */
function inOrder(reporter: Reporter, count: number): OrderedReporters {
  const held = Array.from({ length: count }, (): (() => void)[] => []);
  const isEnded = held.map(() => false);
  let first = 0;
  const through = (at: number, line: () => void): void => {
    if (at === first) line();
    else held[at]?.push(line);
  };
  return {
    of: (at) => ({
      heading: (text) => through(at, () => reporter.heading(text)),
      note: (text) => through(at, () => reporter.note(text)),
      warn: (text) => through(at, () => reporter.warn(text)),
      block: (text) => through(at, () => reporter.block(text)),
      // A state, which the next one replaces: whichever bucket it is of.
      progress: (text) => reporter.progress(count === 1 ? text : `${text} (${first} of ${count} buckets done)`),
      ...(reporter.watched === undefined ? {} : { watched: reporter.watched }),
    }),
    ended(at) {
      isEnded[at] = true;
      while (isEnded[first]) {
        first += 1;
        for (const line of held[first]?.splice(0) ?? []) line();
      }
    },
  };
}
