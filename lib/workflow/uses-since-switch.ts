import type { KeyEvent } from '../cloudtrail/event-record';
import { keyEvents } from '../cloudtrail/key-events';
import { callerName, isUse, isWrite, type ShownUse, shownUse, usesOf } from '../cloudtrail/key-uses';
import { PROOF_CONTEXT } from '../kms/prove-import';
import { bucketsToVerify, type Rotation, sessionName } from '../rotation/rotation';
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

/** Undefined: CloudTrail gave no answer, and the text says why. */
export type TrailAnswer = { readonly known: UsesSinceSwitch } | { readonly known: undefined; readonly unknown: string };

/**
 * Asks CloudTrail who used a key since the switch. With `retire.unusedForDays` only so many days count.
 *
 * @throws KeyturnError `interrupted`; whatever else is wrong is an unknown answer
 */
export async function usesSinceSwitch(
  { clients, rotation, store, signal }: Pick<RetireRun, 'clients' | 'rotation' | 'store' | 'signal'>,
  about: UseExplained,
): Promise<TrailAnswer> {
  const since = beginning(rotation, about.switchedAt, store.now());
  const answer = await keyEvents(await clients.cloudTrail(), { keyArn: about.keyArn, since, most: MOST, signal });
  if (answer.known === undefined) return { known: undefined, unknown: 'unknown' in answer ? answer.unknown : '' };
  const { events, endedAt, unread } = answer.known;
  const uses = events.filter(isUse);
  const others = uses.filter((event) => !isExplained(event, rotation, about));
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
  if (event.s3Arn === undefined) return event.operation === 'ReEncrypt' && !writes;
  const bucket = /^arn:[^:]+:s3:::([^/]+)/.exec(event.s3Arn)?.[1];
  if (bucket === undefined || !bucketsToVerify(rotation).includes(bucket)) return false;
  return !writes || event.at.getTime() < switchedAt.getTime() + CLOCK_SLACK;
}

/** The round trip that proves a material names the rotation, and nothing else, as its context. */
export const isProof = ({ contextNames, direct }: KeyEvent): boolean =>
  direct && contextNames.length === 1 && contextNames[0] === PROOF_CONTEXT;

const isRehearsal = ({ by, session, operation }: KeyEvent, rotation: Rotation): boolean =>
  operation === 'Decrypt' && callerName(by) === rotation.retire.rehearseAs && session === sessionName(rotation);

/** What CloudTrail showed, in one line for people. */
export function trailLine(answer: TrailAnswer | undefined): string | undefined {
  if (answer?.known === undefined) return undefined;
  const { since, seen, others, notBefore } = answer.known;
  const short = notBefore === undefined ? '' : `; of before ${notBefore} not all was read`;
  return `CloudTrail shows ${seen} use(s) since ${since}, ${others.reduce((sum, { count }) => sum + count, 0)} of somebody else${short}. It is about five minutes late`;
}
