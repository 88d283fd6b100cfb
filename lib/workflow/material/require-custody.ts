import { KeyturnError } from '../../errors';
import { type CustodyStanding, custodyStanding, type MaterialInUse } from '../../observation/custody-standing';
import { type Observing, observedActive, observeVersions } from '../../observation/observe';
import { activeMaterial, observeMaterials } from '../../observation/observed-materials';
import type { CustodyRun } from '../rotation-run';

/** The material of the active version; undefined while KMS has none of it. */
export async function activeInUse(run: Observing): Promise<MaterialInUse | undefined> {
  const { version, key } = observedActive(run.rotation, await observeVersions(run));
  if (!key) return undefined;
  const about = { version, keyArn: key.arn, origin: key.origin };
  if (run.rotation.strategy === 'new-key') return { ...about, keyMaterialId: key.currentKeyMaterialId };
  const { material } = activeMaterial(run.rotation, await observeMaterials(run));
  return material && { ...about, keyMaterialId: material.id };
}

/**
 * Refuses to go on with a version whose material is not proven to be in custody: nobody could bring it back, and a
 * stranger may know it. What stands in for a proof is recorded.
 *
 * @param step - what is about to be done, as evidence names it
 * @throws custody-not-proven
 */
export async function requireCustody(
  run: CustodyRun,
  step: 'switch' | 'rotate-material',
  material: MaterialInUse,
): Promise<CustodyStanding> {
  const standing = await custodyStanding(run, material);
  const { name } = material.version;
  if (!standing.proven)
    throw new KeyturnError('custody-not-proven', { version: name, keyArn: material.keyArn, found: standing.text });
  if (standing.by === 'waiver' || standing.by === 'no-custody') run.reporter.warn(`${name}: ${standing.text}`);
  await run.evidence.record('custody', step, { version: name, keyArn: material.keyArn, ...standing });
  return standing;
}
