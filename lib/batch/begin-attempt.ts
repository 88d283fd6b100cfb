import { ensureAttemptRecord, readAttemptRecord } from './attempt-record';
import { type Attempt, findAttempt } from './attempts';
import { BatchJournal } from './batch-journal';
import type { BatchRequest, BatchTools } from './batch-request';
import { JobFiles } from './job-files';
import { jobLimitsOf, manifestKind, requireCopies } from './job-limits';
import { attemptPrefix } from './job-spec';
import { bucketCall } from './listing-call';
import type { AttemptRun } from './run-parts';
import type { WatchedJob } from './wait-for-jobs';

/** Finds the attempt to continue, or records a new one. Adds the jobs that are there to `watched`. */
export async function beginAttempt(
  tools: BatchTools,
  request: BatchRequest,
  watched: WatchedJob[],
): Promise<AttemptRun> {
  const { scope, place, region, signal, retry, remainder = {}, onNote } = request;
  const { bucket, method, targetKeyArn } = scope;
  const { store, s3, jobs } = tools;
  const files = new JobFiles({ s3, bucket: place.bucket, owner: place.account, region, signal, retry });
  await files.require();
  const call = bucketCall({ bucket, targetKeyArn, maxRps: remainder.maxRps, retry: remainder.retry, signal });
  const versioning = await call(() => store.versioning(bucket));
  if (method === 'rewrite')
    await requireCopies(
      s3,
      { bucket, account: place.account, noConcurrentWrites: request.noConcurrentWrites },
      { signal, retry },
    );
  const journal = await BatchJournal.open(request.jobsFile, scope);
  const search = {
    jobs,
    files,
    journal,
    scope,
    prefix: place.prefix,
    now: store.now(),
    forceNew: request.newJob ?? false,
    onNote,
  };
  const found = await findAttempt(search);
  const { attempt } = found;
  const record = await ensureAttemptRecord(
    { files, store, call, bucket },
    attemptPrefix(place.prefix, scope, attempt),
    {
      kind: manifestKind(request.manifest, method, request.sources.from.any),
      supersededKeyArns: generatedKeys(request),
      withVersionIds: versioning !== 'unversioned',
      bucketKey: request.bucketKeyDefault,
      roleArn: place.roleArn,
      priority: place.priority,
      switch: request.switch,
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
    watched.push({
      attempt,
      part,
      jobId,
      specSha256: journal.of(jobId)?.specSha256,
      state,
      observedAt: performance.now(),
      states: [],
    });
  }
}

/** A copy is a new version: what an earlier attempt copied is newer than its listing, so that all attempts keep to the first. */
async function firstSince(request: BatchRequest, files: JobFiles, attempt: number, since: number): Promise<number> {
  if (request.scope.method === 'rewrap' || attempt === 1) return since;
  const first = await readAttemptRecord(files, attemptPrefix(request.place.prefix, request.scope, 1));
  return Math.min(since, first?.since ?? since);
}

/** What S3 may list objects under for a manifest of the attempt: full key ARNs, and `SSE-S3`. */
function generatedKeys({ supersededKeyArns, sources }: BatchRequest): string[] {
  const named = [...supersededKeyArns, ...sources.from.keyArns, ...(sources.from.sseS3 ? ['SSE-S3'] : [])];
  return [...new Set(named)];
}
