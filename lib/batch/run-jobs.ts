import { RETRY_POLICY } from '../aws/retry-policy';
import { isCode, KeyturnError } from '../errors';
import { classifyEnd } from './attempts';
import { compareRows, type RowDifferences } from './compare-rows';
import { denialOfAll } from './job-failure';
import {
  type CheckedReport,
  checkReport,
  failedTransiently,
  type ReportRow,
  reportManifestKey,
  reportRows,
} from './job-report';
import { isEmptyManifest, isTerminal, type JobState } from './job-state';
import type { ManifestEntry } from './manifest-entries';
import { manifestRow } from './manifest-row';
import type { UploadedManifest } from './manifest-upload';
import { pause } from './retry';
import { type AttemptRun, ensureJobs, listedPart, type PartOfAttempt } from './run-parts';
import { observeJob, type WatchedJob, waitForJobs } from './wait-for-jobs';

/** A job that ended, and its report where a task was tried. */
export interface EndedJob {
  readonly job: WatchedJob;
  readonly state: JobState;
  readonly report: CheckedReport | undefined;
  /** Where its report has other rows than the manifest that was uploaded for it. */
  readonly differences: RowDifferences | undefined;
}

/** Milliseconds until a report that is not there yet is looked for again: a file of ours, and no call about the job. */
const FILE_POLL = 1_000;
/** Failed tasks above which another job tries them again. */
const LOCAL_BELOW = 100_000;

/** What the jobs of an attempt came to; `undefined`: they wait to be confirmed. */
export type AttemptEnd = readonly { readonly ended: EndedJob; readonly triedAgain: boolean }[] | undefined;

/**
 * Runs an attempt to its end: the jobs of the first round, and as long as many of their tasks failed transiently, a job for
 * those.
 */
export async function runAttempt(run: AttemptRun, parts: readonly PartOfAttempt[]): Promise<AttemptEnd> {
  const { localBelow = LOCAL_BELOW } = run.request;
  const all: { ended: EndedJob; triedAgain: boolean }[] = [];
  let round = await runRound(run, parts);
  for (let number = 1; round; number += 1) {
    const transient = round.reduce((sum, { report }) => sum + (report?.transient ?? 0), 0);
    const part = `again-${number}`;
    const isBegun = run.watched.some((one) => one.part === part);
    const triedAgain = isBegun || (transient > localBelow && number <= RETRY_POLICY['job task'].jobs);
    all.push(...round.map((ended) => ({ ended, triedAgain })));
    if (!triedAgain) return all;
    const before = round;
    run.request.onNote?.(
      `${run.request.scope.bucket}: ${transient} task(s) failed transiently; another job tries them again`,
    );
    round = await runRound(run, await listedPart(run, part, () => failedRows(run, before)));
  }
  return undefined;
}

/** Creates, confirms and waits for jobs, and checks their reports. Undefined: they were not confirmed. */
async function runRound(run: AttemptRun, parts: readonly PartOfAttempt[]): Promise<readonly EndedJob[] | undefined> {
  const round = await ensureJobs(run, parts);
  if (!(await confirmed(run, round))) return undefined;
  await waitFor(run, round, isTerminal);
  const ended: EndedJob[] = [];
  for (const job of round) ended.push(await endOf(run, job, parts.find(({ part }) => part === job.part)?.uploaded));
  reportFailures(run, ended);
  return ended;
}

async function confirmed(run: AttemptRun, round: readonly WatchedJob[]): Promise<boolean> {
  const { request, tools } = run;
  const { bucket, method, targetKeyArn } = request.scope;
  await waitFor(run, round, ({ status }) => status !== 'New' && status !== 'Preparing');
  const suspended = round.filter(({ state }) => state?.status === 'Suspended');
  if (suspended.length === 0) return true;
  const asked = suspended.map(({ jobId, attempt, part, state }) => ({
    jobId,
    attempt,
    part,
    total: state?.total ?? 0,
    description: `${method} ${bucket} to ${targetKeyArn}`,
  }));
  if (!(await request.confirm(asked))) return false;
  for (const one of suspended) {
    try {
      await tools.jobs.confirm(one.jobId);
    } catch (error) {
      // Somebody else confirmed or cancelled it meanwhile: how it ends is classified later.
      if (!isCode(error, 'job-state-invalid') || (await observeJob(tools.jobs, bucket, one)).status === 'Suspended')
        throw error;
    }
  }
  return true;
}

async function waitFor(
  run: AttemptRun,
  watched: readonly WatchedJob[],
  until: (state: JobState) => boolean,
): Promise<void> {
  const { tools, request } = run;
  const { signal, poll, onProgress, scope } = request;
  await waitForJobs({ jobs: tools.jobs, bucket: scope.bucket, watched, until, signal, poll, onProgress });
}

