import { endAttempt, readAttemptRecord } from '../../batch/attempt-record';
import { attemptPrefix } from '../../batch/job-spec';
import { observeVersions } from '../../observation/observe';
import type { BucketReencryption } from '../../reencrypt/bucket-reencryption';
import { batchPrefix } from '../../rotation/rotation';
import { isKey } from '../../s3/object-version';
import type { BucketVerification, StragglerVersion } from '../../verify/bucket-verification';
import type { VerifyRun } from '../rotation-run';
import { jobFilesOf } from './job-files-of';
import { boundSwitch } from './job-switch';

/** Object versions named with an attempt that is over. */
const EXAMPLES = 20;

/**
 * Ends the attempt of a pass by jobs where verification finds under an old key what the reports of its jobs call moved. The
 * next run then creates new jobs; otherwise it would read the same reports again and find nothing to do. What writers add
 * after the listing of an attempt does not count: the next run inspects it anyway.
 */
export async function endContradictedAttempt(
  run: VerifyRun,
  targetKeyArn: string,
  pass: BucketReencryption | undefined,
  found: BucketVerification,
): Promise<void> {
  if (pass?.engine !== 'batch' || pass.stopped || pass.jobs.length === 0 || found.leftTotal === 0) return;
  const { rotation, reporter, evidence } = run;
  const { bucket, method } = pass;
  const attempt = Math.max(...pass.jobs.map((job) => job.attempt));
  const { switchId } = await boundSwitch(run, targetKeyArn);
  const scope = { rotation: rotation.name, bucket, targetKeyArn, method, switchId };
  const prefix = attemptPrefix(batchPrefix(rotation), scope, attempt);
  const files = jobFilesOf(run);
  const record = await readAttemptRecord(files, prefix);
  const declared = (await observeVersions(run)).flatMap(({ key }) =>
    key && key.arn !== targetKeyArn ? [key.arn] : [],
  );
  const contradicting = contradictionsOf(pass, found, record?.since ?? Number.POSITIVE_INFINITY).filter((one) =>
    declared.some((arn) => isKey(arn, one.keyArn)),
  );
  if (contradicting.length === 0) return;
  const because = 'verification found object versions under an old key that no job of the attempt failed to move';
  const examples = contradicting.slice(0, EXAMPLES).map(({ key, versionId }) => ({ key, versionId }));
  await endAttempt(files, prefix, { because, examples });
  await evidence.record('attempt-over', 'verify', { bucket, attempt, because, examples });
  const first = contradicting[0];
  reporter.warn(
    `${bucket}: attempt ${attempt} of its jobs is over: ${JSON.stringify(first?.key)} (version ${first?.versionId}) is under ` +
      `${first?.keyArn}, and no job failed to move it; the next post-apply creates new jobs`,
  );
}

/** What is left although neither a job nor this process reports that it could not move it. */
function contradictionsOf(
  pass: BucketReencryption,
  { left, leftTotal }: BucketVerification,
  since: number,
): readonly StragglerVersion[] {
  const idOf = (key: string, versionId: string | undefined) => JSON.stringify([key, versionId ?? 'null']);
  const known = new Set([...pass.blocked, ...pass.failed].map((one) => idOf(one.key, one.versionId)));
  const isCut = pass.blockedTotal > pass.blocked.length || pass.failedTotal > pass.failed.length;
  // Of more than the pass names, one that is left may be among those it does not name.
  if (isCut && leftTotal <= pass.blockedTotal + pass.failedTotal) return [];
  return left.filter(
    ({ key, versionId, lastModified }) => !known.has(idOf(key, versionId)) && Date.parse(lastModified) < since,
  );
}
