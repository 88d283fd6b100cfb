import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudTrailClient, Event } from '@aws-sdk/client-cloudtrail';
import { type Answered, answeredIfPossible } from '../aws/answered';
import { called } from '../aws/failures';
import { RETRY_POLICY } from '../aws/retry-policy';
import { isCode, KeyturnError } from '../errors';
import { type KeyEvent, readKeyEvent } from './event-record';

/** Which events are looked up. */
export interface EventQuery {
  readonly keyArn: string;
  /** Not older than this; CloudTrail keeps 90 days. */
  readonly since: Date;
  /** Not younger than this; absent: up to now. */
  readonly until?: Date;
  /** Stops after so many events. Default 20,000: at 50 a page and two pages a second that is more than three minutes. */
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface KeyEvents {
  /** The newest first. */
  readonly events: readonly KeyEvent[];
  /** Where the look ended early: the time of the oldest event that was read. Absent: everything was read. */
  readonly endedAt?: Date;
  /** Events that could not be understood. */
  readonly unread: number;
}

const POLICY = RETRY_POLICY['trail lookup'];
const MOST = 20_000;

/**
 * The calls that name a key, by CloudTrail's event history. It is late by about five minutes and gives no promise of more; what S3 does
 * with a Bucket Key it shows once for many objects. So no event proves that nobody uses a key.
 *
 * @throws KeyturnError `interrupted`, and for missing credentials; whatever else is wrong is an unknown answer
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export function keyEvents(client: CloudTrailClient, query: EventQuery): Promise<Answered<KeyEvents>> {
  return answeredIfPossible('cloudtrail:LookupEvents', () => lookUp(client, query));
}

async function lookUp(client: CloudTrailClient, query: EventQuery): Promise<KeyEvents> {
  const { LookupEventsCommand } = await import('@aws-sdk/client-cloudtrail');
  const { keyArn, since, until, most = MOST, signal } = query;
  const events: KeyEvent[] = [];
  let [unread, pages] = [0, 0];
  let token: string | undefined;
  do {
    if (pages > 0) await pause(POLICY.pauseMs, signal);
    const input = {
      LookupAttributes: [{ AttributeKey: 'ResourceName' as const, AttributeValue: keyArn }],
      StartTime: since,
      EndTime: until,
      NextToken: token,
    };
    const answer = await withRetry(() => client.send(new LookupEventsCommand(input)), keyArn, signal);
    for (const event of answer.Events ?? []) {
      const read = readKeyEvent(textOf(event));
      if (read === undefined) unread += 1;
      else events.push(read);
    }
    pages += 1;
    token = answer.NextToken;
    const last = answer.Events?.at(-1)?.EventTime;
    if (token !== undefined && events.length + unread >= most) return { events, unread, endedAt: last ?? since };
  } while (token !== undefined);
  return { events, unread };
}

const textOf = ({ CloudTrailEvent = '' }: Event): string => CloudTrailEvent;

async function withRetry<T>(send: () => Promise<T>, keyArn: string, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await called('cloudtrail:LookupEvents', keyArn, send);
    } catch (error) {
      const isThrottled = isCode(error, 'aws-throttled');
      if (!isThrottled || attempt >= POLICY.attempts) throw error;
    }
    await pause(POLICY.baseMs + Math.random() * Math.min(POLICY.capMs, POLICY.baseMs * 2 ** attempt), signal);
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    throw new KeyturnError('interrupted', { during: 'cloudtrail:LookupEvents' }, error);
  }
}
