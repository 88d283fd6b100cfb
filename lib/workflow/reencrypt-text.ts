import type { Forecast } from '../forecast/reencryption-forecast';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { movedText } from '../reencrypt/tally';
import type { MoveSources } from '../s3/version-scope';
import type { ReencryptRun } from './rotation-run';

/** Object versions named one by one at most; the evidence names all. */
const NAMED = 20;

type Reporting = Pick<ReencryptRun, 'reporter' | 'dryRun'>;

/** What is moved, and what of it could not be determined. */
export function describeSources(
  { reporter, reencrypt }: Pick<ReencryptRun, 'reporter' | 'reencrypt'>,
  { versionKeyArns, unresolvedVersions, from }: MoveSources,
): void {
  const named = from.any ? ['anything else'] : [...(from.sseS3 ? ['SSE-S3'] : []), ...from.keyArns];
  reporter.note(`moved is what is under ${[...versionKeyArns, ...named].join(', ') || 'no key'}; all else is counted`);
  if (from.unresolved !== undefined) reporter.warn(`which key aws/s3 is cannot be determined: ${from.unresolved}`);
  if (unresolvedVersions.length > 0) reporter.warn(`KMS reports no key of ${unresolvedVersions.join(', ')}`);
  if (reencrypt.optimistic && !from.any) {
    reporter.warn(
      '--optimistic has no effect without `reencrypt.from: [any]`: each version is inspected before it is moved',
    );
  }
}

/** Versions of a bucket that were left alone, under whatever key. */
export function outOfScopeTotal({ outOfScope }: Pick<BucketReencryption, 'outOfScope'>): number {
  return Object.values(outOfScope).reduce((sum, count) => sum + count, 0);
}

/** The result of a bucket, in lines that a person can paste into a ticket. */
export function describePass({ reporter, dryRun }: Reporting, pass: BucketReencryption): void {
  for (const { jobId, part, status, total, succeeded, failed: tasks, foundNothing } of pass.jobs) {
    const end = foundNothing
      ? 'found nothing to do'
      : `is ${status}: ${succeeded} of ${total} task(s) succeeded, ${tasks} failed`;
    reporter.note(`${pass.bucket}: job ${jobId} (${part}) ${end}`);
  }
  if (pass.stopped) {
    const listed = pass.objectVersions > 0 ? `, of ${pass.objectVersions} object version(s) listed so far` : '';
    reporter.note(`${pass.bucket}: not done yet: ${pass.moved} moved${listed}; ${pass.stopped.detail}`);
    return;
  }
  const scope = outOfScopeTotal(pass) > 0 ? `, ${outOfScopeTotal(pass)} out of scope` : '';
  const gone = pass.gone > 0 ? `, and ${pass.gone} deleted meanwhile` : '';
  reporter.note(
    `${pass.bucket}: ${pass.objectVersions} object version(s), ${movedText(pass.moved, pass.method, dryRun)}, ${pass.alreadyThere} already there, ` +
      `${pass.blockedTotal} blocked, ${pass.failedTotal} failed${scope}${gone}; ${pass.requests} requests, ${pass.passes} pass(es)`,
  );
  for (const [label, count] of Object.entries(pass.outOfScope)) {
    reporter.note(`${pass.bucket}: ${count} object version(s) out of scope, under ${label}: left alone`);
  }
  for (const one of pass.blocked.slice(0, NAMED)) {
    const until = one.earliest ? `, not before ${one.earliest}` : '';
    reporter.warn(`blocked: ${named(pass, one)}: ${one.reason}, ${one.detail}${until}`);
  }
  more(reporter, 'blocked', pass.blockedTotal);
  for (const one of pass.failed.slice(0, NAMED)) reporter.warn(`failed: ${named(pass, one)}: ${one.reason}`);
  more(reporter, 'failed', pass.failedTotal);
}

/** What a dry run expects of the real one, at list prices. */
export function describeForecast({ reporter }: Reporting, pass: BucketReencryption, forecast: Forecast): void {
  for (const [label, { versions, bytes }] of Object.entries(forecast.byEncryption)) {
    reporter.note(`${pass.bucket}: ${versions} version(s), ${bytes} bytes to move from ${label}`);
  }
  for (const [reason, { versions, earliest }] of Object.entries(forecast.blocked)) {
    reporter.note(
      `${pass.bucket}: ${versions} version(s) blocked: ${reason}${earliest ? `, the first until ${earliest}` : ''}`,
    );
  }
  const { list, head, write, other } = forecast.requests;
  const { amount, currency, pricesAsOf } = forecast.cost;
  reporter.note(
    `${pass.bucket}: about ${list + head + write + other} requests (${list} list, ${head} head, ${write} write, ${other} other), ` +
      `${forecast.kmsCallsAtMost} KMS calls at most, ${forecast.seconds} s at S3's own pace, ` +
      `${amount.toFixed(2)} ${currency} at list prices of ${pricesAsOf}`,
  );
}

function named(
  { bucket }: BucketReencryption,
  { key, versionId }: { key: string; versionId: string | undefined },
): string {
  return `${bucket} ${JSON.stringify(key)} (version ${versionId ?? 'null'})`;
}

function more(reporter: Reporting['reporter'], kind: string, total: number): void {
  if (total > NAMED) reporter.warn(`… and ${total - NAMED} more ${kind}; the evidence names them all`);
}
