import type { KeyDescription } from '../kms/describe-key';
import { type KeyMaterialEntry, keyMaterials } from '../kms/key-materials';
import { activeVersion, type KeyVersion, type Rotation } from '../rotation/rotation';
import { type Observing, observeVersions } from './observe';

/** Rotations that one key can have in its life, so 26 materials. @see https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
export const ROTATION_BUDGET = 25;

export interface VersionMaterial {
  readonly version: KeyVersion;
  /** Absent: KMS has no material of this version. */
  readonly material: KeyMaterialEntry | undefined;
}

/** The one key, and what stands for each version in it. */
export interface ObservedMaterials {
  /** Absent: not declared to AWS yet. */
  readonly key: KeyDescription | undefined;
  readonly versions: readonly VersionMaterial[];
  /** Materials that stand for no declared version. */
  readonly others: readonly KeyMaterialEntry[];
  /** Rotations that this key has had. */
  readonly rotations: number;
}

/** Reads the key of a rotation in place, and all its materials. */
export async function observeMaterials(run: Observing): Promise<ObservedMaterials> {
  const key = (await observeVersions(run))[0]?.key;
  const materials = key ? await keyMaterials(run.clients.kms, key.arn) : [];
  const versions = run.rotation.keyVersions.map((version) => ({
    version,
    material: materialOf(run.rotation, version, materials),
  }));
  return {
    key,
    versions,
    others: materials.filter((one) => versions.every(({ material }) => material !== one)),
    rotations: materials.filter(({ rotatedAt }) => rotatedAt !== undefined).length,
  };
}

/** What an import says of its material, and what it is known by again: KMS keeps it with the material. */
export function materialDescription(rotation: Pick<Rotation, 'name'>, version: Pick<KeyVersion, 'name'>): string {
  return `keyturn:${rotation.name}/${version.name}`;
}

/**
 * The material that is described as this version. The first version may also be the key's first material without any
 * description: that is how a rotation looks that began with strategy `new-key` and one version.
 */
function materialOf(
  rotation: Rotation,
  version: KeyVersion,
  materials: readonly KeyMaterialEntry[],
): KeyMaterialEntry | undefined {
  const described = materials.find(({ description }) => description === materialDescription(rotation, version));
  if (described || version !== rotation.keyVersions[0]) return described;
  const first = materials.filter((one) => one.rotatedAt === undefined && one.state !== 'PENDING_ROTATION');
  return first.length === 1 && first[0]?.description === undefined ? first[0] : undefined;
}

/** The active version with its material. */
export function activeMaterial(rotation: Rotation, { versions }: ObservedMaterials): VersionMaterial {
  const version = activeVersion(rotation);
  return versions.find((one) => one.version.name === version.name) ?? { version, material: undefined };
}

/** The version whose material encrypts now; absent where it is none of the declared ones. */
export function currentVersion({ versions }: ObservedMaterials): KeyVersion | undefined {
  return versions.find(({ material }) => material?.state === 'CURRENT')?.version;
}

/** The materials of the one key, as evidence and `--json` show them; nothing secret. */
export interface MaterialFacts {
  /** Absent: the key is not declared to AWS yet. */
  readonly keyArn: string | undefined;
  /** Rotations that the key has had, of `budget` that it can have. */
  readonly rotations: number;
  readonly budget: number;
  readonly versions: readonly {
    readonly name: string;
    readonly keyMaterialId: string | undefined;
    /** KMS's own word, or `not imported`. */
    readonly state: string;
  }[];
}

/** Takes from an observation what a run may record. */
export function materialFacts(observed: ObservedMaterials): MaterialFacts {
  return {
    keyArn: observed.key?.arn,
    rotations: observed.rotations,
    budget: ROTATION_BUDGET,
    versions: observed.versions.map(({ version, material }) => ({
      name: version.name,
      keyMaterialId: material?.id,
      state: material?.state ?? 'not imported',
    })),
  };
}
