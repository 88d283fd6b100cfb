import type { AwsClients } from '../aws/clients';
import type { KeyEvent } from '../cloudtrail/event-record';
import { keyEvents } from '../cloudtrail/key-events';
import { failuresOf, type ShownUse, shownUse } from '../cloudtrail/key-uses';
import { KeyturnError } from '../errors';
import { type Observing, observeVersions } from '../observation/observe';
import type { KeyVersion } from '../rotation/rotation';

/** What a watch reads. */
export interface WatchRun extends Observing {
  readonly clients: Pick<AwsClients, 'kms' | 's3' | 'cloudTrail'>;
}

/** A version whose key is Disabled, and who still asked for it. */
export interface WatchedVersion {
  readonly version: KeyVersion;
  readonly keyArn: string;
  /** The last DisableKey in the window, ISO 8601; null: it was earlier, so that the whole window counts. */
  readonly disabledAt: string | null;
  readonly failures: readonly ShownUse[];
  /** What of CloudTrail could not be read: then no failure is no proof. */
  readonly unread: readonly string[];
}

const DAY = 86_400_000;

/**
 * Looks for calls that failed since a key of the rotation was disabled.
 *
 * @throws KeyturnError `trail-unread` if CloudTrail gives no answer
 */
export async function watchDisabled(run: WatchRun): Promise<readonly WatchedVersion[]> {
  const found: WatchedVersion[] = [];
  for (const { version, key } of await observeVersions(run)) {
    if (key?.state === 'Disabled') found.push(await watched(run, version, key.arn));
  }
  return found;
}

async function watched(
  { clients, rotation, signal }: WatchRun,
  version: KeyVersion,
  keyArn: string,
): Promise<WatchedVersion> {
  const since = new Date(Date.now() - rotation.access.days * DAY);
  const answer = await keyEvents(await clients.cloudTrail(), { keyArn, since, signal });
  if (answer.known === undefined)
    throw new KeyturnError('trail-unread', {
      version: version.name,
      reason: 'unknown' in answer ? answer.unknown : '',
    });
  const { events, endedAt, unread } = answer.known;
  const disabledAt = events.find(isDisable)?.at;
  const after = events.filter(({ at }) => disabledAt === undefined || at >= disabledAt);
  return {
    version,
    keyArn,
    disabledAt: disabledAt?.toISOString() ?? null,
    failures: failuresOf(after, keyArn).map(shownUse),
    unread: [
      ...(endedAt !== undefined && disabledAt === undefined ? [`nothing before ${endedAt.toISOString()}`] : []),
      ...(unread > 0 ? [`${unread} events name nobody who is understood`] : []),
    ],
  };
}

const isDisable = ({ operation, error }: KeyEvent): boolean => operation === 'DisableKey' && error === undefined;
