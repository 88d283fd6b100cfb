import { KeyturnError } from '../errors';
import { bucketsToVerify } from '../rotation/rotation';
import type { BucketVerification } from '../verify/bucket-verification';
import { switchedKey } from './active-key';
import { endContradictedAttempt } from './jobs/end-contradicted-attempt';
import { reencryptState } from './reencrypt';
import type { VerifyRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { verifyOne } from './verify-one';
import { describeVerification, summaryOf } from './verify-text';

/**
 * Step 5: a fresh listing says which object versions there are, and HEADs, or S3's own list of what is under the old keys,
 * under which key they are. Moves nothing, and believes no journal.
 */
export const verify: Step<'verify', VerifyRun, 're-encrypt'> = {
  id: 'verify',
  title: 'verify',
  doneBy: 'post-apply',
  leavesBehind: 'a verification record',

  async check(run): Promise<StepState> {
    const before = await reencryptState(run);
    if (before.state === 'blocked') return before;
    return before.state === 'done'
      ? { state: 'done', summary: 'every other version was verified since the last switch' }
      : { state: 'ready', summary: 'can be run at any time; it only reads' };
  },

  async run(run, { 're-encrypt': moved }): Promise<StepResult<'verify'>> {
    const { key } = await switchedKey(run);
    const found: BucketVerification[] = [];
    for (const bucket of bucketsToVerify(run.rotation)) {
      const one = await verifyOne(run, bucket, { activeKeyArn: key.arn, passes: moved?.passes ?? [] });
      describeVerification(run.reporter, one);
      await endContradictedAttempt(
        run,
        key.arn,
        moved?.passes?.find((pass) => pass.bucket === bucket),
        one,
      );
      found.push(one);
    }
    return { outcome: 'unchanged', summary: summaryOf(found), facts: { activeKeyArn: key.arn, buckets: found } };
  },

  async verify(_run, { facts }) {
    if (facts.buckets) return;
    throw new KeyturnError('step-not-verified', { step: 'verify', found: 'no verification record' });
  },
};
