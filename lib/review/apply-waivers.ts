import type { ReviewWaiver } from '../rotation/settings';
import type { Finding, WaivedFinding } from './finding';
import { same } from './plan-values';
import { type Words, words } from './review-messages';
import { reviewRules } from './rules';
import { waiverRule } from './rules/waiver-rule';

const ORDER = { error: 0, warning: 1, note: 2 } as const;

/**
 * Removes the findings that the rotation file waives. An invalid waiver (after its end date, for no rule, or for a
 * rule that cannot be waived) is a finding itself, and its target remains.
 *
 * @param now - a waiver is valid through the whole of its last day, UTC
 * @param base - the waivers before the change that is reviewed: no change waives what it brings itself
 */
export function applyWaivers(
  found: readonly Finding[],
  waivers: readonly ReviewWaiver[],
  now: Date,
  base?: readonly ReviewWaiver[],
): { readonly findings: readonly Finding[]; readonly waived: readonly WaivedFinding[] } {
  const standing: Finding[] = [];
  const waived: WaivedFinding[] = [];
  const faults = waivers.map((waiver) => ({ waiver, fault: faultOf(waiver, now, base) }));
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

/** Waivers are for a while: a year is time enough to fix what one is about. */
const MOST_DAYS = 366;
const DAY = 86_400_000;

function faultOf(waiver: ReviewWaiver, now: Date, base: readonly ReviewWaiver[] | undefined): Words | undefined {
  const { rule, until } = waiver;
  const known = reviewRules.find((one) => one.id === rule);
  if (!known) return words`is for no rule of this review`;
  if (!known.waivable) return words`is not valid: this rule cannot be waived`;
  if (until < now.toISOString().slice(0, 10)) return words`ended on ${until}`;
  if (Date.parse(until) > now.getTime() + MOST_DAYS * DAY) return words`ends more than ${MOST_DAYS} days from now`;
  const isNew = base !== undefined && !base.some((one) => same(one, waiver));
  return isNew ? words`is new in this change: it counts from the next one on` : undefined;
}

const covers = (waiver: ReviewWaiver, { rule, address }: Finding): boolean =>
  waiver.rule === rule && (waiver.address === undefined || waiver.address === address);

const bySeverity = (left: Finding, right: Finding): number =>
  ORDER[left.severity] - ORDER[right.severity] || (left.rule < right.rule ? -1 : left.rule > right.rule ? 1 : 0);
