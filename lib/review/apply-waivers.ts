import type { ReviewWaiver } from '../rotation/rotation';
import type { Finding, WaivedFinding } from './finding';
import { type Words, words } from './review-messages';
import { reviewRules } from './rules';
import { waiverRule } from './rules/waiver-rule';

const ORDER = { error: 0, warning: 1, note: 2 } as const;

/**
 * Removes the findings that the rotation file waives. An invalid waiver (after its end date, for no rule, or for a
 * rule that cannot be waived) is a finding itself, and its target remains.
 *
 * @param now - a waiver is valid through the whole of its last day, UTC
 */
export function applyWaivers(
  found: readonly Finding[],
  waivers: readonly ReviewWaiver[],
  now: Date,
): { readonly findings: readonly Finding[]; readonly waived: readonly WaivedFinding[] } {
  const standing: Finding[] = [];
  const waived: WaivedFinding[] = [];
  const faults = waivers.map((waiver) => ({ waiver, fault: faultOf(waiver, now) }));
  const counting = faults.filter(({ fault }) => fault === undefined).map(({ waiver }) => waiver);
  for (const finding of found) {
    const waiver = counting.find((one) => covers(one, finding));
    if (waiver) waived.push({ ...finding, waiver });
    else standing.push(finding);
  }
  for (const { waiver, fault } of faults) {
    if (!fault) continue;
    const { id, severity } = waiverRule;
    standing.push({
      rule: id,
      severity,
      plan: undefined,
      address: waiver.address,
      message: words`the waiver of ${waiver.rule} ${fault}`,
    });
  }
  return { findings: standing.sort(bySeverity), waived };
}

function faultOf({ rule, until }: ReviewWaiver, now: Date): Words | undefined {
  const known = reviewRules.find((one) => one.id === rule);
  if (!known) return words`is for no rule of this review`;
  if (!known.waivable) return words`is not valid: this rule cannot be waived`;
  return until < now.toISOString().slice(0, 10) ? words`ended on ${until}` : undefined;
}

const covers = (waiver: ReviewWaiver, { rule, address }: Finding): boolean =>
  waiver.rule === rule && (waiver.address === undefined || waiver.address === address);

const bySeverity = (left: Finding, right: Finding): number =>
  ORDER[left.severity] - ORDER[right.severity] || (left.rule < right.rule ? -1 : left.rule > right.rule ? 1 : 0);
