import type { ObservedVersion } from '../observation/observe';
import { type Rotation, supersededVersions } from '../rotation/rotation';

/** Superseded versions that Keyturn may disable: its own, and still Enabled. Adopted keys are left as they are. */
export function toRetire(rotation: Rotation, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  return ownSuperseded(rotation, versions).filter(({ key }) => key?.state === 'Enabled');
}

/** Superseded versions that the keys stack declares. */
export function ownSuperseded(rotation: Rotation, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  const superseded = new Set(supersededVersions(rotation).map((version) => version.name));
  return versions.filter(({ version }) => superseded.has(version.name) && version.keyArn === undefined);
}

/** Every bucket that must hold nothing under a version before it retires: the declared ones and `retire.verifyOnlyBuckets`. */
export function bucketsToVerify(rotation: Rotation): readonly string[] {
  return [...rotation.buckets.map((bucket) => bucket.name), ...rotation.retire.verifyOnlyBuckets];
}
