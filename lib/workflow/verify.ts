import { KeyturnError } from '../errors';
import { switchedKey } from './active-key';
import { reencryptState } from './reencrypt';
import type { RetireRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { approveDisabling, verifyBuckets } from './verify-buckets';
import { summaryOf } from './verify-text';

/**
 * Step 5: a fresh listing says which object versions there are, and HEADs, or S3's own list of what is under the old keys,
 * under which key they are. Moves nothing, and believes no journal.
 */
export const verify: Step<'verify', RetireRun, 're-encrypt'> = {
  id: 'verify',
  title: 'verify',
  doneBy: 'post-apply',
  leavesBehind: 'a verification record',

  async check(run): Promise<StepState> {
    const before = await reencryptState(run);
    if (before.state === 'blocked') return before;
    return before.state === 'done'
      ? { state: 'done', summary: 'no superseded version is left to verify' }
      : { state: 'ready', summary: 'can be run at any time; it only reads' };
  },

  async run(run, { 're-encrypt': moved }): Promise<StepResult<'verify'>> {
    const { key } = await switchedKey(run);
    const passes = moved?.passes ?? [];
    // Nobody knows how long a question stands: asked now, nothing that is verified grows old while it does.
    const approvedToDisable = await approveDisabling(run, passes);
    const verification = await verifyBuckets(run, { activeKeyArn: key.arn, passes });
    const summary = summaryOf(verification.buckets);
    return { outcome: 'unchanged', summary, facts: { ...verification, approvedToDisable } };
  },

  async verify(_run, { facts }) {
    if (facts.buckets) return;
    throw new KeyturnError('step-not-verified', { step: 'verify', found: 'no verification record' });
  },
};
