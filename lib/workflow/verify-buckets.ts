import { observeVersions } from '../observation/observe';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { bucketsToVerify } from '../rotation/rotation';
import { CLOCK_SLACK } from '../s3/clock-slack';
import { versionScope } from '../s3/version-scope';
import type { BucketVerification } from '../verify/bucket-verification';
import { listingOf } from '../verify/listing-digest';
import type { ScopeOf } from '../verify/scope-of';
import { verifyChanged } from '../verify/verify-changed';
import { BUCKETS_AT_ONCE, bucketsAtOnce } from './buckets-at-once';
import type { VerificationRecord } from './flow-facts';
import { moveScope } from './move-scope';
import { movedBefore } from './moved-before';
import { toRetire } from './retirable-versions';
import type { RetireRun, VerifyRun } from './rotation-run';
import { VERIFICATION_FRESH } from './verification-age';
import { describeVerification } from './verify-text';

/** What a verification of all buckets is made against. */
export interface VerifyBucketsRequest {
  readonly activeKeyArn: string;
  /** The re-encryptions of this run, where there were any. */
  readonly passes: readonly BucketReencryption[];
}

/**
 * Asks, for each version that may retire, whether to disable it if the verification that follows allows it. Asks nothing where
 * the gate is known to stay closed.
 *
 * @returns the ARNs of the keys
 * @throws declined, confirmation-needed, interrupted
 */
export async function approveDisabling(
  run: RetireRun,
  passes: readonly BucketReencryption[],
): Promise<readonly string[]> {
  if (run.dryRun || passes.some((pass) => !pass.complete)) return [];
  const approved: string[] = [];
  for (const { version, key } of toRetire(run.rotation, await observeVersions(run))) {
    if (!key) continue;
    await run.approve(`verify every bucket now, and disable ${version.name} (${key.arn}) if the gate opens?`);
    approved.push(key.arn);
  }
  return approved;
}

/**
 * Verifies every bucket that could hold objects under a superseded version. Where that takes so long that its beginning
 * is no longer fresh, what changed meanwhile is inspected too. The record is then as of the end of that, however long
 * one listing takes.
 */
export async function verifyBuckets(run: VerifyRun, request: VerifyBucketsRequest): Promise<VerificationRecord> {
  const asked = { buckets: bucketsToVerify(run.rotation), atOnce: mayAsk(run) ? 1 : BUCKETS_AT_ONCE };
  // Loaded here: `status` knows this step, and verifies nothing.
  const { verifyOne } = require('./verify-one') as typeof import('./verify-one');
  const { endContradictedAttempt } =
    require('./jobs/end-contradicted-attempt') as typeof import('./jobs/end-contradicted-attempt');
  const buckets = await bucketsAtOnce(run, asked, async (own, bucket) => {
    const one = await verifyOne(own, bucket, request);
    describeVerification(own.reporter, one);
    const pass = request.passes.find((of) => of.bucket === bucket);
    await endContradictedAttempt(own, request.activeKeyArn, pass, one);
    return one;
  });
  const begun = earliest(buckets);
  const isLong = run.store.now() - begun > VERIFICATION_FRESH;
  const changes = isLong && !run.dryRun ? await changedSince(run, request.activeKeyArn, buckets) : [];
  const asOf = changes.length > 0 ? run.store.now() : begun;
  return { activeKeyArn: request.activeKeyArn, buckets, changes, asOf: new Date(asOf).toISOString() };
}

/**
 * Inspects, in every verified bucket, what S3 dates since its verification began. The object of a multipart upload has the date at
 * which the upload was begun, so uploads that were open then reach further back.
 */
export async function changedSince(
  run: VerifyRun,
  activeKeyArn: string,
  verified: readonly BucketVerification[],
): Promise<readonly BucketVerification[]> {
  const scope = await moveScope(run, activeKeyArn);
  const scopeOf: ScopeOf = (version) => versionScope(scope, version);
  const moved = await movedBefore(run, activeKeyArn);
  return bucketsAtOnce(run, { buckets: verified, atOnce: BUCKETS_AT_ONCE }, (own, before) => {
    const { signal, reporter } = own;
    const { concurrency, maxRps, pace } = own.reencrypt;
    const onProgress = (text: string) => reporter.progress(text);
    const listed = { since: sinceOf(before), listedBy: listingOf(before) };
    const request = { bucket: before.bucket, activeKeyArn, scopeOf, ...listed, concurrency, maxRps, pace };
    return verifyChanged(own.store, { ...request, movedBefore: moved, signal, onProgress });
  });
}

/** Whether a person may be asked to let jobs list a bucket: one question after the other. */
function mayAsk({ rotation }: VerifyRun): boolean {
  return rotation.reencrypt.batch?.verify === 'manifest';
}

/** No later than the newest version that was listed: the clock that `at` is by may be ahead, and then nothing would have changed. */
function sinceOf({ at, newestListed, openUploads, openUploadsTotal }: BucketVerification): number {
  if (openUploadsTotal > openUploads.length) return 0;
  const begun = openUploads.map(({ initiated }) => Date.parse(initiated));
  return Math.min(Date.parse(at), Date.parse(newestListed), ...begun) - CLOCK_SLACK;
}

const earliest = (found: readonly BucketVerification[]): number => Math.min(...found.map(({ at }) => Date.parse(at)));
