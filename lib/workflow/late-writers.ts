import { keyEvents } from '../cloudtrail/key-events';
import { isWrite, type ShownUse, shownUse, usesOf } from '../cloudtrail/key-uses';
import { aliasSwitchedAt } from '../kms/alias-switch';
import { observedActive, observeVersions } from '../observation/observe';
import { isProof } from './uses-since-switch';
import type { WatchRun } from './watch-disabled';

/** Who still wrote under the key of a superseded version after the switch. */
export interface LateWriters {
  readonly version: string;
  readonly keyArn: string;
  /** When the main alias moved to the active key, ISO 8601; null: it does not point there, and nothing was asked. */
  readonly since: string | null;
  readonly writers: readonly ShownUse[];
  /** What of CloudTrail could not be read: then no writer is no proof. */
  readonly unread: readonly string[];
}

/** Asks CloudTrail who wrote under a superseded key since the switch. A second is its finest time: that of the switch counts. */
export async function lateWriters(run: WatchRun): Promise<readonly LateWriters[]> {
  const { rotation, clients } = run;
  const versions = await observeVersions(run);
  const active = observedActive(rotation, versions).key;
  const switched = active && (await aliasSwitchedAt(clients.kms, rotation.alias, active.arn));
  const found: LateWriters[] = [];
  for (const { version, key } of versions) {
    if (key === undefined || key.arn === active?.arn || key.state === 'PendingImport') continue;
    const about = { version: version.name, keyArn: key.arn, since: switched?.toISOString() ?? null };
    found.push({ ...about, ...(await writersOf(run, key.arn, switched)) });
  }
  return found;
}

async function writersOf(
  { clients, signal }: WatchRun,
  keyArn: string,
  switched: Date | undefined,
): Promise<Pick<LateWriters, 'writers' | 'unread'>> {
  if (switched === undefined) return { writers: [], unread: [] };
  const since = new Date(Math.floor(switched.getTime() / 1000) * 1000);
  const answer = await keyEvents(await clients.cloudTrail(), { keyArn, since, signal });
  if (answer.known === undefined) return { writers: [], unread: ['unknown' in answer ? answer.unknown : ''] };
  const { events, endedAt, unread } = answer.known;
  const writes = events.filter((event) => isWrite(event, keyArn) && !isProof(event));
  const writers = usesOf(writes, keyArn);
  return {
    writers: writers.map(shownUse),
    unread: [
      ...(endedAt === undefined ? [] : [`nothing before ${endedAt.toISOString()}, for there are too many`]),
      ...(unread === 0 ? [] : [`${unread} events name nobody who is understood`]),
    ],
  };
}
