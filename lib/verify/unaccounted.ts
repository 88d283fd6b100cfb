import type { BucketVerification } from './bucket-verification';
import { comparisonText } from './listing-comparison';
import { sumFault } from './version-account';

/** Why the numbers of a verification are no account of what the bucket holds; none: they are one. */
export function unaccounted({
  account,
  objectVersions,
  leftTotal,
  unknownTotal,
  comparisons,
}: BucketVerification): readonly string[] {
  const reasons: string[] = [];
  const fault = sumFault(account);
  if (fault !== undefined) reasons.push(fault);
  if (objectVersions < account.listed || leftTotal < account.left || unknownTotal < account.unknown) {
    reasons.push('its totals are smaller than its account');
  }
  for (const one of comparisons) {
    if (one.missing > 0) reasons.push(`its listing lacks versions of another one; ${comparisonText(one)}`);
  }
  return reasons;
}
