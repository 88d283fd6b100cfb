import type { GateReason } from './gate-reason';
import type { DressRehearsal } from './rehearsal/dress-rehearsal';
import type { RehearsedBucket } from './rehearsal/rehearse-bucket';

/** Versions of a bucket that are named one by one; the others are counted. */
const NAMED = 5;

/**
 * Reasons about the dress rehearsal. Pure.
 *
 * @param role - ARN of `retire.rehearseAs`; undefined: nothing is to be rehearsed
 */
export function rehearsalReasons(role: string | undefined, rehearsal: DressRehearsal | undefined): GateReason[] {
  if (role === undefined) return [];
  if (!rehearsal) return [{ code: 'rehearsal-not-possible', text: `nothing was rehearsed as ${role}` }];
  return [
    ...rehearsal.buckets.flatMap((one) => failures(one, role)),
    ...rehearsal.impossible.map(
      (text): GateReason => ({ code: 'rehearsal-not-possible', text: `dress rehearsal: ${text}` }),
    ),
  ];
}

function failures({ bucket, failed }: RehearsedBucket, role: string): GateReason[] {
  const reasons = failed.slice(0, NAMED).map(({ key, versionId, why }): GateReason => {
    const version = versionId === undefined ? '' : ` (version ${versionId})`;
    const text = `without it ${role} cannot read ${JSON.stringify(key)}${version} in ${bucket}: ${why}`;
    return { code: 'rehearsal-failed', subject: key, text };
  });
  const more = failed.length - reasons.length;
  if (more > 0) {
    reasons.push({
      code: 'rehearsal-failed',
      text: `without it ${role} cannot read ${more} more object version(s) in ${bucket}`,
    });
  }
  return reasons;
}

/** What was rehearsed and what was not, in one line for people. */
export function rehearsalLine(role: string | undefined, rehearsal: DressRehearsal | undefined): string {
  if (role === undefined) return 'nothing was rehearsed: `retire.rehearseAs` names no role';
  if (!rehearsal) return `nothing was rehearsed as ${role}`;
  const { buckets } = rehearsal;
  const sum = (of: (one: RehearsedBucket) => number) => buckets.reduce((total, one) => total + of(one), 0);
  const annotations = sum((one) => one.annotations);
  const more = annotations > 0 ? `, ${annotations} annotation(s) read` : '';
  const read = `dress rehearsal as ${role}: ${sum((one) => one.read)} object version(s) read without the key, ${sum((one) => one.failed.length)} not readable without it${more}`;
  const aside = [
    [sum((one) => one.archived), 'archived'],
    [sum((one) => one.customerKey), "under a customer's key"],
    [sum((one) => one.outOfReach), 'under other keys, not for this role'],
    [sum((one) => one.gone), 'deleted meanwhile'],
    [sum((one) => one.annotationsOutOfReach), 'annotation(s), not for this role'],
  ] as const;
  const counted = aside.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  const empty = buckets.filter((one) => one.objectVersions === 0).map(({ bucket }) => `${bucket} is empty`);
  const not = [...counted, ...empty];
  return not.length === 0 ? read : `${read}; not rehearsed: ${not.join(', ')}`;
}
