import { KeyturnError } from '../errors';
import { bindingContradictions, bindingName, boundInAws } from '../observation/binding-contradictions';
import { type Observing, observeVersions } from '../observation/observe';
import { type ObservedMaterials, observeMaterials } from '../observation/observed-materials';

/** Rotated in place, each version is told by its material. */
export async function materialsOf(run: Observing): Promise<ObservedMaterials | undefined> {
  return run.rotation.strategy === 'in-place' ? observeMaterials(run) : undefined;
}

/**
 * Refuses to act where AWS says that a version is another key or material than `rotation.lock.json` binds it to.
 * Whoever can move an alias must not decide where material, objects and the main alias go.
 *
 * @throws KeyturnError `binding-contradicted`
 */
export async function refuseRebound(run: Observing): Promise<void> {
  const { rotation } = run;
  if (rotation.binding.length === 0) return;
  const found = boundInAws(rotation, await observeVersions(run), await materialsOf(run));
  const contradictions = bindingContradictions(rotation, found);
  if (contradictions.length === 0) return;
  throw new KeyturnError('binding-contradicted', {
    file: bindingName(rotation),
    contradictions: contradictions.map(({ text }) => text),
    next: contradictions.map(({ fix }) => fix).join('; '),
  });
}
