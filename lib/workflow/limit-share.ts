import type { ReencryptRun } from './rotation-run';

/**
 * A run with its share of the limits that a person set: where several processes move objects, they and this one, which lists and records,
 * have one limit together, divided equally.
 */
export function withLimitShare<Run extends Pick<ReencryptRun, 'reencrypt' | 'workers'>>(run: Run): Run {
  const { reencrypt, workers } = run;
  if (!workers) return run;
  const share = (limit: number | undefined) => limit && Math.max(1, Math.floor(limit / (workers.processes + 1)));
  const { concurrency, maxRps } = reencrypt;
  return { ...run, reencrypt: { ...reencrypt, concurrency: share(concurrency), maxRps: share(maxRps) } };
}
