import { jobPriceText } from '../forecast/job-price';
import { type Observing, observeVersions } from '../observation/observe';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { supersededVersions } from '../rotation/rotation';
import { switchedKey } from './active-key';
import type { ReencryptFacts } from './flow-facts';
import { usagesBefore } from './key-users';
import { engineAsked } from './reencrypt-engine';
import { reencryptOne } from './reencrypt-one';
import { toRetire } from './retirable-versions';
import type { ReencryptRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { switchState } from './switch-active';

/** Step 4: every object version in every declared bucket that can be moved is under the active version. */
export const reencrypt: Step<'re-encrypt', ReencryptRun, never> = {
  id: 're-encrypt',
  title: 're-encrypt',
  doneBy: 'post-apply',
  leavesBehind: 'every movable object version is under the active version',

  check: reencryptState,

  async run(run): Promise<StepResult<'re-encrypt'>> {
    const { key } = await switchedKey(run);
    const switchSeenAt = run.store.now();
    const before = await usagesBefore(run, toRetire(run.rotation, await observeVersions(run)));
    const { method } = run.rotation.reencrypt;
    const engine = engineAsked(run.rotation, run.reencrypt);
    if (!run.dryRun) {
      const names = run.rotation.buckets.map((bucket) => bucket.name).join(', ');
      const each = jobPriceText({ jobs: 1 });
      const price = engine === 'local' ? '' : ` (where jobs do it, each costs ${each})`;
      await run.approve(`${method} the objects of ${names} to ${run.rotation.activeVersion}${price}?`);
      await run.evidence.record('intent', 're-encrypt', { targetKeyArn: key.arn, method, engine, buckets: names });
    }
    const passes: BucketReencryption[] = [];
    for (const bucket of run.rotation.buckets) {
      passes.push(await reencryptOne(run, bucket, { targetKeyArn: key.arn, switchSeenAt }));
    }
    const movedUntil = passes.some((pass) => pass.moved > 0) ? run.store.now() : undefined;
    return summarize(run, { passes, switchSeenAt, usagesBefore: before, movedUntil });
  },

  async verify() {
    // The next step is this one's proof: it inspects every object again, by a path that shares nothing with this one.
  },
};

/** Whether a superseded version may still hold objects. Reads only. */
export async function reencryptState(run: Observing): Promise<StepState> {
  const before = await switchState(run);
  if (before.state !== 'done') {
    return { state: 'blocked', summary: 'the switch is not done', hint: 'apply the storage stack first' };
  }
  const superseded = new Set(supersededVersions(run.rotation).map((version) => version.name));
  const on = (await observeVersions(run)).filter(
    (one) => superseded.has(one.version.name) && one.key?.state === 'Enabled',
  );
  const own = on.filter((one) => one.version.keyArn === undefined);
  if (own.length === 0) return { state: 'done', summary: 'no superseded version is left to empty' };
  return { state: 'ready', summary: `objects may be left under ${own.map((one) => one.version.name).join(', ')}` };
}

function summarize(run: Pick<ReencryptRun, 'dryRun'>, facts: ReencryptFacts): StepResult<'re-encrypt'> {
  const { passes } = facts;
  const moved = passes.reduce((sum, pass) => sum + pass.moved, 0);
  const blocked = passes.reduce((sum, pass) => sum + pass.blockedTotal, 0);
  const failed = passes.reduce((sum, pass) => sum + pass.failedTotal, 0);
  const summary = `${moved} object version(s) ${run.dryRun ? 'would move' : 'moved'}, ${blocked} blocked, ${failed} failed`;
  const waiting = passes.filter((pass) => pass.stopped?.because === 'unconfirmed').map((pass) => pass.bucket);
  if (waiting.length > 0) {
    return {
      outcome: 'partly',
      summary: `the jobs of ${waiting.join(', ')} wait for confirmation; ${summary}`,
      facts,
      endsWith: GO_ON,
    };
  }
  const incomplete = passes.some((pass) => !pass.complete);
  const outcome = incomplete ? 'partly' : moved > 0 && !run.dryRun ? 'changed' : 'unchanged';
  return { outcome, summary, facts };
}

const GO_ON =
  'inspect the tasks with `npx keyturn job status`, then run `npx keyturn post-apply --confirm`, or `npx keyturn job cancel`';
