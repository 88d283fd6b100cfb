import path from 'node:path';
import { bindingPath } from '../rotation/binding';
import { type BoundVersion, type Rotation, supersededVersions, versionAlias } from '../rotation/rotation';
import type { ObservedVersion } from './observe';
import type { ObservedMaterials } from './observed-materials';

/** A version that AWS says another thing of than `rotation.lock.json`. */
export interface Contradiction {
  readonly version: string;
  /** One clause, for people. */
  readonly text: string;
  /** What to type. */
  readonly fix: string;
}

/** What AWS holds of a bound version. */
export interface BoundInAws {
  readonly bound: BoundVersion;
  readonly keyArn: string | undefined;
  readonly keyMaterialId: string | undefined;
  readonly validTo: Date | undefined;
}

/** How people know the file of the binding: its name without its folder. */
export const bindingName = ({ file }: Pick<Rotation, 'file'>): string => path.basename(bindingPath(file));

/**
 * Every bound version with what AWS holds of it.
 *
 * @param materials - those of a rotation in place, whose key names only its current material
 */
export function boundInAws(
  { binding }: Pick<Rotation, 'binding'>,
  versions: readonly ObservedVersion[],
  materials: ObservedMaterials | undefined,
): readonly BoundInAws[] {
  return binding.map((bound) => {
    const key = versions.find(({ version }) => version.name === bound.name)?.key;
    const own = materials?.versions.find(({ version }) => version.name === bound.name)?.material;
    return {
      bound,
      keyArn: key?.arn,
      keyMaterialId: materials ? own?.id : key?.currentKeyMaterialId,
      validTo: materials ? own?.validTo : key?.validTo,
    };
  });
}

/** Versions that stand for another key or material than their binding says: nothing may be done under their names. */
export function bindingContradictions(rotation: Rotation, found: readonly BoundInAws[]): readonly Contradiction[] {
  return found.flatMap((one) => contradiction(rotation, one) ?? []);
}

function contradiction(rotation: Rotation, { bound, keyArn, keyMaterialId }: BoundInAws): Contradiction | undefined {
  const { name: version } = bound;
  const alias = versionAlias(rotation, bound);
  const target = `--alias-name ${alias} --target-key-id ${bound.keyArn}`;
  // The key of a superseded version may be gone for good; that has a finding of its own.
  if (keyArn === undefined && supersededVersions(rotation).some(({ name }) => name === version)) return undefined;
  if (keyArn === undefined)
    return {
      version,
      text: `${version} is bound to ${bound.keyArn}, and ${alias} does not exist`,
      fix: `aws kms create-alias ${target}`,
    };
  if (keyArn !== bound.keyArn)
    return {
      version,
      text: `${version} is bound to ${bound.keyArn}, and ${alias} leads to ${keyArn}`,
      fix: `find out who moved the alias (CloudTrail: UpdateAlias), then: aws kms update-alias ${target}`,
    };
  if (bound.keyMaterialId === null || keyMaterialId === undefined || keyMaterialId === bound.keyMaterialId)
    return undefined;
  return {
    version,
    text: `${version} is bound to material ${short(bound.keyMaterialId)}, and its key holds ${short(keyMaterialId)} for it`,
    // While the file contradicts AWS, every command refuses: a person decides that the material is to be left behind.
    fix: `find out who imported or rotated material (CloudTrail: ImportKeyMaterial, RotateKeyOnDemand); to go on without the old material, remove ${version} from ${bindingName(rotation)} in a reviewed change, then rotate to another version: npx keyturn propose version`,
  };
}

const short = (id: string): string => `${id.slice(0, 12)}…`;
