import { type Observing, observeVersions } from '../observation/observe';
import { versionVerdicts } from '../observation/version-verdicts';
import { switchedKey } from './active-key';
import { BUCKETS_AT_ONCE, bucketsAtOnce } from './buckets-at-once';
import { engineAsked } from './engine-asked';
import type { ReencryptFacts } from './flow-facts';
import { usagesBefore } from './key-users';
import { withLimitShare } from './limit-share';
import { moveSources } from './move-scope';
import { describeSources, outOfScopeTotal } from './reencrypt-text';
import { supersededInUse } from './retirable-versions';
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
    const before = await usagesBefore(run, supersededInUse(run.rotation, await observeVersions(run)));
    const { method } = run.rotation.reencrypt;
    const engine = engineAsked(run.rotation, run.reencrypt);
    const sources = await moveSources(run);
    describeSources(run, sources);
    if (!run.dryRun) {
      const names = run.rotation.buckets.map((bucket) => bucket.name).join(', ');
      const price = engine === 'local' ? '' : ` (where jobs do it, each costs ${priceOfOne()})`;
      await run.approve(`${method} the objects of ${names} to ${run.rotation.activeVersion}${price}?`);
      await run.evidence.record('intent', 're-encrypt', {
        targetKeyArn: key.arn,
        method,
        engine,
        buckets: names,
        sources,
      });
    }
    const target = { targetKeyArn: key.arn, sources, switchSeenAt };
    // Jobs are confirmed by a person, one bucket after the other.
    const atOnce = engine === 'local' ? BUCKETS_AT_ONCE : 1;
    // Loaded here: `status` checks this step, and needs no engine for it.
    const { reencryptOne } = require('./reencrypt-one') as typeof import('./reencrypt-one');
    const passes = await bucketsAtOnce(withLimitShare(run), { buckets: run.rotation.buckets, atOnce }, (one, bucket) =>
      reencryptOne(one, bucket, target),
    );
    const movedUntil = passes.some((pass) => pass.moved > 0) ? run.store.now() : undefined;
    return summarize(run, { passes, switchSeenAt, usagesBefore: before, movedUntil });
  },

  async verify() {
    // The next step is this one's proof: it inspects every object again, by a path that shares nothing with this one.
  },
};

function priceOfOne(): string {
  const { jobPriceText } = require('../forecast/job-price') as typeof import('../forecast/job-price');
  return jobPriceText({ jobs: 1 });
}

/** Whether another version may still hold objects, whatever the state of its key. Reads AWS and evidence only. */
export async function reencryptState(run: Observing): Promise<StepState> {
  const before = await switchState(run);
  if (before.state !== 'done') {
    return { state: 'blocked', summary: 'the switch is not done', hint: 'apply the storage stack first' };
  }
  const open = (await versionVerdicts(run)).filter(({ kind }) => kind === 'left' || kind === 'not-verified');
  if (open.length === 0) return { state: 'done', summary: 'nothing is left under another version' };
  const why = open.map((one) => `${one.version.name}: ${one.text}`).join('; ');
  return {
    state: 'ready',
    summary: `objects may be left under ${open.map((one) => one.version.name).join(', ')} (${why})`,
  };
}

function summarize(run: Pick<ReencryptRun, 'dryRun'>, facts: ReencryptFacts): StepResult<'re-encrypt'> {
  const { passes } = facts;
  const moved = passes.reduce((sum, pass) => sum + pass.moved, 0);
  const blocked = passes.reduce((sum, pass) => sum + pass.blockedTotal, 0);
  const failed = passes.reduce((sum, pass) => sum + pass.failedTotal, 0);
  const aside = passes.reduce((sum, pass) => sum + outOfScopeTotal(pass), 0);
  const summary = `${moved} object version(s) ${run.dryRun ? 'would move' : 'moved'}, ${blocked} blocked, ${failed} failed${aside > 0 ? `, ${aside} out of scope` : ''}`;
  const waiting = passes.filter((pass) => pass.stopped?.because === 'unconfirmed').map((pass) => pass.bucket);
  if (waiting.length > 0) {
    return {
      outcome: 'partly',
      summary: `the jobs of ${waiting.join(', ')} wait for confirmation; ${moved > 0 ? summary : 'nothing is moved yet'}`,
      facts,
      endsWith: GO_ON,
    };
  }
  if (passes.some((pass) => !pass.complete)) return { outcome: 'partly', summary, facts };
  if (run.dryRun) {
    const isPending = moved + blocked + failed > 0;
    return { outcome: 'unchanged', summary, facts, ...(isPending ? { pending: summary } : {}) };
  }
  return { outcome: moved > 0 ? 'changed' : 'unchanged', summary, facts };
}

const GO_ON =
  'inspect the tasks with `npx keyturn job status`, then run `npx keyturn post-apply --confirm`, or `npx keyturn job cancel`';
