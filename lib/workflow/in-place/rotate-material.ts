import { KeyturnError } from '../../errors';
import { rotateOnDemand } from '../../kms/key-materials';
import { pauseFor } from '../../kms/wait-for-key';
import {
  activeMaterial,
  currentVersion,
  materialFacts,
  type ObservedMaterials,
  observeMaterials,
  ROTATION_BUDGET,
} from '../../observation/observed-materials';
import { proveCurrent } from '../material/import-version';
import { requireCustody } from '../material/require-custody';
import type { ChangeRun } from '../rotation-run';
import type { Step, StepResult, StepState } from '../step';

/** How long a rotation may take; KMS says only that it is asynchronous. */
const ROTATION_MS = 15 * 60_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** What a person must know before the first rotation of a key in place; there is no way back from it. */
export const CONSEQUENCES = `Rotating in place, before the first time:
  - From now on the key encrypts with the new material. It decrypts with every material it ever had.
  - No object is re-encrypted: each keeps its data key, which stays wrapped under the material of its day.
  - So all of the key's materials must live as long as any object: if one expires or is deleted, KMS takes the whole key
    out of use until the same bytes are imported again. Keep custody of every version.
  - Nothing can be retired, and nothing can be rolled back: a leaked material stays in use for the objects of its day.
  - KMS allows ${ROTATION_BUDGET} rotations in the life of a key. The first two each add to its monthly price.
`;

/** Between switch and re-encrypt, in place: the active version's material becomes the one that encrypts. */
export const rotateMaterial: Step<'rotate-material', ChangeRun, never> = {
  id: 'rotate-material',
  title: 'rotate material',
  doneBy: 'post-apply',
  leavesBehind: 'the key encrypts with the active version’s material',

  async check(run): Promise<StepState> {
    const observed = await observeMaterials(run);
    const refusal = refusalOf(run, observed);
    if (refusal) return { state: 'blocked', summary: refusal.message, hint: refusal.hint };
    const used = `${observed.rotations} of ${ROTATION_BUDGET} rotations used`;
    const { version, material } = activeMaterial(run.rotation, observed);
    if (material?.state === 'CURRENT')
      return { state: 'done', summary: `the key encrypts with ${version.name}; ${used}` };
    return { state: 'ready', summary: `the material of ${version.name} waits to be rotated into use; ${used}` };
  },

  async run(run): Promise<StepResult<'rotate-material'>> {
    const observed = await observeMaterials(run);
    const refusal = refusalOf(run, observed);
    if (refusal) throw refusal;
    const { version, material } = activeMaterial(run.rotation, observed);
    if (!observed.key || !material) throw new TypeError('a rotation that is not refused has a key and material');
    if (material.state === 'CURRENT') {
      const summary = `the key encrypts with ${version.name}; ${observed.rotations} of ${ROTATION_BUDGET} rotations used`;
      return { outcome: 'unchanged', summary, facts: materialFacts(observed) };
    }
    if (observed.rotations === 0) run.reporter.block(CONSEQUENCES);
    const which = `rotation ${observed.rotations + 1} of ${ROTATION_BUDGET}`;
    if (run.dryRun) {
      const summary = `would rotate ${version.name} into use, ${which}`;
      return { outcome: 'unchanged', summary, facts: {}, pending: summary };
    }
    const { arn: keyArn, origin } = observed.key;
    const inUse = { version, keyArn, origin, keyMaterialId: material.id };
    const { text: custody } = await requireCustody(run, 'rotate-material', inUse);
    run.reporter.note(`${version.name}: ${custody}`);
    await run.approve(`rotate ${observed.key.arn} to the material of ${version.name} (${which}, no way back)?`);
    await run.evidence.record('intent', 'rotate-material', { version: version.name, ...materialFacts(observed) });
    // KMS rotates to whatever is pending then; a person may have taken an hour to answer.
    const { material: pending } = activeMaterial(run.rotation, await observeMaterials(run));
    if (pending?.id !== material.id || pending.state !== 'PENDING_ROTATION')
      throw new KeyturnError('material-not-ready', {
        version: version.name,
        found: 'its material is not the one that is pending any more',
      });
    await rotateOnDemand(run.clients.kms, observed.key.arn);
    const after = await untilCurrent(run, version.name);
    const proof = await proveCurrent(run, observed.key, { keyMaterialId: material.id });
    run.reporter.note(`${version.name}: ${proof}`);
    return {
      outcome: 'changed',
      summary: `the key encrypts with ${version.name}, ${which}`,
      facts: materialFacts(after),
    };
  },

  async verify(run) {
    const { version, material } = activeMaterial(run.rotation, await observeMaterials(run));
    if (material?.state === 'CURRENT' || run.dryRun) return;
    const found = `the material of ${version.name} is ${material?.state ?? 'not there'}`;
    throw new KeyturnError('step-not-verified', { step: 'rotate-material', found });
  },
};

/** Why the active version cannot be rotated into use; undefined where it can, or already is. */
function refusalOf({ rotation }: Pick<ChangeRun, 'rotation'>, observed: ObservedMaterials): KeyturnError | undefined {
  const { version, material } = activeMaterial(rotation, observed);
  const waiting = (found: string) => new KeyturnError('material-not-ready', { version: version.name, found });
  if (observed.key?.state !== 'Enabled')
    return waiting(`the key is ${observed.key?.state ?? 'not declared to AWS yet'}`);
  if (!material) return waiting('KMS has no material of it');
  if (material.state === 'NON_CURRENT') {
    const current = currentVersion(observed)?.name ?? 'a material that no declared version stands for';
    return new KeyturnError('rotation-only-forward', { version: version.name, current });
  }
  const spent = material.state !== 'CURRENT' && observed.rotations >= ROTATION_BUDGET;
  return spent ? new KeyturnError('rotation-budget-spent', { keyArn: observed.key.arn }) : undefined;
}

async function untilCurrent(run: ChangeRun, version: string): Promise<ObservedMaterials> {
  const deadline = Date.now() + ROTATION_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const observed = await observeMaterials(run);
    const { material } = activeMaterial(run.rotation, observed);
    if (material?.state === 'CURRENT') return observed;
    if (Date.now() + pause > deadline) {
      const found = `KMS has not finished the rotation to ${version} after ${ROTATION_MS / 60_000} minutes; run it again`;
      throw new KeyturnError('step-not-verified', { step: 'rotate-material', found });
    }
    run.reporter.progress(`waiting for KMS to rotate to ${version}`);
    await pauseFor(pause, run.signal, `waiting for the rotation to ${version}`);
  }
}