function reportFailures({ request }: AttemptRun, round: readonly EndedJob[]): void {
  for (const { job, report } of round) {
    if (!report || report.failed === 0) continue;
    const errors = Object.entries(report.record.errors).map(([code, count]) => `${count} ${code}`);
    request.onNote?.(
      `${request.scope.bucket}: job ${job.jobId}: ${report.failed} task(s) failed (${errors.join(', ')}) and are retried`,
    );
  }
}

async function endOf(run: AttemptRun, job: WatchedJob, uploaded: UploadedManifest | undefined): Promise<EndedJob> {
  const { tools, files, journal, request } = run;
  const { bucket } = request.scope;
  const state = job.state ?? (await observeJob(tools.jobs, bucket, job));
  const search = { jobs: tools.jobs, files, journal, scope: request.scope };
  if ((await classifyEnd(search, job, state)) === 'acknowledged') {
    const { jobId, succeeded, failed, total, statusUpdateReason: reason = '' } = state;
    throw new KeyturnError('job-cancelled', { bucket, jobId, reason, succeeded: succeeded + failed, total });
  }
  if (uploaded && state.total < uploaded.rows) {
    const found = `the job has ${state.total} task(s), and its manifest ${uploaded.rows} row(s)`;
    throw new KeyturnError('job-report-invalid', { bucket, jobId: job.jobId, file: 'the manifest', found });
  }
  if (isEmptyManifest(state) || state.total === 0) return { job, state, report: undefined, differences: undefined };
  const report = await reportOf(run, state, uploaded);
  const denied = denialOfAll(state, bucket, report);
  if (denied) throw denied;
  return { job, state, report, differences: uploaded && (await differencesOf(run, state, report, uploaded)) };
}

/** Undefined where the report has the rows of the manifest, each once. */
async function differencesOf(
  { files, request, record }: AttemptRun,
  job: JobState,
  report: CheckedReport,
  uploaded: UploadedManifest,
): Promise<RowDifferences | undefined> {
  if (report.digest === uploaded.digest) return undefined;
  const { bucket } = request.scope;
  const found = await compareRows({
    files,
    uploaded,
    report: () => reportRows({ files, job, bucket }, report),
    reportRows: report.succeeded + report.failed,
    withVersionIds: record.withVersionIds,
  });
  const { unknown, missing, twice, examples } = found;
  if (unknown + missing + twice === 0) return undefined;
  const named = examples.slice(0, 3).map(({ difference, key }) => `${JSON.stringify(key)} (${difference})`);
  request.onNote?.(
    `${bucket}: the report of job ${job.jobId} differs from its manifest: ${unknown} row(s) that are not in it, ` +
      `${missing} missing, ${twice} named twice, such as ${named.join(', ')}; this process inspects them`,
  );
  return found;
}

/** The report of a job that ended, given that S3 may need a while to show it. */
async function reportOf(
  { files, request, record }: AttemptRun,
  job: JobState,
  uploaded: UploadedManifest | undefined,
): Promise<CheckedReport> {
  const { scope, signal, poll = {}, onProgress } = request;
  const { reportMs = 120_000 } = poll;
  const firstMs = Math.min(poll.firstMs ?? FILE_POLL, FILE_POLL);
  for (let waited = 0; waited < reportMs; waited += firstMs) {
    if (await files.head(reportManifestKey(job))) break;
    onProgress?.(`${scope.bucket}: job ${job.jobId} ended; its report is not there yet`);
    await pause(firstMs, signal);
  }
  const onRows = (rows: number) =>
    onProgress?.(`${scope.bucket}: job ${job.jobId}: ${rows} rows of its report checked`);
  const digestOf = uploaded && { withVersionIds: record.withVersionIds };
  return checkReport({ files, job, bucket: scope.bucket, digestOf, onRows });
}

/** Rows of a report, each as often as its key may be meant. */
export async function* rowsOf(
  run: AttemptRun,
  { state, report }: EndedJob,
): AsyncGenerator<ReportRow, void, undefined> {
  if (report) yield* reportRows({ files: run.files, job: state, bucket: run.request.scope.bucket }, report);
}

async function* failedRows(
  run: AttemptRun,
  round: readonly EndedJob[],
): AsyncGenerator<ManifestEntry, void, undefined> {
  const { bucket } = run.request.scope;
  for (const ended of round) {
    for await (const row of rowsOf(run, ended)) {
      if (!failedTransiently(row)) continue;
      const versionId = run.record.withVersionIds ? (row.versionId ?? 'null') : undefined;
      for (const key of row.keys) yield { row: manifestRow(bucket, key, versionId) };
    }
  }
}
