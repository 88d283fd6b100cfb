import { readFile, writeFile } from 'node:fs/promises';
import { isCode } from '../lib/errors';
import { appendVersion, setActiveVersion } from '../lib/rotation/rotation-edit';
import { flow } from '../lib/workflow';
import type { StepId } from '../lib/workflow/flow-facts';
import { runFlow } from '../lib/workflow/run-flow';
import { createAdoptedBuckets, leaveObjectBehind } from './buckets';
import { addGuestsByHand, openSharedBucket } from './guests';
import { proveRefusals } from './import-refusals';
import { putObjects } from './objects';
import type { Observer } from './observer';
import { leftBehindBucket, rehearsedFile, withGuests, withoutLeftBehind } from './rehearsed-file';
import type { Stage } from './stage';

/** One step of the rehearsal: what a person would do, and what it shows. */
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
    notice: 'Terraform creates an empty external key and its version alias; plan and state contain no material',
    async play(stage, observer) {
      await writeFile(stage.rotationFile, rehearsedFile(stage));
      await createAdoptedBuckets(stage);
      await openSharedBucket(stage);
      await runSteps(stage, 'rotate', ['declare-keys']);
      await observer.newKey('v1');
    },
  },
  {
    title: 'import material into v1',
    notice:
      'custody has the material before KMS; KMS rejects material that is wrapped for another key, stale or changed',
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
    notice: 'one new line in the rotation file; v1, the alias and the bucket do not change',
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
    notice: 'Terraform did not import it, but its plans stay empty: no drift, no second import',
    async play(stage, observer) {
      const before = await observer.declaredExpiry('v2');
      await runSteps(stage, 'pre-apply', ['import-material']);
      await observer.imported('v2', before);
      await observer.plansAreEmpty('after the import');
    },
  },
  {
    title: 'a switch that would lock somebody out',
    notice:
      'somebody had added a reader, a log delivery and another account to v1 by hand: the switch names all three and refuses, until the rotation file names them',
    async play(stage, observer) {
      await addGuestsByHand(stage, await observer.keyArn('v1'));
      await observer.guestsCan('v1');
      await observer.guestsCannot('v2');
      await edit(stage, (text) => setActiveVersion(text, 'v2'));
      const refusal = await runSteps(stage, 'rotate', ['switch']).catch((error: unknown) => error);
      if (!isCode(refusal, 'access-lost'))
        throw refusal ?? new Error('the switch did not refuse to lock out who uses v1');
      stage.reporter.block(refusal.message);
      observer.lockoutRefused(refusal.facts.uses.map(({ who }) => who));
      const own = await observer.ownArn();
      await edit(stage, (text) => withGuests(text, stage, own));
      await runSteps(stage, 'rotate', ['declare-keys']);
      // Named administrators are nobody's here. Without them everything that follows needs no more than the policies give.
      stage.policies.enforced = stage.sample.keyPolicy.administrators.length === 0;
    },
  },
  {
    title: 'switch to v2',
    notice:
      'the plan itself refuses a key that is not Enabled; new objects are under v2, old ones stay readable under v1',
    async play(stage, observer) {
      await runSteps(stage, 'rotate', ['switch']);
      await observer.switched();
      await observer.guestsCan('v2');
      await observer.plansAreEmpty('after the switch');
    },
  },
  {
    title: 're-encrypt, verify, and a gate that refuses',
    notice: `an object was left under v1 in a bucket that Keyturn only verifies, so v1 must stay Enabled`,
    async play(stage, observer) {
      await observer.rememberObjects();
      const refusal = await runSteps(stage, 'post-apply', ['re-encrypt', 'verify', 'retire']).catch(
        (error: unknown) => error,
      );
      if (!isCode(refusal, 'gate-refused'))
        throw refusal ?? new Error('the gate allowed v1 to retire with an object left under it');
      stage.reporter.block(refusal.message);
      await observer.everythingMoved();
      if (stage.engine === 'batch') await observer.movedByJobs();
      await observer.gateRefused(refusal.facts.reasons.map((reason) => reason.code));
    },
  },
  {
    title: 'retire v1',
    notice:
      "the operator removes that bucket from the file and waives it; the readers' role, denied every use of v1, reads a sample; the gate opens, v1 is disabled, and the object left there is unreadable",
    async play(stage, observer) {
      await observer.readersNeedNoV1();
      await edit(stage, (text) => withoutLeftBehind(text, stage.sample));
      await runSteps(stage, 'post-apply', ['re-encrypt', 'verify', 'retire', 'record']);
      await observer.everythingDownloads();
      await observer.leftBehindIsLost(leftBehindBucket(stage.sample));
    },
  },
  {
    title: 'the end',
    notice: 'v1 is Disabled, not deleted: `keyturn rollback` can still restore it',
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
