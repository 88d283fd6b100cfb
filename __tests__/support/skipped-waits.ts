import timers from 'node:timers/promises';

/** Milliseconds that are waited out. */
const SHORT = 20;

/**
 * Lets every longer wait end at once, and the clock of this process go on by what was skipped: waits of minutes end as they would,
 * in no time. Client and endpoint must be in this process.
 */
export function skipWaits(): { readonly restart: () => void; readonly undo: () => void } {
  const { setTimeout: wait } = timers;
  const now = Date.now;
  let skipped = 0;
  const skipping = (ms = 1, ...rest: [value?: unknown, options?: object]) => {
    const waited = Math.min(ms, SHORT);
    skipped += ms - waited;
    return wait(waited, ...rest);
  };
  Object.assign(timers, { setTimeout: skipping });
  Date.now = () => now() + Math.round(skipped);
  return {
    /** Sets the clock back to that of the machine. */
    restart: () => {
      skipped = 0;
    },
    undo: () => {
      Object.assign(timers, { setTimeout: wait });
      Date.now = now;
    },
  };
}
