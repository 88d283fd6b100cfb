/** `SLOW=1` takes longer and looks further: more runs of each property, and tests that are too long for every run. */
export const SLOW = process.env.SLOW === '1';

/** Runs of a property. @param usual - enough to notice a fault in every run; `SLOW=1` makes ten times as many */
export const runs = (usual: number): number => (SLOW ? 10 * usual : usual);
