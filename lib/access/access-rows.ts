import type { AccessComparison } from './compare-access';

/** One finding of a comparison, for people. Names come from policies: show them as text. */
export interface AccessRow {
  readonly who: string;
  /** What it may under the old key. */
  readonly may: string;
  /** What holds under the new key. */
  readonly after: string;
  /** The line that mends it. */
  readonly fix: string;
}

const VERDICTS = {
  lost: 'loses it',
  'left-to-iam': 'keeps it only if IAM policies of its account allow it',
  unknown: 'unknown: a condition is not evaluated here',
} as const;

/** The findings of a comparison: policies of the keys, grants, policies of buckets. */
export function accessRows({ from, to, lost, grants, pinned }: AccessComparison): readonly AccessRow[] {
  return [
    ...lost.map(({ who, uses, way, verdict, fix }) => ({
      who,
      may: `${uses.join(', ')} ${way}`,
      after: VERDICTS[verdict],
      fix,
    })),
    ...grants.map(({ grantee, operations, fix }) => ({
      who: grantee,
      may: `grant: ${operations.join(', ')}`,
      after: 'loses it',
      fix,
    })),
    ...pinned.map(({ bucket, statement, deniesOthers }) => ({
      who: `policy of bucket ${bucket}, ${statement}`,
      may: `names the key of ${from.version}`,
      after: deniesOthers ? 'denies what names another key' : 'may not hold for the new key',
      fix: `name ${to.keyArn} there, too`,
    })),
  ];
}

/** True if there is something to decide, or something that was to be read and could not be. */
export function isOpen(comparison: AccessComparison): boolean {
  return accessRows(comparison).length + comparison.unread.length > 0;
}
