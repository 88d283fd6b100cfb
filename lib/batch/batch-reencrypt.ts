import { isCode } from '../errors';
import type { BucketReencryption, Stopped } from '../reencrypt/bucket-reencryption';
import type { JobRecord } from '../reencrypt/job-record';
import { RunStopped } from '../s3/fault-policy';
import { ensureAttemptRecord, readAttemptRecord } from './attempt-record';
import { type Attempt, findAttempt } from './attempts';
import { BatchJournal } from './batch-journal';
import type { BatchRequest, BatchTools } from './batch-request';
import { bucketCall } from './bucket-listing';
import { JobFiles } from './job-files';
import { jobLimitsOf, manifestKind, requireCopies } from './job-limits';
import { attemptPrefix } from './job-spec';
import { isTerminal } from './job-state';
import { reencryptRemainder } from './reencrypt-remainder';
import { type EndedJob, runAttempt } from './run-jobs';
import { type AttemptRun, partsOf } from './run-parts';
import { readOutcomes } from './task-outcomes';
import { isTransient } from './transient';
import type { WatchedJob } from './wait-for-jobs';

export type { BatchRequest, BatchTools, JobToConfirm } from './batch-request';

/**
 * Moves the bulk of a bucket by jobs of S3 Batch Operations and the rest by the local engine. Killed at any request and
 * started again, it goes on with the jobs that are there: S3 holds them, and what each attempt was begun with.
 *
 * @returns a partial result with `stopped` when a job waits to be confirmed, the run was interrupted, the credentials
 *   ended, or S3 could not be reached; jobs that run go on in S3
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
      jobs: records(watched, ended),
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
  const end = await runAttempt(run, await partsOf(run));
  if (!end) return { ...nothingDone(request, unconfirmed(watched)), jobs: records(watched, ended) };
  ended.push(...end.map((one) => one.ended));
  const outcomes = await readOutcomes(run, end);
  const tasks = ended.reduce((sum, { state }) => sum + state.total, 0);
  const rest = await reencryptRemainder(run, outcomes, tasks);
  return {
    ...rest,
    engine: 'batch',
    jobs: records(watched, ended),
    moved: rest.moved + outcomes.moved,
    alreadyThere: rest.alreadyThere + outcomes.movedBefore,
    evidence: [...outcomes.evidence, ...rest.evidence],
  };
}

/** Finds the attempt that is to go on, or writes down a new one. */
async function beginAttempt(tools: BatchTools, request: BatchRequest, watched: WatchedJob[]): Promise<AttemptRun> {
  const { scope, place, region, signal, retry, remainder = {}, onNote } = request;
  const { bucket, method, targetKeyArn } = scope;
  const { store, s3, jobs } = tools;
  const files = new JobFiles({ s3, bucket: place.bucket, region, signal, retry });
  await files.require();
  const call = bucketCall({ bucket, targetKeyArn, maxRps: remainder.maxRps, retry: remainder.retry, signal });
  const versioning = await call(() => store.versioning(bucket));
  if (method === 'rewrite')
    await requireCopies(s3, { bucket, noConcurrentWrites: request.noConcurrentWrites }, { signal, retry });
  const journal = await BatchJournal.open(request.jobsFile, scope);
  const search = { jobs, files, journal, scope, prefix: place.prefix, now: store.now(), anew: request.newJob ?? false };
  const found = await findAttempt(search);
  const { attempt } = found;
  const record = await ensureAttemptRecord(
    { files, store, call, bucket },
    attemptPrefix(place.prefix, scope, attempt),
    {
      kind: manifestKind(request.manifest, method, versioning),
      supersededKeyArns: [...request.supersededKeyArns],
      withVersionIds: versioning !== 'unversioned',
      bucketKey: request.bucketKeyDefault,
      roleArn: place.roleArn,
      priority: place.priority,
    },
  );
  adopt(found, journal, watched);
  for (const text of jobLimitsOf(method, record.kind, record.bucketKey)) onNote?.(`${bucket}: ${text}`);
  const since = await firstSince(request, files, attempt, record.since);
  return { tools, request, files, journal, call, attempt, record, since, watched };
}

function adopt({ attempt, found }: Attempt, journal: BatchJournal, watched: WatchedJob[]): void {
  for (const [part, state] of found) {
    const { jobId } = state;
    watched.push({ attempt, part, jobId, specSha256: journal.of(jobId)?.specSha256, state, states: [] });
  }
}

/** A copy is a new version: what an earlier attempt copied is newer than its listing, so that all attempts keep to the first. */
async function firstSince(request: BatchRequest, files: JobFiles, attempt: number, since: number): Promise<number> {
  if (request.scope.method === 'rewrap' || attempt === 1) return since;
  const first = await readAttemptRecord(files, attemptPrefix(request.place.prefix, request.scope, 1));
  return Math.min(since, first?.since ?? since);
}

/** How a run ends that nothing is wrong with; undefined: it failed. */
function stoppedBy(
  error: unknown,
  signal: AbortSignal | undefined,
  watched: readonly WatchedJob[],
): Stopped | undefined {
  const goingOn = watched.filter(({ state }) => !state || !isTerminal(state)).map(({ jobId }) => jobId);
  const tail = goingOn.length === 0 ? '' : `; job ${goingOn.join(', ')} goes on in S3`;
  if (error instanceof RunStopped) return { ...error.stopped, detail: `${error.stopped.detail}${tail}` };
  const because = reasonOf(error, signal);
  if (!because) return undefined;
  const detail =
    because === 'interrupted' ? 'interrupted; run the same command again to go on' : String((error as Error).message);
  return { because, detail: `${detail}${tail}` };
}

function reasonOf(error: unknown, signal: AbortSignal | undefined): Stopped['because'] | undefined {
  if (signal?.aborted || isCode(error, 'interrupted')) return 'interrupted';
  if (isCode(error, 'aws-credentials-expired') || isCode(error, 'aws-credentials-missing')) return 'credentials';
  return isTransient(error) ? 'endpoint' : undefined;
}

function unconfirmed(watched: readonly WatchedJob[]): Stopped {
  const waiting = watched.filter(({ state }) => state?.status === 'Suspended');
  const tasks = waiting.reduce((sum, { state }) => sum + (state?.total ?? 0), 0);
  const ids = waiting.map(({ jobId }) => jobId).join(', ');
  return {
    because: 'unconfirmed',
    detail: `job ${ids} with ${tasks} task(s) waits to be confirmed; run again with --confirm`,
  };
}

function nothingDone({ scope }: BatchRequest, stopped: Stopped): BucketReencryption {
  return {
    bucket: scope.bucket,
    method: scope.method,
    engine: 'batch',
    jobs: [],
    objectVersions: 0,
    deleteMarkers: 0,
    alreadyThere: 0,
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

function records(watched: readonly WatchedJob[], ended: readonly EndedJob[]): readonly JobRecord[] {
  return watched.flatMap(({ jobId, attempt, part, specSha256, state, states }) => {
    if (!state) return [];
    const { status, description = '', roleArn, createdAt, endedAt, total, succeeded, failed, manifest } = state;
    return [
      {
        jobId,
        attempt,
        part,
        description,
        specSha256,
        roleArn,
        status,
        states: [...states],
        createdAt: new Date(createdAt).toISOString(),
        endedAt: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
        total,
        succeeded,
        failed,
        manifest,
        report: ended.find(({ job }) => job.jobId === jobId)?.report?.record,
        failureReasons: state.failureReasons.map(({ code, reason }) => (code === '' ? reason : `${code}: ${reason}`)),
      },
    ];
  });
}
