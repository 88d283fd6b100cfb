/** What has moved away from the rotation file, or will soon: for a scheduled job. Pure: `observed-drift.ts` does the reading. */

import { isOff, isUsable, type KeyDescription } from '../kms/describe-key';
import { deployCommand, planCommand } from '../rotation/declared-stacks';
import { type KeyVersion, supersededVersions } from '../rotation/rotation';
import { bindingFindings } from './drift-binding';
import { custodyFindings } from './drift-custody';
import { expiryFindings, pastDateFindings } from './drift-expiry';
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
import { materialFindings } from './drift-materials';
import { relatedKeyFindings } from './drift-related-keys';
import { isPlausible } from './evidence-queries';
import { remedyOf } from './key-remedy';
import type { ObservedVersion } from './observe';
import { isSettled } from './version-verdicts';

/** A verification older than this says nothing of what writers have done since. */
const VERIFIED_DAYS = 7;

/** Every finding, the pressing ones first. */
export function driftFindings(input: DriftInput): readonly DriftFinding[] {
  const findings = [
    ...keysOf(input).flatMap((one) => keyFindings(input, one)),
    ...goneFindings(input),
    ...keysOf(input).flatMap((one) => relatedKeyFindings(input, one)),
    ...pointerFindings(input),
    ...bindingFindings(input),
    ...ageFindings(input),
    ...expiryFindings(input),
    ...pastDateFindings(input),
    ...materialFindings(input),
    ...stragglerFindings(input),
    ...custodyFindings(input),
    ...retirementFindings(input),
  ];
  return (['outage', 'act', 'note'] as const).flatMap((level) => findings.filter((one) => one.level === level));
}

/** In place there is one key, and it is reported once. */
function keysOf({ rotation, seen }: DriftInput): readonly ObservedVersion[] {
  if (rotation.strategy === 'new-key') return seen.versions;
  return seen.versions.filter(({ version }) => version.name === rotation.activeVersion);
}

function keyFindings(input: DriftInput, observed: ObservedVersion): DriftFinding[] {
  const { version, key } = observed;
  const deletion = key !== undefined && isToBeDeleted(key.state) ? [deletionFinding(input, version, key)] : [];
  if (version.name === input.rotation.activeVersion) return [...deletion, ...activeKeyFindings(input, observed)];
  return [...deletion, ...earlierKeyFindings(input, observed)];
}

function deletionFinding({ verdicts }: DriftInput, version: KeyVersion, key: KeyDescription): DriftFinding {
  const on = key.deletionDate ? ` on ${key.deletionDate.toISOString()}` : dateOf(key);
  const verdict = verdicts.find((one) => one.version.name === version.name);
  const settled = verdict !== undefined && isSettled(verdict);
  const fix = `aws kms cancel-key-deletion --key-id ${key.arn}`;
  if (settled) {
    const text = `the key of ${version.name} (${key.arn}) will be deleted${on}; it is ${verdict.text}, and nobody can roll back to it then`;
    return note('key-pending-deletion', text, fix);
  }
  return act(
    'key-pending-deletion',
    `the key of ${version.name} (${key.arn}) will be deleted${on}, and everything under it with it`,
    fix,
  );
}

/** A multi-Region primary key waits for its replicas first, and has no date until then. */
const isToBeDeleted = (state: string): boolean => state === 'PendingDeletion' || state === 'PendingReplicaDeletion';
const dateOf = ({ state }: KeyDescription): string =>
  state === 'PendingReplicaDeletion' ? ' after its replicas in other Regions' : '';

/** The key that everything is written under: any state but Enabled is an outage, unless the version is only beginning. */
function activeKeyFindings(input: DriftInput, { version, key }: ObservedVersion): DriftFinding[] {
  const { rotation, left } = input;
  const { name } = version;
  if (key === undefined) {
    const inPlace = rotation.strategy === 'in-place';
    const before = left?.keys?.get(name) ?? (inPlace ? [...(left?.keys?.values() ?? [])].at(-1) : undefined);
    if (before === undefined) return [];
    const goOn = inPlace
      ? 'begin a rotation of another name: in place there is no other key'
      : `go on with \`${nextProposal(rotation)}\``;
    const text = `outage: the key of the active version ${name} (${before.arn}) does not exist any more: nothing under it can ever be read again`;
    return [outage('active-key-unusable', text, `restore the objects from a backup, and ${goOn}`)];
  }
  // A key without material has findings of its own.
  if (isUsable(key) || key.state === 'PendingImport') return [];
  const what = isPointedAt(input.seen, key.arn)
    ? 'nothing can be written or read under it'
    : 'nothing can be switched to it';
  const text = `outage: the active version ${name} is ${key.state}: ${what}`;
  const without = `aws kms describe-key --key-id ${key.arn}   (${COMES_BACK})`;
  const fix = remedyOf(version, key, keeperIn(input, version.name)) ?? without;
  return [outage('active-key-unusable', text, fix)];
}

