/** What has moved away from the rotation file, or will soon: for a job that looks every day. Pure; the look is elsewhere. */
import { type KeyVersion, type Rotation, supersededVersions } from '../rotation/rotation';
import { expiryFindings } from './drift-expiry';
import { DAY, type DriftFinding, type DriftInput, nextProposal } from './drift-finding';
import type { ObservedVersion } from './observe';

/** A verification older than this says nothing of what writers have done since. */
const VERIFIED_DAYS = 7;

/** Every finding, the pressing ones first. */
export function driftFindings(input: DriftInput): readonly DriftFinding[] {
  const findings = [
    ...input.seen.versions.flatMap((one) => keyFindings(input, one)),
    ...pointerFindings(input),
    ...ageFindings(input),
    ...expiryFindings(input),
    ...stragglerFindings(input),
    ...custodyFindings(input),
    ...retirementFindings(input),
  ];
  return [...findings.filter((one) => one.level === 'act'), ...findings.filter((one) => one.level === 'note')];
}

function keyFindings({ rotation }: DriftInput, { version, key }: ObservedVersion): DriftFinding[] {
  if (key?.state === 'PendingDeletion') {
    const on = key.deletionDate ? ` on ${key.deletionDate.toISOString()}` : '';
    const text = `the key of ${version.name} (${key.arn}) will be deleted${on}, and everything under it with it`;
    return [act('key-pending-deletion', text, `aws kms cancel-key-deletion --key-id ${key.arn}`)];
  }
  if (version.name !== rotation.activeVersion || key?.state !== 'Disabled') return [];
  const text = `the active version ${version.name} is Disabled: nothing can be written or read under it`;
  return [act('active-key-unusable', text, `aws kms enable-key --key-id ${key.arn}`)];
}

/** A pointer that is behind is the next step of a rotation; one that moved otherwise was moved by hand. */
function pointerFindings({ rotation, seen, left }: DriftInput): DriftFinding[] {
  const named = (arn: string | undefined) =>
    seen.versions.find((one) => arn !== undefined && one.key?.arn === arn)?.version;
  const active = seen.versions.find((one) => one.version.name === rotation.activeVersion)?.key?.arn;
  const moved = (now: string | undefined, before: string | undefined): boolean => {
    if (now === undefined || now === active) return false;
    return named(now) === undefined || (before !== undefined && now !== before);
  };
  const where = (arn: string | undefined) => `${named(arn)?.name ?? arn}, where no run of Keyturn left it`;
  const found: DriftFinding[] = [];
  if (moved(seen.aliasTarget, left?.aliasTarget)) {
    const text = `${rotation.alias} points at ${where(seen.aliasTarget)}`;
    found.push(act('alias-moved', text, putBack(named(seen.aliasTarget))));
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
      found.push(act('bucket-default-moved', text, PLAN));
    } else if (moved(set.keyArn, before)) {
      const text = `the default encryption of ${name} points at ${where(set.keyArn)}`;
      found.push(act('bucket-default-moved', text, putBack(named(set.keyArn))));
    } else if (set.bucketKey !== bucket.bucketKey) {
      const text = `the bucket key of ${name} is ${onOff(set.bucketKey)}, the rotation file declares it ${onOff(bucket.bucketKey)}`;
      found.push(act('bucket-key-moved', text, PLAN));
    }
  }
  return found;
}

const onOff = (on: boolean): string => (on ? 'on' : 'off');
const PLAN = 'npx keyturn plan --out plan';
const isActive = (rotation: Rotation, version: KeyVersion | undefined): boolean =>
  version?.name === rotation.activeVersion;

/** The plan puts it back; where the move was meant, it is proposed as such. */
const putBack = (version: KeyVersion | undefined): string =>
  version ? `${PLAN}   (or, if it is meant: npx keyturn propose switch --name ${version.name})` : PLAN;

/** From the day that the material was imported, as its custody record says; where none is here, the day of the key. */
function ageFindings({ rotation, seen, now, custody }: DriftInput): DriftFinding[] {
  const { rotateEveryDays, activeVersion, strategy } = rotation;
  const key = seen.versions.find((one) => one.version.name === activeVersion)?.key;
  const imported = custody.here ? custody.imported.get(activeVersion) : undefined;
  // Rotated in place, the key is as old as its first version.
  const since = imported ?? (strategy === 'new-key' ? key?.creationDate : undefined);
  if (rotateEveryDays === undefined || since === undefined) return [];
  const age = Math.floor((now.getTime() - since.getTime()) / DAY);
  if (age <= rotateEveryDays) return [];
  const text = `key version ${activeVersion} is ${age} days old, the rotation file allows ${rotateEveryDays}`;
  return [act('key-over-age', text, nextProposal(rotation))];
}

/** Where a superseded key is still on, writers that name it go unseen until somebody looks. */
function stragglerFindings({ rotation, seen, verifiedAt, now }: DriftInput): DriftFinding[] {
  const superseded = supersededVersions(rotation).map((one) => one.name);
  const on = seen.versions.filter(({ version, key }) => superseded.includes(version.name) && key?.state === 'Enabled');
  // In place, what is under an earlier material stays there, and its key is the active one.
  if (on.length === 0 || rotation.strategy === 'in-place') return [];
  const days = verifiedAt && Math.floor((now.getTime() - verifiedAt.getTime()) / DAY);
  if (days !== undefined && days <= VERIFIED_DAYS) return [];
  const since =
    days === undefined ? 'no evidence here shows when that was last looked at' : `last looked at ${days} days ago`;
  const names = on.map((one) => one.version.name).join(', ');
  const text = `${names} is still on, and objects may be left under it: ${since}`;
  return [act('stragglers-not-checked', text, 'npx keyturn post-apply --dry-run')];
}

function custodyFindings({ rotation, seen, custody }: DriftInput): DriftFinding[] {
  if (!custody.here) return [];
  return seen.versions.flatMap(({ version, key }): DriftFinding[] => {
    const holds = key !== undefined && key.origin === 'EXTERNAL' && ['Enabled', 'Disabled'].includes(key.state);
    if (version.keyArn !== undefined || !holds || custody.imported.has(version.name)) return [];
    const text = `there is no custody record of ${version.name}: its material may be kept by nobody but KMS`;
    const fix = isActive(rotation, version) ? nextProposal(rotation) : 'npx keyturn pre-apply';
    return [act('custody-record-absent', text, fix)];
  });
}

function retirementFindings({ rotation, seen }: DriftInput): DriftFinding[] {
  const superseded = supersededVersions(rotation);
  return seen.versions.flatMap(({ version, key }): DriftFinding[] => {
    const open = superseded.includes(version) && version.keyArn === undefined && !version.disabled;
    if (!open || key?.state !== 'Disabled') return [];
    const text = `${version.name} is retired, and the rotation file does not record it yet`;
    return [
      {
        code: 'retirement-not-recorded',
        level: 'note',
        text,
        fix: `npx keyturn propose retire --name ${version.name}`,
      },
    ];
  });
}

const act = (code: DriftFinding['code'], text: string, fix: string): DriftFinding => ({
  code,
  level: 'act',
  text,
  fix,
});
