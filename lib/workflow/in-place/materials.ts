import type { KeyDescription } from '../../kms/describe-key';
import { type KeyMaterialEntry, keyMaterials } from '../../kms/key-materials';
import { observeVersions } from '../../observation/observe';
import { activeVersion, type KeyVersion, type Rotation } from '../../rotation/rotation';

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
  /** Rotations that this key has had. */
  readonly rotations: number;
}

type Looking = Parameters<typeof observeVersions>[0];

/** Looks at the key of a rotation in place, and at all its materials. */
export async function observeMaterials(run: Looking): Promise<ObservedMaterials> {
  const key = (await observeVersions(run))[0]?.key;
  const materials = key ? await keyMaterials(run.clients.kms, key.arn) : [];
  return {
    key,
    versions: run.rotation.keyVersions.map((version) => ({
      version,
      material: materialOf(run.rotation, version, materials),
    })),
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

/** What a run may say of the materials, for evidence; nothing secret. */
export function materialFacts(observed: ObservedMaterials): Readonly<Record<string, unknown>> {
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