const COMES_BACK = 'it comes back once its key store is connected, or KMS has finished a change of its Regions';

/** An earlier key that is out of use is fine once it is verified empty; until then its objects cannot be read or moved. */
function earlierKeyFindings(input: DriftInput, { version, key: declared }: ObservedVersion): DriftFinding[] {
  // A key that is taken over has no version alias before the first apply.
  const key = declared ?? input.seen.otherKeys?.find(({ arn }) => arn === version.takeOver);
  const verdict = input.verdicts.find((one) => one.version.name === version.name);
  if (verdict === undefined || (key && (isUsable(key) || key.state === 'PendingImport'))) return [];
  const state = key?.state ?? 'gone from KMS';
  if (verdict.kind === 'left') {
    const text = `outage: ${version.name} is ${state}, and objects under it cannot be read; it is ${verdict.text}`;
    const lost = 'nothing brings this key back: restore the objects from a backup, or delete those object versions';
    const without = isOff(key) ? lost : `aws kms describe-key --key-id ${key?.arn}   (${COMES_BACK})`;
    return [outage('earlier-key-unusable', text, remedyOf(version, key, keeperIn(input, version.name)) ?? without)];
  }
  if (verdict.kind !== 'not-verified') return [];
  const text = `${version.name} is ${state}, and objects may be left under it: ${verdict.text}`;
  // Before the switch nothing can be verified, and what is under the key must be readable to be moved.
  const fix =
    key && isPointedAt(input.seen, key.arn) ? remedyOf(version, key, keeperIn(input, version.name)) : undefined;
  return [unproven('earlier-key-not-verified', text, fix ?? 'npx keyturn post-apply')];
}

/** A default at a key that is gone: no plan brings back what is under it, and no later status would know of it. */
function goneFindings({ rotation, seen }: DriftInput): DriftFinding[] {
  const named = (arn: string) => seen.buckets.filter((one) => one.default?.keyArn === arn);
  const pointedAt = (seen.goneKeys ?? []).filter((arn) => named(arn).length > 0);
  return pointedAt.map((arn) => {
    const names = named(arn).map(({ name }) => name);
    const text = `outage: new objects in ${names.join(', ')} go under ${arn}, which does not exist any more: nothing can be written, and nothing under it can ever be read again`;
    const fix = `restore the objects from a backup, or delete those under that key, and then \`${deployCommand(rotation, 'storage')}\``;
    return outage('pointed-key-gone', text, fix);
  });
}

/** A pointer that is behind is the next step of a rotation; one that moved otherwise was moved by hand. */
function pointerFindings({ rotation, seen, left }: DriftInput): DriftFinding[] {
  const named = (arn: string | undefined) =>
    // Before the first apply, nothing but the file says which key a taken-over version is.
    seen.versions.find((one) => arn !== undefined && [one.key?.arn, one.version.takeOver].includes(arn))?.version;
  const active = seen.versions.find((one) => one.version.name === rotation.activeVersion)?.key?.arn;
  const moved = (now: string | undefined, before: string | undefined): boolean => {
    if (now === undefined || now === active) return false;
    return named(now) === undefined || (before !== undefined && now !== before);
  };
  const where = (arn: string | undefined) => `${named(arn)?.name ?? arn}, where no run of Keyturn left it`;
  const plan = planCommand(rotation);
  const found: DriftFinding[] = [];
  if (moved(seen.aliasTarget, left?.aliasTarget)) {
    const text = `${rotation.alias} points at ${where(seen.aliasTarget)}`;
    const isKnown = left?.aliasTarget !== undefined || rotation.adopted?.alias === true;
    const orAdopt = isKnown ? '' : '   (or, if it is from before Keyturn: npx keyturn adopt)';
    found.push(act('alias-moved', text, `${putBack(plan, named(seen.aliasTarget))}${orAdopt}`));
  }
  for (const bucket of rotation.buckets) {
    const { name } = bucket;
    const set = seen.buckets.find((one) => one.name === name)?.default;
    const before = left?.bucketDefaults[name];
    // An adopted bucket may still have a default of its own: then the switch is the next step, and no drift.
    const switched = before !== undefined || bucket.manage === 'bucket';
    if (!set || !switched) continue;
    if (set.keyArn === undefined) {
      const text = `new objects in ${name} are encrypted with ${set.algorithm}, under no KMS key of ours`;
      found.push(act('bucket-default-moved', text, plan));
    } else if (moved(set.keyArn, before)) {
      const text = `the default encryption of ${name} points at ${where(set.keyArn)}`;
      found.push(act('bucket-default-moved', text, putBack(plan, named(set.keyArn))));
    } else if (set.bucketKey !== bucket.bucketKey) {
      const text = `the bucket key of ${name} is ${onOff(set.bucketKey)}, the rotation file declares it ${onOff(bucket.bucketKey)}`;
      found.push(act('bucket-key-moved', text, plan));
    }
  }
  return found;
}

