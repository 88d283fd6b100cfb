import { readFile, writeFile } from 'node:fs/promises';
import { isCode } from '../lib/errors';
import { appendVersion, setActiveVersion } from '../lib/rotation/rotation-edit';
import { flow } from '../lib/workflow';
import type { StepId } from '../lib/workflow/flow-facts';
import { runFlow } from '../lib/workflow/run-flow';
import { createAdoptedBuckets, leaveObjectBehind } from './buckets';
import { proveRefusals } from './import-refusals';
import { putObjects } from './objects';
import type { Observer } from './observer';
import { leftBehindBucket, rehearsedFile, withoutLeftBehind } from './rehearsed-file';
import type { Stage } from './stage';

/** One scene of the rehearsal: what a person would do, and what to notice. */
export interface Act {
  readonly title: string;
  readonly notice: string;
  play(stage: Stage, observer: Observer): Promise<void>;
}

const DAY_MS = 86_400_000;

/** The whole rehearsal, in order. */
export const acts: readonly Act[] = [
  {
    title: 'declare v1',
    notice:
      'Terraform makes an empty external key and its version alias; there is no material in the plan, and none in the state',
    async play(stage, observer) {
      await writeFile(stage.rotationFile, rehearsedFile(stage));
      await createAdoptedBuckets(stage);
      await runSteps(stage, 'rotate', ['declare-keys']);
      await observer.newKey('v1');
    },
  },
  {
    title: 'import material into v1',
    notice: 'custody has the material before KMS has it; what is wrapped for another key, stale or altered is refused',
    async play(stage, observer) {
      await runSteps(stage, 'pre-apply', ['import-material']);
      await observer.imported('v1', undefined);
      await stage.stopwatch.measure('rehearsal', () => proveRefusals(stage));
    },
  },
  {
    title: 'bucket and objects under v1',
    notice: 'the bucket default names the key by its full ARN, so writers need not name a key at all',
    async play(stage, observer) {
      await runSteps(stage, 'rotate', ['switch']);
      await observer.pointsAt('v1');
      for (const bucket of stage.sample.buckets) await putObjects(stage.s3, bucket.name);
      await leaveObjectBehind(stage, await observer.keyArn('v1'));
      await observer.newObjectLandsUnder(5, 'v1');
    },
  },
  {
    title: 'declare v2',
    notice: 'one line more in the rotation file; v1, the alias and the bucket are not touched',
    async play(stage, observer) {
      const validTo = new Date(Math.floor((Date.now() + 300 * DAY_MS) / 1000) * 1000);
      await edit(stage, (text) => appendVersion(text, { name: 'v2', materialValidTo: validTo }));
      await runSteps(stage, 'rotate', ['declare-keys']);
      await observer.newKey('v2');
      await observer.pointsAt('v1');
    },
  },
  {
    title: 'import material into v2',
    notice: 'Terraform did not import it, yet its plans stay empty: nothing drifts, nothing is imported twice',
    async play(stage, observer) {
      const before = await observer.declaredExpiry('v2');
      await runSteps(stage, 'pre-apply', ['import-material']);
      await observer.imported('v2', before);
      await observer.plansAreEmpty('after the import');
    },
  },
  {
    title: 'switch to v2',
    notice:
      'the plan itself refuses a key that is not Enabled; new objects go under v2, old ones stay readable under v1',
    async play(stage, observer) {
      await edit(stage, (text) => setActiveVersion(text, 'v2'));
      await runSteps(stage, 'rotate', ['switch']);
      await observer.switched();
      await observer.plansAreEmpty('after the switch');
    },
  },
  {
    title: 're-encrypt, verify, and a gate that refuses',
    notice: `an object was left under v1 in a bucket that Keyturn only looks into, so v1 must stay on`,
    async play(stage, observer) {
      await observer.rememberObjects();
      const refusal = await runSteps(stage, 'post-apply', ['re-encrypt', 'verify', 'retire']).catch(
        (error: unknown) => error,
      );
      if (!isCode(refusal, 'gate-refused'))
        throw refusal ?? new Error('the gate let v1 retire with an object left under it');
      stage.reporter.block(refusal.message);
      await observer.everythingMoved();
      if (stage.engine === 'batch') await observer.movedByJobs();
      await observer.gateRefused(refusal.facts.reasons.map((reason) => reason.code));
    },
  },
  {
    title: 'retire v1',
    notice:
      'the operator gives up on that bucket; the gate opens, v1 is disabled, and what was left there is out of reach',
    async play(stage, observer) {
      await edit(stage, (text) => withoutLeftBehind(text, stage.sample));
      await runSteps(stage, 'post-apply', ['re-encrypt', 'verify', 'retire', 'record']);
      await observer.everythingDownloads();
      await observer.leftBehindIsLost(leftBehindBucket(stage.sample));
    },
  },
  {
    title: 'the end',
    notice: 'v1 is Disabled, not deleted: `keyturn rollback` could still bring it back',
    async play(_stage, observer) {
      await observer.plansAreEmpty('at the end');
    },
  },
];

async function runSteps(stage: Stage, command: string, ids: readonly StepId[]): Promise<void> {
  const steps = flow.filter((step) => ids.includes(step.id));
  await stage.stopwatch.measure('keyturn', () => stage.perform(command, (run) => runFlow(steps, run)));
}

async function edit(stage: Stage, change: (text: string) => string): Promise<void> {
  await writeFile(stage.rotationFile, change(await readFile(stage.rotationFile, 'utf8')));
}
