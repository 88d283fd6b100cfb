/** The listing of a verification beside another one. Numbers of object versions. */
export interface ListingComparison {
  /** The last listing of the re-encryption in the same run, or one more of this verification after it found versions gone. */
  readonly with: 're-encryption' | 'second listing';
  /** Versions in the other listing. Of a second one: those not newer than everything in the first. */
  readonly listedThere: number;
  /** Versions that this verification listed, and that could be in the other listing. */
  readonly listedHere: number;
  /** Versions of the earlier of the two that are gone since, or were replaced by newer ones. */
  readonly gone: number;
  /** Versions that this verification listed and that are newer than everything in the other listing: written since. */
  readonly newer: number;
  /** Versions of the other listing that nothing explains: while there is one, nothing may count on the verification. */
  readonly missing: number;
}

/**
 * What the re-encryption listed must be listed again, or be in neither of two listings that are made now, by both clients.
 *
 * @param lacking - versions that the re-encryption listed more
 * @param hidden - versions that only the client of the re-encryption lists now
 */
export function withReencryption(
  listedThere: number,
  { listedHere, newer, lacking, hidden }: Record<'listedHere' | 'newer' | 'lacking' | 'hidden', number>,
): ListingComparison {
  const gone = Math.max(0, lacking - hidden);
  return { with: 're-encryption', listedThere, listedHere, gone, newer, missing: hidden };
}

/** A second listing must not hold what the first did not, nor what was found to be gone; nor may one client hide what the other lists. */
export function withSecondListing(
  listedThere: number,
  { listedHere, gone, hidden }: Record<'listedHere' | 'gone' | 'hidden', number>,
): ListingComparison {
  const missing = Math.max(0, listedThere - (listedHere - gone)) + hidden;
  return { with: 'second listing', listedThere, listedHere, gone, newer: 0, missing };
}

/** One line for people. */
export function comparisonText(one: ListingComparison): string {
  const { listedThere, listedHere, gone, newer, missing } = one;
  return `${one.with}: ${listedThere} listed there, ${listedHere} here, ${gone} gone, ${newer} newer, ${missing} missing`;
}
