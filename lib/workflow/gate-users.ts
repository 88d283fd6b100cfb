import type { ShownUse } from '../cloudtrail/key-uses';
import type { Answered, LastUsage } from '../kms/other-users';
import type { Observation } from '../observation/observe';
import { CLOCK_SLACK } from '../s3/clock-slack';
import type { GateReason } from './gate-reason';
import type { KeyUse, OtherKeyUsers, StandingUsers } from './key-users';
import type { TrailAnswer } from './uses-since-switch';

/** What S3 asks of KMS for objects that it reads, moves and writes, and Keyturn for the proof of an import. */
const READS = /^(?:Decrypt|ReEncrypt(?:From|To)?)$/;
const DAY = 86_400_000;
const WRITES = /^GenerateDataKey(?:WithoutPlaintext)?$/;

/** Reasons about other users of the key, and about what could not be seen of them. Pure. */
export function userReasons({ use, ...standing }: OtherKeyUsers): GateReason[] {
  return [...standingReasons(standing), ...useReasons(use), ...trailReasons(use.trail)];
}

/** Reasons about who may use the key, whether or not they did. Pure. */
export function standingReasons({
  grants,
  defaultOf,
  defaultsUnknown,
  replicas,
  replicasUnknown,
}: StandingUsers): GateReason[] {
  return [
    ...('unknown' in grants
      ? [{ code: 'grants-unknown', text: `${grants.unknown}, so grants on the key are not known` } as const]
      : grants.known.map(({ id, name, grantee, operations }) => {
          const what = `${grantee ?? 'somebody'} may use it for ${operations.join(', ') || 'nothing'}`;
          return { code: 'granted', subject: id, text: `a grant is on it (${name ?? id}): ${what}` } as const;
        })),
    ...defaultOf.map((bucket) => {
      const text = `new objects in ${bucket}, which is not under buckets in the rotation file, go under it by default`;
      return { code: 'default-elsewhere', subject: bucket, text } as const;
    }),
    ...defaultsUnknown.map(({ bucket, text }) => {
      return { code: 'defaults-unknown', text, ...(bucket === undefined ? {} : { subject: bucket }) } as const;
    }),
    ...replicas.map(({ bucket, destination }) => {
      const text = `replicas of ${bucket} go under it, in ${destination}: once it is disabled, S3 replicates nothing, and tells no writer`;
      return { code: 'replicates', subject: bucket, text } as const;
    }),
    ...replicasUnknown.map(({ bucket, text }) => ({ code: 'replication-unknown', subject: bucket, text }) as const),
  ];
}

/**
 * Keys of other Regions with the same material: what this one encrypted, they decrypt, also once it is disabled, and nobody looked at
 * what is under them. Pure.
 */
export function relatedReasons({ versions }: Pick<Observation, 'versions'>, keyArn: string): GateReason[] {
  const related = versions.find(({ key }) => key?.arn === keyArn)?.key?.relatedKeys ?? [];
  return related.map((arn) => {
    const region = arn.split(':')[3] ?? '';
    const text = `it is a multi-Region key: ${arn} has the same material and stays as it is. Keyturn looks at one Region, so what is under that key, and who uses it, is not known`;
    return { code: 'related-key', subject: region, text };
  });
}

/**
 * A use counts as somebody else's unless it is explained: by writes of before the switch, or by objects that were read and moved until
 * Keyturn's last move. Its time is KMS's, the others are S3's, hence the slack.
 */
function useReasons(use: KeyUse): GateReason[] {
  const { before, now, switchedAt } = use;
  const unknown = [before, now, switchedAt].flatMap((one) => (one && 'unknown' in one ? [one.unknown] : []));
  return [
    ...[...new Set(unknown)].map((why) => ({ code: 'use-unknown', text: `${why}, so its use is not known` }) as const),
    ...unexplained(use).map(({ at, operation }) => {
      const text = `somebody used it: KMS reports ${operation} at ${at.toISOString()}, which neither writes before the switch nor Keyturn's moves explain`;
      return { code: 'used', text } as const;
    }),
  ];
}

/** Uses since the switch that CloudTrail shows: one reason for each caller, which a waiver may name. */
function trailReasons(trail: TrailAnswer | undefined): GateReason[] {
  if (trail === undefined) return [];
  if (trail.known === undefined) {
    const text = `${trail.unknown}, so who used it since the switch is not known`;
    return [{ code: 'use-unknown', text }];
  }
  const { others, unread } = trail.known;
  const callers = [...new Set(others.map(({ who }) => who))];
  return [
    ...unread.map(
      (what) => ({ code: 'use-unknown', text: `${what}, so who used it since the switch is not known` }) as const,
    ),
    ...callers.map((who) => {
      const uses = others.filter((one) => one.who === who).map(useText);
      return { code: 'used', subject: who, text: `${who} used it since the switch: ${uses.join('; ')}` } as const;
    }),
  ];
}

function useText({ operation, through, bucket, count, last }: ShownUse): string {
  const where = bucket === null ? '' : ` in bucket ${bucket}`;
  return `${operation} ${through === null ? 'directly' : `through ${through}`}${where}, ${count} time(s), last ${last}`;
}

/** A use that KMS reports. */
interface Use {
  readonly at: Date;
  readonly operation: string;
}

function unexplained(use: KeyUse): readonly Use[] {
  const before = useOf(use.before);
  const now = useOf(use.now);
  const isNew = now !== undefined && (now.at.getTime() !== before?.at.getTime() || now.operation !== before.operation);
  return [
    ...(before && !isExplainedBefore(before, use) ? [before] : []),
    ...(isNew && !isExplainedNow(now, use) ? [now] : []),
  ];
}

function useOf(reported: Answered<LastUsage> | undefined): Use | undefined {
  const { at, operation = 'a call' } = reported?.known ?? {};
  return at && { at, operation };
}

/** The last use before this run moved anything. */
function isExplainedBefore({ at, operation }: Use, { switchedAt, movedUntil }: KeyUse): boolean {
  const switched = switchedAt.known;
  const isOfBefore = switched === undefined || at.getTime() < switched.getTime() + CLOCK_SLACK;
  if (WRITES.test(operation)) return isOfBefore;
  if (!READS.test(operation)) return false;
  if (movedUntil !== undefined) return at.getTime() <= movedUntil + CLOCK_SLACK;
  // A re-encryption by a run whose evidence is elsewhere is the likely cause; of a read it is not.
  return isOfBefore || operation !== 'Decrypt';
}

/** A use since this run began: it moved objects, and everything else is somebody else's. */
function isExplainedNow({ at, operation }: Use, { movedUntil, hasMoved }: KeyUse): boolean {
  return hasMoved && movedUntil !== undefined && READS.test(operation) && at.getTime() <= movedUntil + CLOCK_SLACK;
}

/** The whole days without use that the rotation file asks for are not over: KMS would refuse, too. Pure. */
export function soakReasons({ use }: Pick<OtherKeyUsers, 'use'>, days: number | undefined, now: number): GateReason[] {
  const used = useOf(use.now);
  if (days === undefined || used === undefined) return [];
  const from = used.at.getTime() + days * DAY;
  if (now >= from) return [];
  const text = `it was last used at ${used.at.toISOString()} (${used.operation}), and retire.unusedForDays asks for ${days} days without use: it can be disabled from ${new Date(from).toISOString()} on`;
  return [{ code: 'used-recently', text }];
}
