import { randomUUID } from 'node:crypto';
import type { Clock } from '../message';
import type { TrailEvent } from './event';

/** What CloudTrail's event history holds of one account and Region. */
export interface Trail {
  /** Adds an event that happens now by the clock. */
  record(event: Omit<TrailEvent, 'id' | 'at'>): void;
  /** The events that can be looked up now, the newest first. */
  seen(): readonly TrailEvent[];
}

const DAY = 86_400_000;
/** The event history of CloudTrail. */
const KEPT = 90 * DAY;
/** The latest so many are kept, so that an endpoint that runs for days does not grow. */
const CAPACITY = 100_000;

/** @param delay - milliseconds by the clock until an event can be looked up; AWS gives about five minutes, and no promise */
export function createTrail(clock: Clock, delay: () => number): Trail {
  let events: TrailEvent[] = [];
  return {
    record(event) {
      events.push({ ...event, id: randomUUID(), at: clock.now() });
      if (events.length > 2 * CAPACITY) events = events.slice(-CAPACITY);
    },
    seen() {
      const now = clock.now();
      const until = now - delay();
      return events
        .slice(-CAPACITY)
        .filter(({ at }) => at <= until && at > now - KEPT)
        .reverse();
    },
  };
}
