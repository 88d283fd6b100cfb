import type { Clock } from './message';

/** A clock that runs with the host and can be moved, so that expiry and deletion windows can be watched without waiting. */
export interface MovableClock extends Clock {
  /** How far the clock stands from the host's, in milliseconds; negative is the past. */
  offset: number;
  /** Moves the clock on by so many milliseconds. */
  advance(milliseconds: number): void;
}

/** Makes a {@link MovableClock} over `base`, which defaults to the host's clock. */
export function movableClock(base: Clock = { now: Date.now }): MovableClock {
  return {
    offset: 0,
    now() {
      return base.now() + this.offset;
    },
    advance(milliseconds: number) {
      this.offset += milliseconds;
    },
  };
}