const onOff = (on: boolean): string => (on ? 'on' : 'off');

/** The plan puts it back; where the move was meant, it is proposed as such. */
const putBack = (plan: string, version: KeyVersion | undefined): string =>
  version ? `${plan}   (or, if it is meant: npx keyturn propose switch --name ${version.name})` : plan;

/**
 * From the day that the material was first imported, as its custody record says. Where none is here, or a wrong clock dated it, from the
 * day of the key, or in place of its rotation to this material.
 */
function ageFindings({ rotation, seen, now, custody, materials }: DriftInput): DriftFinding[] {
  const { rotateEveryDays, activeVersion, strategy } = rotation;
  const key = seen.versions.find((one) => one.version.name === activeVersion)?.key;
  const record = custody.here ? custody.versions.get(activeVersion)?.record : undefined;
  const imported = record && new Date(record.import.firstImportedAt ?? record.import.importedAt);
  const rotated = materials?.versions.find(({ version }) => version.name === activeVersion)?.material?.rotatedAt;
  // Rotated in place, the key is as old as its first version.
  const byKms = strategy === 'new-key' ? key?.creationDate : rotated;
  const since = imported && isPlausible(imported, now) ? imported : byKms;
  if (rotateEveryDays === undefined || since === undefined) return [];
  const age = Math.floor((now.getTime() - since.getTime()) / DAY);
  if (age <= rotateEveryDays) return [];
  const text = `key version ${activeVersion} is ${age} days old, the rotation file allows ${rotateEveryDays}`;
  return [act('key-over-age', text, nextProposal(rotation))];
}

/** Where a superseded key is still on, writers that name it stay unnoticed until somebody checks. */
function stragglerFindings({ rotation, seen, verifiedAt, now }: DriftInput): DriftFinding[] {
  const superseded = supersededVersions(rotation).map((one) => one.name);
  // What alias or bucket defaults still name is on because the switch is to come.
  const on = seen.versions.filter(
    ({ version, key }) => superseded.includes(version.name) && key?.state === 'Enabled' && !isPointedAt(seen, key.arn),
  );
  // In place, what is under an earlier material stays there, and its key is the active one.
  if (on.length === 0 || rotation.strategy === 'in-place') return [];
  const days = verifiedAt && Math.floor((now.getTime() - verifiedAt.getTime()) / DAY);
  if (days !== undefined && days <= VERIFIED_DAYS) return [];
  const since =
    days === undefined ? 'no evidence here shows when that was last verified' : `last verified ${days} days ago`;
  const names = on.map((one) => one.version.name).join(', ');
  const text = `${names} is still on, and objects may be left under it: ${since}`;
  // A dry run leaves no evidence, so it would leave this finding too.
  return [act('stragglers-not-checked', text, 'npx keyturn post-apply')];
}

/** Only a version that passed the gate, or a verification as good, is proposed as retired. */
function retirementFindings({ verdicts }: DriftInput): DriftFinding[] {
  return verdicts.flatMap(({ version, key, kind, superseded }): DriftFinding[] => {
    const open = superseded && version.keyArn === undefined && !version.disabled;
    if (!open || kind !== 'retired' || key?.state !== 'Disabled') return [];
    const text = `${version.name} is retired, and the rotation file does not record it yet`;
    return [note('retirement-not-recorded', text, `npx keyturn propose retire --name ${version.name}`)];
  });
}
