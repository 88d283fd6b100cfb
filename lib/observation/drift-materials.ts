/** Rotated in place, every material keeps the key alive: each is watched with its own date and its own remedy. */
import type { KeyMaterialEntry } from '../kms/key-materials';
import { degreeOf, differingDate, importAgain } from './drift-expiry';
import { act, type DriftFinding, type DriftInput, keeperIn, nextProposal, outage } from './drift-finding';
import { extendCommand } from './key-remedy';
import { type ObservedMaterials, ROTATION_BUDGET, type VersionMaterial } from './observed-materials';

/** Findings about the materials of the one key; none with strategy `new-key`. */
export function materialFindings(input: DriftInput): DriftFinding[] {
  const { materials } = input;
  if (!materials?.key) return [];
  return [
    ...materials.versions.flatMap((one) => versionFindings(input, one)),
    ...materials.others.flatMap((one) => foreignFindings(input, materials, one)),
    ...budgetFindings(materials),
  ];
}

function versionFindings(input: DriftInput, { version, material }: VersionMaterial): DriftFinding[] {
  if (!material) return [];
  const { name } = version;
  const pending = isPending(material);
  if (!material.imported) {
    const fix = importAgain(input, version);
    if (pending) {
      const text = `the material of ${name} expired or was deleted before it was rotated into use; the key still works without it`;
      return [act('material-expired', text, fix)];
    }
    const text = `outage: the material of ${name} expired or was deleted, and KMS keeps the whole key out of use until the same bytes are imported again`;
    return [outage('material-expired', text, fix)];
  }
  const degree = degreeOf(input, material.validTo);
  if (degree === undefined || material.validTo === undefined) return differingDate(input, version, material.validTo);
  const then = pending ? 'then it cannot be rotated into use' : 'then KMS takes the whole key out of use';
  const text = `the material of ${name} expires at ${material.validTo.toISOString()}, in less than ${degree} days; ${then}`;
  return [
    act('material-expiring', text, extendCommand(name, keeperIn(input, name))),
    ...differingDate(input, version, material.validTo),
  ];
}

const isPending = ({ state }: KeyMaterialEntry): boolean => state.startsWith('PENDING_');

/** Material that nobody of this rotation imported. */
function foreignFindings(input: DriftInput, { key }: ObservedMaterials, material: KeyMaterialEntry): DriftFinding[] {
  const { id, description, state, imported } = material;
  const named = `material ${id.slice(0, 12)}… (${description ? JSON.stringify(description) : 'without a description'}), which no declared version stands for,`;
  if (isPending(material)) {
    const text = `${named} waits to be rotated into use, and keeps every other new material out`;
    return [
      act(
        'material-foreign',
        text,
        `aws kms delete-imported-key-material --key-id ${key?.arn} --key-material-id ${id}`,
      ),
    ];
  }
  if (!imported) {
    const text = `outage: ${named} expired or was deleted, and KMS keeps the whole key out of use`;
    return [
      outage(
        'material-foreign',
        text,
        'whoever imported it must import the same bytes again; without them, what is under the key is lost',
      ),
    ];
  }
  if (state !== 'CURRENT') {
    const text = `${named} is in the key for good: if it expires or is deleted, the whole key is out of use, and custody here cannot restore it`;
    return [{ ...act('material-foreign', text, 'put its bytes into custody with whoever imported it'), level: 'note' }];
  }
  const text = `${named} is what the key encrypts with now`;
  return [act('material-foreign', text, nextProposal(input.rotation))];
}

/** KMS allows no more than 25, and there is no way to raise it: the last ones are announced while there is time. */
function budgetFindings({ rotations }: ObservedMaterials): DriftFinding[] {
  if (rotations < ROTATION_BUDGET - 1) return [];
  const left = ROTATION_BUDGET - rotations;
  const text =
    left > 0
      ? `${rotations} of the ${ROTATION_BUDGET} rotations of this key are used: one is left`
      : `all ${ROTATION_BUDGET} rotations of this key are used: it cannot be rotated again`;
  return [
    act(
      'rotations-nearly-used',
      text,
      'start a rotation with strategy: new-key, and move the objects to its key; see docs/strategies.md',
    ),
  ];
}
