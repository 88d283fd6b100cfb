import { rollbackCommand } from '../rotation/declared-stacks';
import { type KeyVersion, supersededVersions } from '../rotation/rotation';
import {
  act,
  DAY,
  type DriftFinding,
  type DriftInput,
  isPointedAt,
  keeperIn,
  nextProposal,
  note,
  outage,
  unproven,
} from './drift-finding';
import { extendCommand, identityFor, remedyOf } from './key-remedy';
import type { ObservedVersion } from './observe';

/** Material that KMS will delete, or has deleted: what is under the key cannot be read from then on. */
export function expiryFindings(input: DriftInput): DriftFinding[] {
  // In place, each material is watched by itself.
  if (input.rotation.strategy === 'in-place') return [];
  return input.seen.versions.flatMap((one) => [...expiryOf(input, one), ...dateOf(input, one)]);
}

function expiryOf(input: DriftInput, { version, key }: ObservedVersion): DriftFinding[] {
  const { rotation } = input;
  if (!key) return [];
  if (key.state === 'PendingImport') return lapsed(input, version, key.arn);
  const degree = degreeOf(input, key.validTo);
  if (degree === undefined || key.validTo === undefined) return [];
  const at = key.validTo.toISOString();
  const superseded = supersededVersions(rotation).some((one) => one.name === version.name);
  if (key.state === 'Disabled' && superseded && version.keyArn === undefined) {
    const text = `${version.name} is off, and its material expires at ${at}, in less than ${degree} days; a rollback after that needs its material from custody`;
    return [
      note(
        'rollback-window-closing',
        text,
        `${rollbackCommand(rotation, version.name)}   (or nothing, if nobody goes back)`,
      ),
    ];
  }
  // A key that is off is retired: its expiry stops nothing that runs.
  if (version.disabled || key.state !== 'Enabled') return [];
  const text = `the material of ${version.name} expires at ${at}, in less than ${degree} days; then nothing under it can be read`;
  const isActive = version.name === rotation.activeVersion;
  const onwards = isActive ? nextProposal(rotation) : extendCommand(version.name, keeperIn(input, version.name));
  return [act('material-expiring', text, superseded ? 'npx keyturn post-apply' : onwards)];
}

/** The smallest of the file's warning days that the date is within; undefined before the first one. */
export function degreeOf(
  { rotation, now }: Pick<DriftInput, 'rotation' | 'now'>,
  validTo: Date | undefined,
): number | undefined {
  if (validTo === undefined) return undefined;
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY);
  return [...rotation.expiry.warnDays].sort((a, b) => a - b).find((limit) => days < limit);
}

/** Waiting for material is the start of a version, unless something points at it or the rotation has gone past it. */
function lapsed(input: DriftInput, version: KeyVersion, keyArn: string): DriftFinding[] {
  const { rotation, seen, left } = input;
  const { name } = version;
  const verdict = input.verdicts.find((one) => one.version.name === name);
  const pointedAt = isPointedAt(seen, keyArn);
  if (name !== rotation.activeVersion) return verdict ? lapsedEarlier(input, version, verdict, pointedAt) : [];
  const worked = left?.aliasTarget === keyArn;
  if (!pointedAt && !worked) return [];
  const text = `outage: the active version ${name} has no material any more (it expired or was deleted): nothing can be written, and nothing under it can be read`;
  return [outage('material-expired', text, importAgain(input, version))];
}

function lapsedEarlier(
  input: DriftInput,
  version: KeyVersion,
  { kind, text }: DriftInput['verdicts'][number],
  pointedAt: boolean,
): DriftFinding[] {
  const { name } = version;
  const what = `${name} has no material any more (it expired or was deleted)`;
  const instead = 'restore its objects from a backup, or delete those object versions';
  const fix = deadEnd(input, version, instead) ?? extendCommand(name, keeperIn(input, name));
  if (kind === 'left')
    return [outage('material-expired', `outage: ${what}, and objects under it cannot be read; it is ${text}`, fix)];
  if (kind !== 'not-verified') return [];
  // Before the switch nothing can be verified, and what is under the key must be readable to be moved.
  const next = pointedAt ? fix : 'npx keyturn post-apply';
  return [unproven('material-expired', `${what}, and objects may be left under it: ${text}`, next)];
}

