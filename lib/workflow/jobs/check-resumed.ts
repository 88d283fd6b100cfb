import { describedJob } from '../../batch/described-job';
import { type ExpectedJob, jobDifferences } from '../../batch/job-match';
import { batchPrefix, batchRoleName } from '../../rotation/rotation';
import { switchedKey } from '../active-key';
import { keyArnsToLeave } from '../reencrypt-engine';
import type { RunTarget } from '../rotation-run';
import { jobFilesOf } from './job-files-of';
import { boundSwitch } from './job-switch';
import type { RotationJob } from './rotation-jobs';

/** How a job differs from what this rotation would confirm; empty: it is what it says it is. */
export type ResumeCheck = (job: RotationJob) => Promise<readonly string[]>;

/**
 * Compares a job that waits with what the rotation file and AWS say now: rotation, bucket, method, target key, role and
 * manifest. A description alone proves nothing: whoever may create jobs writes it.
 *
 * @throws not-switched: a job may be confirmed only once its target is the active key
 */
export async function resumeCheck(run: RunTarget): Promise<ResumeCheck> {
  const { rotation, identity } = run;
  const { key } = await switchedKey(run);
  const { switchId } = await boundSwitch(run, key.arn);
  const [, partition = 'aws'] = key.arn.split(':');
  const listableKeyArns = await keyArnsToLeave(run);
  const files = jobFilesOf(run);
  const { method } = rotation.reencrypt;
  return async (job) => {
    const described = describedJob(job.description);
    if (!described) return ['its description is not one of Keyturn'];
    const { bucket, attempt, part } = described;
    const own: string[] = [];
    if (!rotation.buckets.some(({ name }) => name === bucket))
      own.push(`${bucket} is not a bucket of the rotation file`);
    if (described.method !== method) own.push(`it is to ${described.method}, and the rotation file says ${method}`);
    if (described.switchId !== undefined && described.switchId !== switchId) own.push('it belongs to another switch');
    const expected: ExpectedJob = {
      scope: { rotation: rotation.name, bucket, targetKeyArn: key.arn, method, switchId: described.switchId },
      id: { attempt, part },
      roleArn: `arn:${partition}:iam::${identity.account}:role/${batchRoleName(rotation)}`,
      prefix: batchPrefix(rotation),
      listableKeyArns,
    };
    return [...own, ...(await jobDifferences(files, job, expected))];
  };
}
