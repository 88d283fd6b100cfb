import { ASSUMPTIONS, type Assumptions } from '../lib/forecast/assumptions';
import type { Scale } from '../lib/forecast/engine-model';
import { JOB_OBJECTS } from '../lib/forecast/service-limits';
import { type SimulatedPhase, simulatePhase } from './simulation';

/** Seconds of the local engine and of jobs for a bucket, by playing their phases one after the other. */

export function simulateLocal(scale: Scale, assumptions: Assumptions = ASSUMPTIONS): number {
  const moving = [...headsOf(scale.method), ...asksOf(scale.method), 'write', 'read'] as const;
  return (
    simulatePhase(asked(scale, assumptions, moving, assumptions.listings.reencrypt), assumptions) +
    simulatePhase(listed(scale, assumptions, assumptions.listings.reencrypt), assumptions) +
    simulatePhase(verifying(scale, assumptions), assumptions)
  );
}

export function simulateBatch(scale: Scale, assumptions: Assumptions = ASSUMPTIONS): number {
  const isListed = scale.manifest === 'listed' || scale.method === 'rewrite';
  const tasks = scale.method === 'rewrite' ? scale.versions * (1 - scale.noncurrent) : scale.versions;
  const generating = scale.versions / assumptions.generatedPerSecond;
  const manifest = isListed
    ? simulatePhase(
        {
          ...asked(scale, assumptions, ['read', ...asksOf(scale.method)], assumptions.listings.manifest),
          cpuEach: assumptions.cpuPerListed + assumptions.cpuPerRow,
        },
        assumptions,
      )
    : generating;
  // S3 reads what it copies.
  const reading = scale.method === 'rewrite' ? (['read'] as const) : [];
  const job = { ...asked(scale, assumptions, [...reading, 'write'], undefined), versions: tasks };
  const report = {
    ...listed(scale, assumptions, Number.POSITIVE_INFINITY),
    versions: tasks,
    cpuEach: assumptions.cpuPerRow,
  };
  const moved =
    manifest +
    Math.ceil(tasks / JOB_OBJECTS) * assumptions.jobSeconds +
    simulatePhase(job, assumptions) +
    simulatePhase(report, assumptions) +
    simulatePhase(listed(scale, assumptions, assumptions.listings.reencrypt), assumptions);
  if (scale.verify === 'heads') return moved + simulatePhase(verifying(scale, assumptions), assumptions);
  const heads = { ...asked(scale, assumptions, ['read'], assumptions.listings.verify), versions: someOf(scale) };
  return (
    moved +
    2 * generating +
    simulatePhase(listed(scale, assumptions, assumptions.listings.verify), assumptions) +
    simulatePhase(heads, assumptions)
  );
}

/** Annotations are asked for where a rewrap might leave them behind. */
function asksOf(method: Scale['method']): readonly 'read'[] {
  return method === 'rewrite' ? [] : ['read'];
}

function verifying(scale: Scale, assumptions: Assumptions): SimulatedPhase {
  return asked(scale, assumptions, ['read', ...asksOf(scale.method)], assumptions.listings.verify);
}

/** What is asked before a move: a look, and for a copy the ACL. */
function headsOf(method: Scale['method']): readonly 'read'[] {
  return method === 'rewrite' ? ['read', 'read'] : ['read'];
}

function someOf({ versions, noncurrent }: Scale): number {
  return Math.min(versions, Math.round(versions * noncurrent) + 1000);
}

function asked(
  scale: Scale,
  assumptions: Assumptions,
  requests: SimulatedPhase['requests'],
  listings: number | undefined,
): SimulatedPhase {
  const { versions, prefixes, kmsPerSecond, bucketKeys } = scale;
  return {
    versions,
    requests,
    writeSeconds: scale.method === 'rewrite' ? scale.bytesEach / assumptions.copyBytesPerSecond : 0,
    // Two calls to KMS for a version; a bucket key leaves one in a hundred of them.
    kmsEach: 2 * (bucketKeys / 100 + 1 - bucketKeys),
    prefixes,
    kmsPerSecond,
    listings,
    cpuEach: assumptions.cpuPerListed,
    tasksPerSecond: assumptions.jobTasksPerSecond,
  };
}

function listed(scale: Scale, assumptions: Assumptions, listings: number): SimulatedPhase {
  return { ...asked(scale, assumptions, [], listings), cpuEach: assumptions.cpuPerListed };
}
