import type { KeyEvent } from '../cloudtrail/event-record';
import { isUse } from '../cloudtrail/key-uses';
import type { LastUsage } from '../kms/other-users';

/** The two services need not agree to the second on when a call was. */
const SLACK_MS = 60_000;

/**
 * The last use that KMS reports, where CloudTrail shows none so late: then somebody used the key who is in no event, or not yet.
 * Undefined: it is explained, or older than what was looked up.
 *
 * @param since - the beginning of what was looked up
 */
export function unseenUse(
  { at, operation = 'a call' }: LastUsage,
  events: readonly KeyEvent[],
  since: Date,
): string | undefined {
  if (at === undefined || at < since) return undefined;
  const latest = at.getTime() - SLACK_MS;
  if (events.some((event) => isUse(event) && event.at.getTime() >= latest)) return undefined;
  return `KMS reports ${operation} at ${at.toISOString()}, which no event shows: CloudTrail is some minutes late`;
}
