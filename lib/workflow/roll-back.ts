import { KeyturnError } from '../errors';
import { enableKey } from '../kms/key-switch';
import { keeperOf, remedyOf } from '../observation/key-remedy';
import { observeVersions } from '../observation/observe';
import { activeVersion, type KeyVersion, mayBeDisabled, type Rotation } from '../rotation/rotation';
import { setActiveVersion, setDisabled } from '../rotation/rotation-edit';
import { readRotationText } from '../rotation/rotation-file';
import type { ChangeRun } from './rotation-run';

/**
 * The version to go back to: the named one, or the one declared before the active one.
 *
 * @throws rollback-in-place, no-version-to-go-back-to
 */
export function rollbackTarget(rotation: Rotation, named: string | undefined): KeyVersion {
  if (rotation.strategy === 'in-place') throw new KeyturnError('rollback-in-place', { active: rotation.activeVersion });
  const active = rotation.keyVersions.indexOf(activeVersion(rotation));
  const declared = rotation.keyVersions.map((version) => version.name).join(', ');
  const target = named
    ? rotation.keyVersions.find((version) => version.name === named)
    : rotation.keyVersions[active - 1];
  if (!target || target.name === rotation.activeVersion) {
    throw new KeyturnError('no-version-to-go-back-to', {
      active: rotation.activeVersion,
      named: named ?? null,
      declared,
    });
  }
  return target;
}

/**
 * Makes an earlier version usable again, before anything points at it. A key that lost its material is not brought
 * back here: only the same bytes, from custody, can do that.
 *
 * @throws rollback-impossible when its key is gone, pending deletion, or without material
 */
export async function reenable(run: ChangeRun, target: KeyVersion): Promise<'enabled' | 'was-enabled'> {
  const key = (await observeVersions(run)).find((one) => one.version.name === target.name)?.key;
  if (!key || (key.state !== 'Enabled' && key.state !== 'Disabled')) {
    const remedy = remedyOf(target, key, keeperOf(run.rotation));
    throw new KeyturnError('rollback-impossible', { version: target.name, state: key?.state ?? 'no key', remedy });
  }
  if (key.state === 'Enabled') return 'was-enabled';
  if (!mayBeDisabled(target)) {
    const state = 'Disabled, and adopted: its owner enables it';
    throw new KeyturnError('rollback-impossible', { version: target.name, state });
  }
  if (run.dryRun) return 'enabled';
  await run.approve(`enable ${target.name} (${key.arn}) again?`);
  await run.evidence.record('intent', 'rollback', { version: target.name, keyArn: key.arn });
  await enableKey(run.clients.kms, key.arn, { signal: run.signal });
  await run.evidence.record('outcome', 'rollback', { version: target.name, keyArn: key.arn, state: 'Enabled' });
  return 'enabled';
}

/** The rotation file as it is, and with the target active and no longer recorded as disabled. */
export async function rolledBackText(
  rotation: Rotation,
  target: KeyVersion,
): Promise<{ readonly before: string; readonly after: string }> {
  const before = await readRotationText(rotation.file);
  const enabled = target.disabled ? setDisabled(before, target.name, false) : before;
  return { before, after: setActiveVersion(enabled, target.name) };
}
