import type { VerifyRequest } from './bucket-verification';
import { type ListingComparison, withReencryption, withSecondListing } from './listing-comparison';
import type { SecondWalk, SecondWalkRequest } from './second-walk';

/** What the listing of a verification held. */
export interface Listed {
  readonly versions: number;
  readonly deleteMarkers: number;
  /** The latest LastModified, milliseconds since the epoch. */
  readonly newest: number;
  /** Versions that are not newer than all that {@link VerifyRequest.listedBefore} holds. */
  readonly asBefore: number;
  /** Versions of it that a later listing of the same verification lacks. Default 0. */
  readonly lost?: number;
}

/**
 * What a listing lacks of others has to be explained: by a second listing, which must not hold it either.
 *
 * @param gone - listed versions that S3 says are gone
 * @param walk - lists the bucket a second time
 */
export async function compareListings(
  { versions, asBefore, newest, lost = 0 }: Listed,
  { listedBefore, byBoth = false }: Pick<VerifyRequest, 'listedBefore' | 'byBoth'>,
  gone: number,
  walk: (how: Pick<SecondWalkRequest, 'newest' | 'byBoth'>) => Promise<SecondWalk>,
): Promise<readonly ListingComparison[]> {
  const lacking = Math.max(0, (listedBefore?.versions ?? 0) - asBefore);
  const isDue = byBoth || gone + lacking + lost > 0;
  const again = isDue ? await walk({ newest, byBoth: byBoth || lacking + lost > 0 }) : undefined;
  const comparisons: ListingComparison[] = [];
  if (listedBefore) {
    const counts = { listedHere: asBefore, newer: versions - asBefore, lacking, hidden: again?.hidden ?? 0 };
    comparisons.push(withReencryption(listedBefore.versions, counts));
  }
  if (again) comparisons.push(withSecondListing(again.versions, { listedHere: versions, gone, hidden: again.hidden }));
  return comparisons;
}