/** The command that brings lost material back, by the date that the file has; where nobody keeps a copy, that is stated. */
export function importAgain(input: DriftInput, version: KeyVersion): string {
  const { rotation, now } = input;
  const { name, materialValidTo } = version;
  const end = deadEnd(input, version, `go on with \`${nextProposal(rotation)}\``);
  if (end !== undefined) return end;
  const isPast = materialValidTo !== undefined && materialValidTo.getTime() <= now.getTime();
  return isPast
    ? extendCommand(name, keeperIn(input, name))
    : `npx keyturn pre-apply${identityFor(keeperIn(input, name))}`;
}

/** Why no command here brings the material of a version back, and what to do instead; undefined where one may. */
function deadEnd({ custody, refused }: DriftInput, { name, keyArn }: KeyVersion, instead: string): string | undefined {
  if (keyArn !== undefined) return `the owner of ${keyArn} must import its material again`;
  if (refused.has(name))
    return `the copy of ${name} in custody is of other material, as KMS said: without the right copy, what is under it is lost; ${instead}`;
  if (custody.here && custody.versions.get(name)?.copy.is === 'gone')
    return `custody here has no copy of ${name}: without a copy elsewhere, what is under it is lost; ${instead}`;
  return undefined;
}

/**
 * A date that is over makes the rotation file one that no command of the flow takes, from the active version on. Material that was
 * imported is extended; a version that never had any only needs another date.
 */
export function pastDateFindings(input: DriftInput): DriftFinding[] {
  const { rotation, now } = input;
  const from = rotation.keyVersions.findIndex(({ name }) => name === rotation.activeVersion);
  return rotation.keyVersions.slice(from).flatMap((version): DriftFinding[] => {
    const { name, materialValidTo: date } = version;
    if (date === undefined || date.getTime() > now.getTime() || version.disabled) return [];
    const text = `the rotation file says that the material of ${name} expired at ${date.toISOString()}, and no command of the flow takes a file with such a date`;
    const byHand = `write a later materialValidTo for ${name} into the rotation file, or remove the line`;
    const key = input.seen.versions.find((one) => one.version.name === name)?.key;
    const isOff = key !== undefined && key.state !== 'Enabled' && key.state !== 'PendingImport';
    const remedy = isOff ? remedyOf(version, key, keeperIn(input, name)) : undefined;
    return [
      act(
        'file-date-past',
        text,
        remedy ?? (canExtend(input, name) ? extendCommand(name, keeperIn(input, name)) : byHand),
      ),
    ];
  });
}

/** Whether custody has the material that the key has or had: the condition of `extend`. */
function canExtend({ custody, materials, seen, refused }: DriftInput, name: string): boolean {
  if (refused.has(name)) return false;
  const key = seen.versions.find((one) => one.version.name === name)?.key;
  const ofVersion = materials?.versions.find((one) => one.version.name === name)?.material;
  const had = materials ? ofVersion !== undefined : key?.currentKeyMaterialId !== undefined;
  if (!had || !custody.here) return had;
  const held = custody.versions.get(name);
  return held?.copy.is !== 'gone' && (held?.record === undefined || held.record.keyArn === key?.arn);
}

/** The alarms and the plan go by the date in the file, so it must be the one that KMS goes by. */
function dateOf(input: DriftInput, { version, key }: ObservedVersion): DriftFinding[] {
  const superseded = supersededVersions(input.rotation).some((one) => one.name === version.name);
  if (superseded || version.keyArn !== undefined || key?.state !== 'Enabled' || key.origin !== 'EXTERNAL') return [];
  return differingDate(input, version, key.validTo);
}

/** A finding where file and KMS name different dates; a second apart is the same. */
export function differingDate(
  input: Pick<DriftInput, 'rotation' | 'custody'>,
  { name, materialValidTo: declared }: KeyVersion,
  validTo: Date | undefined,
): DriftFinding[] {
  const [file, kms] = [declared?.getTime(), validTo?.getTime()];
  if (file === kms || (file !== undefined && kms !== undefined && Math.abs(file - kms) < 1000)) return [];
  const text = `the rotation file says that the material of ${name} ${expires(declared)}, KMS says that it ${expires(validTo)}`;
  if (validTo === undefined)
    return [act('material-date-differs', text, `remove materialValidTo of ${name} from the rotation file`)];
  const later = declared !== undefined && declared > validTo ? declared : validTo;
  const at = later.toISOString().replace(/\.\d{3}Z$/, 'Z');
  const fix = extendCommand(name, keeperIn(input, name), `--valid-to ${at}`);
  return [act('material-date-differs', text, fix)];
}

const expires = (date: Date | undefined): string => (date ? `expires at ${date.toISOString()}` : 'does not expire');
