/** The listing of this verification beside one that other code made before it. Numbers of object versions. */
export interface ListingComparison {
  /** Versions that the re-encryption listed last. */
  readonly listedBefore: number;
  /** Versions that this verification listed and that are not newer than everything in that listing. */
  readonly listedAgain: number;
  /** Versions that are newer: written since. */
  readonly newer: number;
  /** Versions of the earlier listing that S3 answers are gone, or replaced by newer ones. */
  readonly goneSince: number;
  /** Versions of the earlier listing that nothing explains: while there is one, nothing may count on the verification. */
  readonly missing: number;
}

/** @param goneSince - versions of the earlier listing that were asked for by name and are gone */
export function compareListings(
  listedBefore: number,
  { listedAgain, newer, goneSince }: Pick<ListingComparison, 'listedAgain' | 'newer' | 'goneSince'>,
): ListingComparison {
  const missing = Math.max(0, listedBefore - listedAgain - goneSince);
  return { listedBefore, listedAgain, newer, goneSince, missing };
}
