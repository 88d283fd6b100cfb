import { isOff } from '../kms/describe-key';
import type { ObservedVersion } from '../observation/observe';
import { mayBeDisabled, type Rotation, supersededVersions } from '../rotation/rotation';

/** Superseded versions that Keyturn may disable and that are still Enabled: its own, and adopted ones with `retire: true`. */
export function toRetire(rotation: Rotation, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  return retirable(rotation, versions).filter(({ key }) => key?.state === 'Enabled');
}

/** Superseded versions whose key is not off, adopted ones included: each of them gets the gate's verdict. */
export function supersededInUse(rotation: Rotation, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  const superseded = new Set(supersededVersions(rotation).map((version) => version.name));
  return versions.filter(({ version, key }) => superseded.has(version.name) && !isOff(key));
}

/** Superseded versions that Keyturn may disable, whatever the state of their keys. */
export function retirable(rotation: Rotation, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  const superseded = new Set(supersededVersions(rotation).map((version) => version.name));
  return versions.filter(({ version }) => superseded.has(version.name) && mayBeDisabled(version));
}
