import { hasOnlyContext, type KeyEvent } from '../cloudtrail/event-record';
import { keyEvents } from '../cloudtrail/key-events';
import { callerName, isUse, isWrite, type ShownUse, shownUse, usesOf } from '../cloudtrail/key-uses';
import { isCode } from '../errors';
import { PROOF_CONTEXT } from '../kms/prove-import';
import { bucketsToVerify, type Rotation, sessionName } from '../rotation/rotation';
import { bucketExists } from '../s3/bucket-default';
import { CLOCK_SLACK } from '../s3/clock-slack';
import type { RetireRun } from './rotation-run';

/** What CloudTrail shows of a key since the switch. */
export interface UsesSinceSwitch {
  /** ISO 8601: nothing older was looked up. */
  readonly since: string;
  /** Uses that were looked at. */
  readonly seen: number;
  /** Those that neither the verification nor Keyturn itself explains. */
  readonly others: readonly ShownUse[];
  /** Sentences without a period: what could not be read, so that somebody may be missing. */
  readonly unread: readonly string[];
  /** ISO 8601: of before this time, while Keyturn still moved objects, not all was read. Absent: everything was. */
  readonly notBefore?: string;
}

/** What explains uses of a key. */
export interface UseExplained {
  readonly keyArn: string;
  /** When the main alias moved to the active key. */
  readonly switchedAt: Date;
  /** Milliseconds since the epoch: when Keyturn last moved objects; absent: no such move is known. */
  readonly movedUntil: number | undefined;
}

const DAY = 86_400_000;
/** CloudTrail's event history ends there. */
const HISTORY = 90 * DAY;
/** The move itself makes an event for each object, and the newest come first: more than a minute's reading finds only more of those. */
const MOST = 5_000;

type TrailRun = Pick<RetireRun, 'clients' | 'identity' | 'rotation' | 'store' | 'signal'>;

/** Undefined: CloudTrail gave no answer, and the text says why. */
export type TrailAnswer = { readonly known: UsesSinceSwitch } | { readonly known: undefined; readonly unknown: string };

/**
 * Asks CloudTrail who used a key since the switch. With `retire.unusedForDays` only so many days count.
 *
 * @throws KeyturnError `interrupted`; whatever else is wrong is an unknown answer
 */
export async function usesSinceSwitch(run: TrailRun, about: UseExplained): Promise<TrailAnswer> {
  const { clients, rotation, store, signal } = run;
  const since = beginning(rotation, about.switchedAt, store.now());
  const answer = await keyEvents(await clients.cloudTrail(), { keyArn: about.keyArn, since, most: MOST, signal });
  if (answer.known === undefined) return { known: undefined, unknown: 'unknown' in answer ? answer.unknown : '' };
  const { events, endedAt, unread } = answer.known;
  const uses = events.filter(isUse);
  const others = await outsideGoneBuckets(
    run,
    uses.filter((event) => !isExplained(event, rotation, about)),
  );
  const movesEnd = (about.movedUntil ?? about.switchedAt.getTime()) + CLOCK_SLACK;
  const isShort = endedAt !== undefined && endedAt.getTime() > movesEnd;
  return {
    known: {
      since: since.toISOString(),
      seen: uses.length,
      others: usesOf(others, about.keyArn).map(shownUse),
      unread: [
        ...(isShort ? [`CloudTrail has too many events: nothing before ${endedAt.toISOString()} was read`] : []),
        ...(unread === 0 ? [] : [`${unread} events of CloudTrail name nobody who is understood`]),
      ],
      ...(endedAt === undefined ? {} : { notBefore: endedAt.toISOString() }),
    },
  };
}

/** A second is CloudTrail's finest time: that of the switch counts. */
function beginning({ retire: { unusedForDays } }: Rotation, switchedAt: Date, now: number): Date {
  const counts = now - (unusedForDays === undefined ? HISTORY : Math.min(unusedForDays * DAY, HISTORY));
  return new Date(Math.floor(Math.max(switchedAt.getTime(), counts) / 1000) * 1000);
}

/**
 * S3 reads in a verified bucket are explained whenever they were: what was read is there no more, or under another key. A write there
 * is, too, but its writer goes on; only as long as the default may not have reached all of S3 did it come from the default. Everybody
 * else has data elsewhere, or names the key.
 */
function isExplained(event: KeyEvent, rotation: Rotation, { keyArn, switchedAt }: UseExplained): boolean {
  if (isProof(event) || isRehearsal(event, rotation)) return true;
  if (event.direct) return false;
  const writes = isWrite(event, keyArn);
  if (event.s3Arn === undefined) return event.operation === 'ReEncrypt' && !writes && isOfS3WithoutContext(event);
  const bucket = bucketOf(event);
  if (bucket === undefined || !bucketsToVerify(rotation).includes(bucket)) return false;
  return !writes || event.at.getTime() < switchedAt.getTime() + CLOCK_SLACK;
}

/** A move for which CloudTrail records no context. Other services copy with contexts of their own, such as a snapshot's. */
function isOfS3WithoutContext({ by, through = 'AWS Internal', contextNames }: KeyEvent): boolean {
  if (contextNames.length > 0) return false;
  const service = by.kind === 'service' ? by.name : through;
  return service === 'AWS Internal' || /^s3\.amazonaws\.com/.test(service);
}

const bucketOf = ({ s3Arn }: KeyEvent): string | undefined => /^arn:[^:]+:s3:::([^/]+)/.exec(s3Arn ?? '')?.[1];

/** Nobody reads or writes a bucket that is gone. Where S3 does not say so, it counts as there. */
async function outsideGoneBuckets(
  { clients, identity }: TrailRun,
  events: readonly KeyEvent[],
): Promise<readonly KeyEvent[]> {
  const through = new Set(events.flatMap((event) => (event.direct ? [] : (bucketOf(event) ?? []))));
  const gone = new Set<string>();
  for (const bucket of through) {
    const isThere = await bucketExists(clients.s3, bucket, identity.account).catch((error: unknown) => {
      if (isCode(error, 'interrupted')) throw error;
      return true;
    });
    if (!isThere) gone.add(bucket);
  }
  return events.filter((event) => event.direct || !gone.has(bucketOf(event) ?? ''));
}

/** The round trip that proves a material names the rotation, and nothing else, as its context. */
export const isProof = (event: KeyEvent): boolean => hasOnlyContext(event, PROOF_CONTEXT);

const isRehearsal = ({ by, session, operation }: KeyEvent, rotation: Rotation): boolean =>
  operation === 'Decrypt' && callerName(by) === rotation.retire.rehearseAs && session === sessionName(rotation);

/** What CloudTrail showed, in one line for people. */
export function trailLine(answer: TrailAnswer | undefined): string | undefined {
  if (answer?.known === undefined) return undefined;
  const { since, seen, others, notBefore } = answer.known;
  const short = notBefore === undefined ? '' : `; of before ${notBefore} not all was read`;
  return `CloudTrail shows ${seen} use(s) since ${since}, ${others.reduce((sum, { count }) => sum + count, 0)} of somebody else${short}. It is about five minutes late`;
}
