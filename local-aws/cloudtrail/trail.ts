import { randomUUID } from 'node:crypto';
import type { Clock } from '../message';
import type { TrailEvent } from './event';

/** What CloudTrail's event histories hold, each of one account and Region. */
export interface Trail {
  /** Adds an event that happens now by the clock. */
  record(event: Omit<TrailEvent, 'id' | 'at'>): void;
  /** The events of an account and Region, of the endpoint's own by default, that can be looked up now, the newest first. */
  seen(region?: string, accountId?: string): readonly TrailEvent[];
}

const DAY = 86_400_000;
/** The event history of CloudTrail. */
const KEPT = 90 * DAY;
/** The latest so many are kept, so that an endpoint that runs for days does not grow. */
const CAPACITY = 100_000;

/**
 * @param home - where an event stands that names no place
 * @param delay - milliseconds by the clock until an event can be looked up; AWS gives about five minutes, and no promise
 */
export function createTrail(
  home: { readonly region: string; readonly accountId: string },
  clock: Clock,
  delay: () => number,
): Trail {
  let events: TrailEvent[] = [];
  return {
    record(event) {
      events.push({ ...home, ...event, id: randomUUID(), at: clock.now() });
      if (events.length > 2 * CAPACITY) events = events.slice(-CAPACITY);
    },
    seen(region = home.region, accountId = home.accountId) {
      const now = clock.now();
      const until = now - delay();
      return events
        .slice(-CAPACITY)
        .filter((event) => event.region === region && event.accountId === accountId)
        .filter(({ at }) => at <= until && at > now - KEPT)
        .reverse();
    },
  };
}
