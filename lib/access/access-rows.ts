import type { ShownUse } from '../cloudtrail/key-uses';
import type { AccessComparison } from './compare-access';
import type { UsedAccess } from './used-access';

/** One finding of a comparison, for people. Names come from policies and events: show them as text. */
export interface AccessRow {
  readonly who: string;
  /** What it may, or did, under the old key. */
  readonly may: string;
  /** What holds under the new key. */
  readonly after: string;
  /** The line that mends it. */
  readonly fix: string;
  /** Whether it stops a switch. */
  readonly stops: boolean;
}

const VERDICTS = {
  lost: 'loses it',
  'left-to-iam': 'keeps it only if IAM policies of its account allow it',
  unknown: 'unknown: a condition is not evaluated here',
} as const;

/** The findings of a comparison: uses first, those that stop a switch before all; then policies of keys, grants, policies of buckets. */
export function accessRows(comparison: AccessComparison): readonly AccessRow[] {
  const { from, to, lost, identities, grants, pinned, naming, used } = comparison;
  const rows = [
    ...used.flatMap(rowOfUse),
    ...lost.map(({ who, uses, way, verdict, fix }) => ({
      who,
      may: `${uses.join(', ')} ${way}`,
      after: VERDICTS[verdict],
      fix,
      stops: false,
    })),
    ...identities.map(({ arn, uses, policies, verdict, fix }) => ({
      who: arn,
      may: `${uses.join(', ')} through S3, by ${policies.join(', ')}`,
      after: VERDICTS[verdict],
      fix,
      stops: false,
    })),
    ...grants.map(({ grantee, operations, fix }) => ({
      who: grantee,
      may: `grant: ${operations.join(', ')}`,
      after: 'loses it',
      fix,
      stops: false,
    })),
    ...pinned.map(({ bucket, statement, deniesOthers }) => ({
      who: `policy of bucket ${bucket}, ${statement}`,
      may: `names the key of ${from.version}`,
      after: deniesOthers ? 'denies what names another key' : 'may not hold for the new key',
      fix: `name ${to.keyArn} there, too`,
      stops: false,
    })),
    ...naming.map(({ bucket, setting }) => ({
      who: `${setting} of bucket ${bucket}`,
      may: `names the key of ${from.version}`,
      after: 'goes on naming it, and fails once it is disabled',
      fix: `name ${to.keyArn} there`,
      stops: false,
    })),
  ];
  return [...rows.filter(({ stops }) => stops), ...rows.filter(({ stops }) => !stops)];
}

function rowOfUse(use: UsedAccess): readonly AccessRow[] {
  const { who, verdict, note, fix, waiver } = use;
  if (verdict === 'keeps') return [];
  const waived = waiver === null ? '' : `; waived until ${waiver.until}: ${waiver.reason}`;
  const after = (note === null ? VERDICTS[verdict] : `unknown: ${note}`) + waived;
  return [{ who, may: usedText(use), after, fix, stops: isStopping(use) }];
}

/** `used it: Decrypt through s3 in bucket photos, 12 times, last 2026-11-27T10:00:00Z`. */
export function usedText({ operation, through, bucket, count, last }: Omit<ShownUse, 'who'>): string {
  const way = through === null ? '' : ` through ${through}`;
  const where = bucket === null ? '' : ` in bucket ${bucket}`;
  const times = count === 1 ? 'once' : `${count} times`;
  return `used it: ${operation}${way}${where}, ${times}, last ${last.replace(/\.\d+Z$/, 'Z')}`;
}

const isStopping = ({ verdict, waiver }: UsedAccess): boolean => verdict === 'lost' && waiver === null;

/** The uses that stop a switch: the new key refuses them, and no waiver takes that. */
export function stoppingUses({ used }: AccessComparison): readonly UsedAccess[] {
  return used.filter(isStopping);
}

/** True if there is something to decide, or something that was to be read and could not be. */
export function isOpen(comparison: AccessComparison): boolean {
  const decided = comparison.used.filter(({ waiver }) => waiver !== null).flatMap(rowOfUse).length;
  return accessRows(comparison).length - decided + comparison.unread.length > 0;
}
