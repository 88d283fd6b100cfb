import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { BatchRequest, BatchTools } from './batch-request';
import { nothingDone, stoppedBy, unconfirmed } from './batch-stop';
import { beginAttempt } from './begin-attempt';
import { jobRecords } from './job-records';
import type { UploadedManifest } from './manifest-upload';
import { reencryptRemainder } from './reencrypt-remainder';
import { type EndedJob, runAttempt } from './run-jobs';
import { partsOf } from './run-parts';
import { readOutcomes, type TaskOutcomes } from './task-outcomes';
import type { WatchedJob } from './wait-for-jobs';

export type { BatchRequest, BatchTools, JobToConfirm } from './batch-request';

/**
 * S3 Batch Operations moves most objects of a bucket; the local engine then handles whatever the jobs could not. Killed at any
 * request and started again, it resumes the jobs that are there: S3 holds them, and the record of each attempt.
 *
 * @returns a partial result with `stopped` when a job waits to be confirmed, the run was interrupted, the credentials
 *   ended, or S3 could not be reached; jobs that run continue in S3
 * @throws job-paused, job-cancelled, job-failed, job-denied, job-role-missing, job-gone: once for each attempt, the next
 *   run begins another; job-report-invalid, job-bucket-missing, job-bucket-wrong-region, job-refused, job-copies-unsupported,
 *   job-too-large, and what the local engine throws
 */
export async function reencryptBucketByJobs(tools: BatchTools, request: BatchRequest): Promise<BucketReencryption> {
  const before = tools.store.requests();
  const watched: WatchedJob[] = [];
  const ended: EndedJob[] = [];
  try {
    const done = await throughJobs(tools, request, watched, ended);
    return { ...done, requests: tools.store.requests() - before };
  } catch (error) {
    const stopped = stoppedBy(error, request.signal, watched);
    if (!stopped) throw error;
    return {
      ...nothingDone(request, stopped),
      jobs: jobRecords(watched, ended),
      requests: tools.store.requests() - before,
    };
  }
}

async function throughJobs(
  tools: BatchTools,
  request: BatchRequest,
  watched: WatchedJob[],
  ended: EndedJob[],
): Promise<BucketReencryption> {
  const run = await beginAttempt(tools, request, watched);
  const parts = await partsOf(run);
  const end = await runAttempt(run, parts);
  if (!end) {
    const listed = parts.reduce((sum, { uploaded }) => sum + listedIn(uploaded), 0);
    const tasks = watched.reduce((sum, { state }) => sum + (state?.total ?? 0), 0);
    const objectVersions = Math.max(listed, tasks);
    return { ...nothingDone(request, unconfirmed(watched)), objectVersions, jobs: jobRecords(watched, ended) };
  }
  ended.push(...end.map((one) => one.ended));
  const outcomes = await readOutcomes(run, end);
  const tasks = ended.reduce((sum, { state }) => sum + state.total, 0);
  const rest = await reencryptRemainder(run, outcomes, tasks);
  return {
    ...rest,
    engine: 'batch',
    jobs: jobRecords(watched, ended),
    ...counted(rest, outcomes),
    evidence: [...outcomes.evidence, ...rest.evidence],
  };
}

/**
 * What jobs and this process moved, of what the last listing holds. This process may inspect a version again that a job
 * moved, and no report of this run holds what an earlier run's job moved. Both are there already, once.
 */
function counted(
  rest: BucketReencryption,
  { moved: byJobs }: TaskOutcomes,
): Pick<BucketReencryption, 'moved' | 'alreadyThere' | 'gone'> {
  const moved = rest.moved + byJobs;
  const outOfScope = Object.values(rest.outOfScope).reduce((sum, count) => sum + count, 0);
  const others = rest.objectVersions - moved - rest.blockedTotal - rest.failedTotal - outOfScope;
  // What was moved and is listed no more was deleted meanwhile. An interrupted listing accounts for nothing.
  const gone = rest.stopped ? rest.gone : rest.gone + Math.max(0, -others);
  return { moved, alreadyThere: rest.stopped ? rest.alreadyThere : Math.max(0, others), gone };
}

function listedIn(uploaded: UploadedManifest | undefined): number {
  if (!uploaded) return 0;
  const { rows, leftOut, outOfScope, there, again, undecided } = uploaded;
  const counted = [...Object.values(leftOut), ...Object.values(outOfScope), there, again, undecided?.length ?? 0];
  return counted.reduce((sum, count) => sum + count, rows);
}
