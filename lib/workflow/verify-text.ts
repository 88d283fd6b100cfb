import type { BucketVerification } from '../verify/bucket-verification';
import { comparisonText } from '../verify/listing-comparison';
import { unaccounted } from '../verify/unaccounted';
import { accountText } from '../verify/version-account';
import type { Reporter } from './reporter';

/** Where every listed version of a bucket is accounted for, and what contradicts it, in lines for people. */
export function describeVerification(reporter: Reporter, found: BucketVerification): void {
  const { bucket, account, openUploadsTotal, secondHeads, comparisons, behindTheMove } = found;
  reporter.note(`${bucket}: ${accountText(account)}; ${openUploadsTotal} open upload(s)`);
  if (behindTheMove && behindTheMove.asThen > 0) {
    const { asThen, atTheEnd } = behindTheMove;
    reporter.note(`${bucket}: ${asThen} inspected behind the move and listed alike now, ${atTheEnd} inspected now`);
  }
  for (const one of comparisons) {
    if (one.newer + one.gone > 0) reporter.note(`${bucket}: compared with the ${comparisonText(one)}`);
  }
  if (secondHeads.contradictions > 0) {
    reporter.warn(
      `${bucket}: ${secondHeads.contradictions} of ${secondHeads.versions} HEAD request(s) that were repeated had another answer`,
    );
  }
  for (const fault of unaccounted(found))
    reporter.warn(`${bucket}: not every object version is accounted for: ${fault}`);
}

/** Partly done while anything is left that the rotation file wants moved, also where no version's gate minds. */
export function outcomeOf(found: readonly BucketVerification[]): 'partly' | 'unchanged' {
  return found.some((one) => one.leftTotal > 0) ? 'partly' : 'unchanged';
}

/** The result of the step in one line. */
export function summaryOf(found: readonly BucketVerification[]): string {
  const left = found.reduce((sum, one) => sum + one.account.left, 0);
  const unknown = found.reduce((sum, one) => sum + one.account.unknown, 0);
  const outOfScope = found.reduce((sum, one) => sum + one.account.outOfScope, 0);
  const open = found.filter((one) => unaccounted(one).length > 0).map((one) => one.bucket);
  const scope = outOfScope > 0 ? `; ${outOfScope} out of scope` : '';
  const faults = open.length > 0 ? `; not accounted for: ${open.join(', ')}` : '';
  const result =
    left + unknown === 0
      ? 'nothing is left under another key of this rotation'
      : `${left} left under another key of this rotation, ${unknown} unknown`;
  return result + scope + faults;
}

/** What the verification is based on, in lines for people. */
export function describeSources(reporter: Reporter, { bucket, sources }: BucketVerification): void {
  const { heads, notInspected, because, disagreementsTotal } = sources;
  const inspected = Object.entries(heads).map(([why, count]) => `${count} ${why}`);
  reporter.note(
    because === undefined
      ? `${bucket}: inspected ${inspected.join(', ') || 'none'}; ${notInspected} by what S3 lists under the old keys`
      : `${bucket}: every object version was inspected: ${because}`,
  );
  if (disagreementsTotal > 0) {
    reporter.warn(`${bucket}: S3's list and HEAD differ for ${disagreementsTotal} object(s); HEAD decides`);
  }
}
