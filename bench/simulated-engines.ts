import { ASSUMPTIONS, type Assumptions } from '../lib/forecast/assumptions';
import type { Scale } from '../lib/forecast/engine-model';
import { JOB_OBJECTS } from '../lib/forecast/service-limits';
import { type Played, play } from './simulation';

/** Seconds of the local engine and of jobs for a bucket, by playing their phases one after the other. */

export function playLocal(scale: Scale, means: Assumptions = ASSUMPTIONS): number {
  const moving = [...looks(scale.method), 'write', 'read'] as const;
  return (
    play(asked(scale, means, moving, means.listings.reencrypt), means) +
    play(listed(scale, means, means.listings.reencrypt), means) +
    play(asked(scale, means, ['read'], means.listings.verify), means)
  );
}

export function playBatch(scale: Scale, means: Assumptions = ASSUMPTIONS): number {
  const isListed = scale.manifest === 'listed' || scale.method === 'rewrite';
  const tasks = scale.method === 'rewrite' ? scale.versions * (1 - scale.noncurrent) : scale.versions;
  const generating = scale.versions / means.generatedPerSecond;
  const manifest = isListed
    ? play({ ...listed(scale, means, means.listings.manifest), cpuEach: means.cpuPerListed + means.cpuPerRow }, means)
    : generating;
  // S3 reads what it copies.
  const reading = scale.method === 'rewrite' ? (['read'] as const) : [];
  const job = { ...asked(scale, means, [...reading, 'write'], undefined), versions: tasks };
  const report = { ...listed(scale, means, Number.POSITIVE_INFINITY), versions: tasks, cpuEach: means.cpuPerRow };
  const moved =
    manifest +
    Math.ceil(tasks / JOB_OBJECTS) * means.jobSeconds +
    play(job, means) +
    play(report, means) +
    play(listed(scale, means, means.listings.reencrypt), means);
  if (scale.verify === 'heads') return moved + play(asked(scale, means, ['read'], means.listings.verify), means);
  const heads = { ...asked(scale, means, ['read'], means.listings.verify), versions: someOf(scale) };
  return moved + generating + play(listed(scale, means, means.listings.verify), means) + play(heads, means);
}

/** What is asked before a move: a look, and for a copy the ACL. */
function looks(method: Scale['method']): readonly 'read'[] {
  return method === 'rewrite' ? ['read', 'read'] : ['read'];
}

function someOf({ versions, noncurrent }: Scale): number {
  return Math.min(versions, Math.round(versions * noncurrent) + 1000);
}

function asked(scale: Scale, means: Assumptions, requests: Played['requests'], listings: number | undefined): Played {
  const { versions, prefixes, kmsPerSecond, bucketKeys } = scale;
  return {
    versions,
    requests,
    writeSeconds: scale.method === 'rewrite' ? scale.bytesEach / means.copyBytesPerSecond : 0,
    // Two calls to KMS for a version; a bucket key leaves one in a hundred of them.
    kmsEach: 2 * (bucketKeys / 100 + 1 - bucketKeys),
    prefixes,
    kmsPerSecond,
    listings,
    cpuEach: means.cpuPerListed,
    tasksPerSecond: means.jobTasksPerSecond,
  };
}

function listed(scale: Scale, means: Assumptions, listings: number): Played {
  return { ...asked(scale, means, [], listings), cpuEach: means.cpuPerListed };
}
