import type { BucketVerification } from './bucket-verification';
import { sumFault } from './version-account';

/** Why the numbers of a verification are no account of what the bucket holds; none: they are one. */
export function unaccounted({
  account,
  objectVersions,
  leftTotal,
  unknownTotal,
  comparison,
}: BucketVerification): readonly string[] {
  const reasons: string[] = [];
  const fault = sumFault(account);
  if (fault !== undefined) reasons.push(fault);
  if (objectVersions < account.listed || leftTotal < account.left || unknownTotal < account.unknown) {
    reasons.push('its totals are smaller than its account');
  }
  if (comparison && comparison.missing > 0) {
    const { listedBefore, listedAgain, goneSince, missing } = comparison;
    const gone = goneSince > 0 ? `, and ${goneSince} are gone since` : '';
    reasons.push(
      `the re-encryption listed ${listedBefore} object version(s), the verification ${listedAgain} of that age${gone}: ${missing} are missing`,
    );
  }
  return reasons;
}
