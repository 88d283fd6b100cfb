import { isCode } from '../errors';
import type { BucketReencryption, Stopped } from '../reencrypt/bucket-reencryption';
import { RunStopped } from '../s3/fault-policy';
import type { BatchRequest } from './batch-request';
import { isTerminal } from './job-state';
import { isTransient } from './retry';
import type { WatchedJob } from './wait-for-jobs';

/** How a run ends without a fault of its own; undefined: it failed. */
export function stoppedBy(
  error: unknown,
  signal: AbortSignal | undefined,
  watched: readonly WatchedJob[],
): Stopped | undefined {
  const goingOn = watched.filter(({ state }) => !state || !isTerminal(state)).map(({ jobId }) => jobId);
  const tail = goingOn.length === 0 ? '' : `; job ${goingOn.join(', ')} continues in S3`;
  if (error instanceof RunStopped) return { ...error.stopped, detail: `${error.stopped.detail}${tail}` };
  const because = reasonOf(error, signal);
  if (!because) return undefined;
  const detail =
    because === 'interrupted'
      ? 'interrupted; run the same command again to continue'
      : String((error as Error).message);
  return { because, detail: `${detail}${tail}` };
}

function reasonOf(error: unknown, signal: AbortSignal | undefined): Stopped['because'] | undefined {
  if (signal?.aborted || isCode(error, 'interrupted')) return 'interrupted';
  if (isCode(error, 'aws-credentials-expired') || isCode(error, 'aws-credentials-missing')) return 'credentials';
  return isTransient(error) ? 'endpoint' : undefined;
}

/** A run whose jobs were not confirmed. */
export function unconfirmed(watched: readonly WatchedJob[]): Stopped {
  const waiting = watched.filter(({ state }) => state?.status === 'Suspended');
  const tasks = waiting.reduce((sum, { state }) => sum + (state?.total ?? 0), 0);
  const ids = waiting.map(({ jobId }) => jobId).join(', ');
  return {
    because: 'unconfirmed',
    detail: `job ${ids} with ${tasks} task(s) waits for confirmation; run again with --confirm`,
  };
}

/** The report of a run that ended before anything was moved. */
export function nothingDone({ scope }: BatchRequest, stopped: Stopped): BucketReencryption {
  return {
    bucket: scope.bucket,
    method: scope.method,
    engine: 'batch',
    jobs: [],
    objectVersions: 0,
    deleteMarkers: 0,
    alreadyThere: 0,
    outOfScope: {},
    moved: 0,
    movedBytes: 0,
    gone: 0,
    blocked: [],
    blockedTotal: 0,
    failed: [],
    failedTotal: 0,
    requests: 0,
    passes: 0,
    complete: false,
    stopped,
    evidence: [],
  };
}
