import { chooseEngine } from '../forecast/choose-engine';
import type { EngineForecast, EngineForecasts } from '../forecast/engine-forecasts';
import { duration } from '../forecast/forecast-text';
import { observeVersions } from '../observation/observe';
import { type Bucket, type KeyVersion, laterVersions, supersededVersions } from '../rotation/rotation';
import { AdaptiveLimiter } from '../s3/adaptive-limiter';
import { countVersions } from '../s3/count-versions';
import { withPacingAndRetry } from '../s3/pacing-and-retry';
import { engineAsked } from './engine-asked';
import type { RunTarget, VerifyRun } from './rotation-run';

/** Which engine moves a bucket's objects, and why. */
export interface ChosenEngine {
  readonly engine: 'local' | 'batch';
  /** One sentence without a final period. */
  readonly why: string;
  /** Object versions of the bucket; absent where they were not counted to the end. */
  readonly versions?: number | undefined;
  /** What either would take; absent where nothing was counted. */
  readonly forecasts: EngineForecasts | undefined;
}

/**
 * The engine of a bucket. `auto` counts its object versions by a listing, up to the threshold, and reports what either engine would
 * take; nothing else is inspected.
 */
export async function engineFor(run: VerifyRun, bucket: Bucket): Promise<ChosenEngine> {
  const { rotation, store, reporter, signal } = run;
  const engine = engineAsked(rotation, run.reencrypt);
  const { method, batch } = rotation.reencrypt;
  // A later version that was declared ahead holds nothing: jobs for it alone would cost money for no object.
  if (engine !== 'local' && (await keyArnsOf(run, supersededVersions(run.rotation))).length === 0) {
    const why = 'no earlier version has a key that jobs could move objects away from';
    reporter.note(`${bucket.name}: engine local: ${why}`);
    return { engine: 'local', why, forecasts: undefined };
  }
  const why = run.reencrypt.engine === undefined ? 'set in the rotation file' : 'set by --engine';
  if (engine !== 'auto' || !batch) return { engine: engine === 'batch' ? 'batch' : 'local', why, forecasts: undefined };
  const { maxConcurrency, maxRps } = { maxConcurrency: run.reencrypt.concurrency ?? 64, maxRps: run.reencrypt.maxRps };
  const call = withPacingAndRetry(new AdaptiveLimiter({ maxConcurrency, maxRps }), {}, signal);
  const { fromVersions, verify, noConcurrentWrites, manifest } = batch;
  const onProgress = (text: string) => reporter.progress(text);
  const counted = await countVersions(store, call, { bucket: bucket.name, upTo: fromVersions, onProgress });
  const choice = chooseEngine({
    ...counted,
    bucket: bucket.name,
    fromVersions,
    bucketKey: bucket.bucketKey,
    region: rotation.region,
    method,
    verify,
    noConcurrentWrites,
    manifest,
  });
  reporter.note(`engine ${choice.engine}: ${choice.why}`);
  describeEngines(run, bucket.name, choice.forecasts, counted.isWhole);
  return { ...choice, versions: counted.isWhole ? counted.versions : undefined };
}

/** Time and cost of both engines, verification included. */
export function describeEngines(
  { reporter }: Pick<VerifyRun, 'reporter'>,
  bucket: string,
  forecasts: EngineForecasts,
  isWhole = true,
): void {
  const counted = isWhole ? '' : ', for as many as were counted';
  for (const one of [forecasts.local, forecasts.batch]) reporter.note(`${bucket}: ${forecastLine(one)}${counted}`);
  const { unconfirmed, currency } = forecasts.batch.cost;
  if (unconfirmed > 0) {
    reporter.note(
      `${bucket}: ${unconfirmed.toFixed(2)} ${currency} of the jobs' cost stand on prices that AWS's price list does not confirm`,
    );
  }
}

function forecastLine({ engine, seconds, requests, jobs, cost }: EngineForecast): string {
  const by = engine === 'local' ? 'this process' : `${jobs} job(s) of S3 Batch Operations`;
  const [most, least] = [duration(seconds.onePrefix), duration(seconds.tenPrefixes)];
  const time = most === least ? most : `${least} to ${most}`;
  return `${by}: about ${time}, ${requests.toLocaleString('en-US')} requests, ${cost.amount.toFixed(2)} ${cost.currency} at list prices of ${cost.pricesAsOf}, verification included`;
}

/**
 * Full ARNs of the keys that jobs move objects away from: those of every version but the active one that is not declared
 * disabled and may hold objects. After a rollback a later version does.
 */
export function keyArnsToLeave(run: RunTarget): Promise<readonly string[]> {
  return keyArnsOf(run, [...supersededVersions(run.rotation), ...laterVersions(run.rotation)]);
}

async function keyArnsOf(run: RunTarget, versions: readonly KeyVersion[]): Promise<readonly string[]> {
  const names = versions.map(({ name }) => name);
  return (await observeVersions(run)).flatMap(({ version, key }) =>
    key && key.state !== 'PendingImport' && names.includes(version.name) && !version.disabled ? [key.arn] : [],
  );
}
