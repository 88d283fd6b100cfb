import path from 'node:path';
import { KeyturnError } from '../errors';
import { pacedCaller } from '../objects/caller';
import { Forecaster } from '../objects/forecast';
import { Pace } from '../objects/pace';
import { type BucketReencryption, reencryptBucket } from '../objects/reencrypt';
import { abortUploads } from '../objects/stragglers';
import { waitForUploads } from '../objects/wait-for-uploads';
import type { Bucket } from '../rotation/rotation';
import { describeForecast, describePass } from './reencrypt-text';
import type { RotationRun } from './rotation-run';

/**
 * One bucket's part of the re-encryption: old uploads aborted where that was asked for, then every object version moved
 * that can be, told about as it goes.
 *
 * @throws interrupted once what was under way is written down, re-encryption-stopped when credentials or endpoint gave out
 */
export async function reencryptOne(
  run: RotationRun,
  bucket: Bucket,
  targetKeyArn: string,
): Promise<BucketReencryption> {
  await abortOldUploads(run, bucket.name);
  await waitForOldUploads(run, bucket.name);
  const { concurrency, maxRps, optimistic, settleMs } = run.reencrypt;
  const forecaster = run.dryRun ? new Forecaster() : undefined;
  const pass = await reencryptBucket(run.store, {
    bucket: bucket.name,
    targetKeyArn,
    bucketKeyDefault: bucket.bucketKey,
    method: run.rotation.reencrypt.method,
    concurrency,
    maxRps,
    optimistic,
    settleMs,
    dryRun: run.dryRun,
    signal: run.signal,
    journalFile: run.files && path.join(run.files.journals, `${bucket.name}.ndjson`),
    evidence: run.files && { directory: run.files.outcomes, name: bucket.name },
    onProgress: (text) => run.reporter.progress(text),
    onOutcome: forecaster?.add,
  });
  describePass(run, pass);
  if (forecaster) describeForecast(run, pass, forecaster.forecast(pass, { optimistic }));
  if (pass.stopped?.because === 'interrupted') {
    throw new KeyturnError('interrupted', { during: `re-encryption of ${bucket.name}` });
  }
  if (pass.stopped) {
    throw new KeyturnError('re-encryption-stopped', { bucket: bucket.name, detail: pass.stopped.detail });
  }
  return pass;
}

/** Before the pass: what comes of an upload that finishes meanwhile is then moved with everything else. */
async function waitForOldUploads(run: RotationRun, bucket: string): Promise<void> {
  const { store, reporter, signal, findings, dryRun } = run;
  const timeoutMs = run.reencrypt.waitForUploadsMs;
  if (timeoutMs === 0 || findings.switchSeenAt === undefined || dryRun) return;
  const onProgress = (text: string) => reporter.progress(text);
  const open = await waitForUploads(store, { bucket, before: findings.switchSeenAt, timeoutMs, signal, onProgress });
  if (open.length > 0) reporter.warn(`${bucket}: ${open.length} upload(s) begun before the switch are still open`);
}

/** What was uploaded of an aborted upload is lost, so it happens only where a person gave an age. */
async function abortOldUploads(
  { store, reencrypt, reporter, signal, dryRun }: RotationRun,
  bucket: string,
): Promise<void> {
  const age = reencrypt.abortUploadsOlderThanMs;
  if (age === undefined) return;
  const call = pacedCaller(new Pace({ maxConcurrency: 1 }), {}, signal);
  const aborted = await abortUploads(store, call, { bucket, before: store.now() - age, dryRun });
  for (const upload of aborted) {
    const begun = new Date(upload.initiated).toISOString();
    reporter.warn(
      `${dryRun ? 'would abort' : 'aborted'} the upload of ${JSON.stringify(upload.key)} in ${bucket}, begun ${begun}`,
    );
  }
}
