import path from 'node:path';
import { KeyturnError } from '../errors';
import { forecastEngines } from '../forecast/engine-forecasts';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { type ReencryptRequest, reencryptBucket } from '../reencrypt/reencrypt-bucket';
import type { Bucket } from '../rotation/rotation';
import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { CLOCK_SLACK } from '../s3/clock-slack';
import { abortUploads } from '../s3/open-uploads';
import { withPacingAndRetry } from '../s3/pacing-and-retry';
import { waitForUploads } from '../s3/wait-for-uploads';
import { countForProgress } from './count-for-progress';
import { dryRunForecaster } from './dry-run-forecast';
import { engineAsked } from './engine-asked';
import { cancelOtherJobs } from './jobs/cancel-other-jobs';
import { journalSwitchId } from './jobs/job-switch';
import { beginLookBehind, keepLookBehind } from './look-behind';
import type { BucketTarget } from './move-scope';
import { type ChosenEngine, describeEngines, engineFor } from './reencrypt-engine';
import { jobScopeOf, recordOutcomes, reencryptByJobs } from './reencrypt-jobs';
import { describeForecast, describePass } from './reencrypt-text';
import type { ReencryptRun } from './rotation-run';

/**
 * One bucket's part of the re-encryption. Old uploads are aborted where that was asked for. Then the engine that was
 * chosen moves every object version that can be moved, and reports as it goes. A dry run inspects and counts here,
 * whatever the engine: nothing is created for it.
 *
 * @returns with `stopped` where jobs wait for confirmation
 * @throws interrupted once what was in progress is recorded, re-encryption-stopped when credentials or endpoint failed,
 *   and what jobs may end with: job-cancelled, job-failed, job-paused, …
 */
export async function reencryptOne(
  run: ReencryptRun,
  bucket: Bucket,
  target: BucketTarget,
): Promise<BucketReencryption> {
  const { batch } = run.rotation.reencrypt;
  const chosen = await engineFor(run, bucket);
  await abortOldUploads(run, bucket.name);
  // The gate gives clocks the same slack.
  await waitForOldUploads(run, bucket.name, target.switchSeenAt + CLOCK_SLACK);
  if (batch && !run.dryRun && engineAsked(run.rotation, run.reencrypt) !== 'local')
    await cancelOtherJobs(run, await jobScopeOf(run, bucket, target.targetKeyArn));
  const pass =
    chosen.engine === 'batch' && batch && !run.dryRun
      ? await reencryptByJobs(run, bucket, batch, target)
      : await reencryptHere(run, bucket, target, chosen);
  describePass(run, pass);
  // A run that stops in a later bucket writes no outcome record of the step.
  await recordOutcomes(run, bucket.name, pass.evidence);
  if (pass.stopped?.because === 'interrupted') {
    // Jobs continue without this process, and the person who pressed Ctrl-C must know.
    if (pass.jobs.length > 0) run.reporter.warn(`${bucket.name}: ${pass.stopped.detail}`);
    throw new KeyturnError('interrupted', { during: `re-encryption of ${bucket.name}` });
  }
  if (pass.stopped && pass.stopped.because !== 'unconfirmed') {
    throw new KeyturnError('re-encryption-stopped', { bucket: bucket.name, detail: pass.stopped.detail });
  }
  return pass;
}

/** By this process, request by request; a dry run forecasts both engines from what it counts. */
async function reencryptHere(
  run: ReencryptRun,
  bucket: Bucket,
  { targetKeyArn, sources }: BucketTarget,
  chosen: ChosenEngine,
): Promise<BucketReencryption> {
  const { rotation, dryRun, files } = run;
  const { concurrency, maxRps, pace, optimistic, relistDelayMs } = run.reencrypt;
  const { method, batch } = rotation.reencrypt;
  const forecast = dryRun ? dryRunForecaster() : undefined;
  const counting = countForProgress(run, bucket.name, chosen.versions);
  const behind = await beginLookBehind(run, bucket, targetKeyArn, pace);
  const request: ReencryptRequest = {
    bucket: bucket.name,
    targetKeyArn,
    sources,
    bucketKeyDefault: bucket.bucketKey,
    method,
    concurrency,
    maxRps,
    pace,
    optimistic: optimistic || 'sampled',
    behind,
    relistDelayMs,
    dryRun,
    signal: run.signal,
    switchId: dryRun ? undefined : await journalSwitchId(run, targetKeyArn),
    journalFile: files && path.join(files.journals, `${bucket.name}.ndjson`),
    evidence: files && { directory: files.outcomes, name: bucket.name },
    total: counting.total,
    onProgress: (text) => run.reporter.progress(text),
    onOutcome: forecast?.onOutcome,
  };
  const pass = await reencryptBucket(run.store, request, run.workers).finally(counting.stop);
  keepLookBehind(pass, behind);
  if (!forecast) return pass;
  describeForecast(run, pass, forecast.forecaster.forecast(pass, { optimistic }));
  if (batch && chosen.forecasts === undefined) {
    const { objectVersions: versions, movedBytes: bytes } = pass;
    const counted = { versions, noncurrent: 0, bytes, bucketKey: bucket.bucketKey, region: rotation.region };
    describeEngines(run, bucket.name, forecastEngines({ ...counted, ...batch, method }));
    run.reporter.note(`${bucket.name}: engine ${chosen.engine}: ${chosen.why}`);
  }
  return pass;
}

/** Before the pass: the object of an upload that finishes meanwhile is then moved with everything else. */
async function waitForOldUploads(run: ReencryptRun, bucket: string, before: number): Promise<void> {
  const { store, reporter, signal, dryRun } = run;
  const timeoutMs = run.reencrypt.waitForUploadsMs;
  if (timeoutMs === 0 || dryRun) return;
  const onProgress = (text: string) => reporter.progress(text);
  const open = await waitForUploads(store, { bucket, before, timeoutMs, signal, onProgress });
  if (open.length > 0) reporter.warn(`${bucket}: ${open.length} upload(s) started before the switch are still open`);
}

/** The parts of an aborted upload are lost, so it happens only where a person gave an age. */
async function abortOldUploads(
  { store, reencrypt, reporter, signal, dryRun }: ReencryptRun,
  bucket: string,
): Promise<void> {
  const age = reencrypt.abortUploadsOlderThanMs;
  if (age === undefined) return;
  const call = withPacingAndRetry(new AdaptiveLimiter({ maxConcurrency: 1 }), {}, signal);
  const aborted = await abortUploads(store, call, { bucket, before: store.now() - age, dryRun });
  for (const upload of aborted) {
    const startedAt = new Date(upload.initiated).toISOString();
    reporter.warn(
      `${dryRun ? 'would abort' : 'aborted'} the upload of ${JSON.stringify(upload.key)} in ${bucket}, started ${startedAt}`,
    );
  }
}
