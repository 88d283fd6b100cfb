import { createHash } from 'node:crypto';
import { Refusal } from '../wire/refusal';
import { type TrailEvent, typeOf, userNameOf } from './event';

/** A request of LookupEvents. Times are seconds since the epoch. */
export interface LookupInput {
  readonly LookupAttributes?: readonly { readonly AttributeKey: string; readonly AttributeValue: string }[];
  readonly StartTime?: number;
  readonly EndTime?: number;
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

const MEMBERS = ['LookupAttributes', 'StartTime', 'EndTime', 'MaxResults', 'NextToken'];
const MOST = 50;

/** The values of an event by the attributes that it can be looked up by. */
const ATTRIBUTES: Readonly<Record<string, (event: TrailEvent) => readonly (string | undefined)[]>> = {
  EventId: ({ id }) => [id],
  EventName: ({ name }) => [name],
  EventSource: () => ['kms.amazonaws.com'],
  ReadOnly: ({ readOnly }) => [String(readOnly)],
  ResourceName: ({ resources }) => resources,
  ResourceType: ({ resources }) => resources.map(typeOf),
  Username: ({ by }) => [userNameOf(by)],
  AccessKeyId: ({ by }) => ['service' in by ? undefined : by.accessKeyId],
};

/** Reads the body of a request. Throws {@link Refusal} for one that CloudTrail would refuse. */
export function readLookup(body: Buffer): LookupInput {
  let given: LookupInput & Readonly<Record<string, unknown>>;
  try {
    given = JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw refused('SerializationException', 'Request body is not valid JSON.');
  }
  const stray = Object.keys(given).find((name) => !MEMBERS.includes(name));
  if (stray !== undefined)
    throw refused('ValidationException', `This endpoint has no member ${stray} of LookupEvents.`);
  const { LookupAttributes = [], StartTime, EndTime, MaxResults = MOST } = given;
  const isKnown = LookupAttributes.every(({ AttributeKey }) => Object.hasOwn(ATTRIBUTES, AttributeKey));
  if (LookupAttributes.length > 1 || !isKnown)
    throw refused('InvalidLookupAttributesException', 'Provided lookup attributes are not valid.');
  if (StartTime !== undefined && EndTime !== undefined && StartTime > EndTime)
    throw refused('InvalidTimeRangeException', 'The start time is after the end time.');
  if (!Number.isInteger(MaxResults) || MaxResults < 1 || MaxResults > MOST)
    throw refused('InvalidMaxResultsException', `MaxResults must be between 1 and ${MOST}.`);
  return given;
}

/** One page of events, and the token of the next one. A token serves the request that it came with, and no other. */
export function pageOf(events: readonly TrailEvent[], input: LookupInput) {
  const found = events.filter((event) => isAskedFor(event, input));
  const start =
    input.NextToken === undefined ? 0 : found.findIndex(({ id }) => tokenOf(id, input) === input.NextToken) + 1;
  if (input.NextToken !== undefined && start === 0)
    throw refused('InvalidNextTokenException', 'The token is not valid, or came with another request.');
  const page = found.slice(start, start + (input.MaxResults ?? MOST));
  const last = page.at(-1);
  return { page, next: last !== undefined && start + page.length < found.length ? tokenOf(last.id, input) : undefined };
}

function isAskedFor(event: TrailEvent, { LookupAttributes = [], StartTime, EndTime }: LookupInput): boolean {
  const second = Math.floor(event.at / 1000);
  if (second < (StartTime ?? 0) || second > (EndTime ?? Number.POSITIVE_INFINITY)) return false;
  return LookupAttributes.every(({ AttributeKey, AttributeValue }) =>
    ATTRIBUTES[AttributeKey]?.(event).includes(AttributeValue),
  );
}

function tokenOf(id: string, { LookupAttributes = [], StartTime, EndTime }: LookupInput): string {
  const asked = JSON.stringify([id, LookupAttributes, StartTime, EndTime]);
  return createHash('sha256').update(asked).digest('base64');
}

export const refused = (code: string, message: string): Refusal => new Refusal(code, 400, message);
