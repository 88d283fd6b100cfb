import type { Assumptions } from './assumptions';
import { LISTED_PER_REQUEST, S3_PER_PREFIX } from './service-limits';

/** What holds a phase back. */
export type Bound =
  | 'CPU of one process'
  | 'concurrent requests'
  | 'listing'
  | 'S3 writes'
  | 'S3 reads'
  | 'KMS quota'
  | 'the job itself'
  | 'waiting';

/** What one object version takes in a phase. */
export interface Demand {
  readonly reads: number;
  readonly writes: number;
  readonly kms: number;
  /** Seconds of this process's CPU; 0 where S3 does the work. */
  readonly cpu: number;
  /** Seconds from its first request to the last answer. */
  readonly seconds: number;
}

/** One phase of a run, before it is known how long it takes. */
export interface Load {
  readonly name: string;
  readonly versions: number;
  readonly demand: Demand;
  /** Who sends the requests: this process, listing by listing in the order of keys, or a job of S3, in no order. */
  readonly by: { readonly listings: number } | 'job';
  /** Seconds that it takes whatever the number of versions. */
  readonly fixedSeconds?: number;
}

export interface Phase {
  readonly name: string;
  readonly versions: number;
  readonly seconds: number;
  readonly boundBy: Bound;
}

/** What S3 and KMS give to a phase. */
export interface Supply {
  readonly prefixes: number;
  readonly kmsPerSecond: number;
}

/**
 * How long a phase takes: its scarcest resource bounds it. A process lists in the order of keys, so that it never works
 * on more prefixes at once than it has listings; a job works on all.
 */
export function phaseOf(load: Load, supply: Supply, assumptions: Assumptions): Phase {
  const { name, versions, fixedSeconds = 0 } = load;
  if (versions === 0) return { name, versions, seconds: fixedSeconds, boundBy: 'waiting' };
  const [boundBy, perVersion] = ceilings(load, supply, assumptions).reduce((slowest, one) =>
    one[1] > slowest[1] ? one : slowest,
  );
  const working = versions * perVersion;
  return { name, versions, seconds: fixedSeconds + working, boundBy: working < fixedSeconds ? 'waiting' : boundBy };
}

/** Seconds a version, by what holds back. */
function ceilings(
  { demand, by }: Load,
  { prefixes, kmsPerSecond }: Supply,
  assumptions: Assumptions,
): (readonly [Bound, number])[] {
  const atOnce = by === 'job' ? prefixes : Math.min(prefixes, by.listings);
  const shared: (readonly [Bound, number])[] = [
    ['S3 writes', demand.writes / (S3_PER_PREFIX.writes * atOnce)],
    ['S3 reads', demand.reads / (S3_PER_PREFIX.reads * atOnce)],
    ['KMS quota', demand.kms / kmsPerSecond],
  ];
  if (by === 'job') return [...shared, ['the job itself', 1 / assumptions.jobTasksPerSecond]];
  return [
    ...shared,
    ['CPU of one process', demand.cpu],
    ['concurrent requests', demand.seconds / assumptions.inFlight],
    ['listing', assumptions.pageSeconds / (by.listings * LISTED_PER_REQUEST)],
  ];
}
