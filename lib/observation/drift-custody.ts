/** Whether custody still holds what the keys need, and how long ago anybody proved it. */
import path from 'node:path';
import { isOff } from '../kms/describe-key';
import type { KeyVersion } from '../rotation/rotation';
import { act, DAY, type DriftFinding, type DriftInput, keeperIn, nextProposal, note } from './drift-finding';
import { isPlausible } from './evidence-queries';
import { drillCommand } from './key-remedy';
import type { ObservedVersion } from './observe';
import { type CustodyOfVersion, otherCopy } from './observed-custody';
import { isSettled } from './version-verdicts';

/** Findings about custody; of a folder that is not here only that. */
export function custodyFindings(input: DriftInput): DriftFinding[] {
  const { custody } = input;
  if (!custody.here) return absentFindings(input, custody.directory);
  return input.seen.versions.flatMap((one) => {
    const held = custody.versions.get(one.version.name);
    const found = held && hasMaterial(one) ? versionFindings(input, one, held) : [];
    return found.map((finding) => ({ ...finding, version: one.version.name }));
  });
}

/** Of a key that waits or is gone, other findings tell. */
const hasMaterial = ({ key }: ObservedVersion): boolean => key?.origin === 'EXTERNAL';

function versionFindings(input: DriftInput, observed: ObservedVersion, held: CustodyOfVersion): DriftFinding[] {
  const { version, key } = observed;
  const { record, copy } = held;
  if (key && record && record.keyArn !== key.arn) return [otherKey(input, version, held)];
  if (copy.is === 'there' && !record && key && isWaiting(input, observed) && !hadMaterial(input, observed))
    return copyUnknown(input, version, held);
  if (isWaiting(input, observed) && isUnfillable(input, observed, held)) return [unfillable(version)];
  if (key && record && copy.is === 'gone' && isWaiting(input, observed)) return [copyMissing(input, version, held)];
  if (!key || !['Enabled', 'Disabled'].includes(key.state) || !inMaterials(input, version)) return [];
  // A retired version needs custody for a rollback alone.
  const level = isRetired(input, version) ? note : act;
  if (copy.is === 'there' && input.refused.has(version.name)) return [otherMaterial(input, version, held, level)];
  if (!record) return [recordAbsent(input, version, copy, level)];
  const inUse = materialIn(input, observed);
  if (inUse !== undefined && record.keyMaterialId !== inUse && copy.is !== 'gone')
    return [recordOfOther(input, version, record.keyMaterialId, inUse, level)];
  if (copy.is === 'gone') return [lost(input, version, held, level)];
  if (copy.is === 'unknown') {
    const text = `nothing shows that custody still holds the material of ${version.name}: ${copy.text}`;
    // Where runs kept custody, it can be reached; elsewhere nobody expects it.
    const asked = input.custodyWasHere ? level : note;
    return [asked('custody-not-asked', text, 'run `npx keyturn status` where custody can be reached')];
  }
  const other = otherCopy(record, copy);
  if (other !== undefined && other !== 'unnamed') return [copyDiffers(input, version, other, level)];
  if (key.state !== 'Enabled') return [];
  if (other === 'unnamed' && copy.is === 'there') return [copyUnnamed(input, version), ...opened(input, version, held)];
  return opened(input, version, held);
}

function opened(input: DriftInput, version: KeyVersion, held: CustodyOfVersion): DriftFinding[] {
  return [...recipientFindings(input, version, held), ...drillFindings(input, version, held)];
}

/** In place, a version whose material is not in the key yet has nothing to keep. */
function inMaterials({ materials }: DriftInput, { name }: KeyVersion): boolean {
  return materials === undefined || materials.versions.some((one) => one.version.name === name && one.material);
}

/** True for a version that an import would fill: from the active one on, without material. */
function isWaiting(input: DriftInput, { version, key }: ObservedVersion): boolean {
  const { rotation } = input;
  const from = rotation.keyVersions.findIndex(({ name }) => name === rotation.activeVersion);
  if (rotation.strategy === 'in-place') return !inMaterials(input, version) || isLostInWaiting(input, version);
  return key?.state === 'PendingImport' && rotation.keyVersions.indexOf(version) >= from;
}

/** True where KMS remembers material of a version, and takes no other for it. */
function hadMaterial(input: DriftInput, { version, key }: ObservedVersion): boolean {
  return input.rotation.strategy === 'in-place' ? inMaterials(input, version) : key?.currentKeyMaterialId !== undefined;
}

/** KMS remembers material that waited and was lost, and takes no other for that version. */
function isLostInWaiting({ materials }: DriftInput, { name }: KeyVersion): boolean {
  const material = materials?.versions.find((one) => one.version.name === name)?.material;
  return material !== undefined && !material.imported && material.state.startsWith('PENDING_');
}

/** Before its first import, only a copy that a run of this rotation made counts. */
function copyUnknown(input: DriftInput, { name }: KeyVersion, { copy }: CustodyOfVersion): DriftFinding[] {
  if (copy.binding !== undefined && input.madeCopies.has(`${name} ${copy.binding}`)) return [];
  const text = `${copy.text} holds a copy for ${name}, which waits for its first material, and no evidence here shows that a run of this rotation made it`;
  return [act('custody-copy-unknown', text, roomFor(input, name))];
}

/** KMS takes only the material that a key had, and custody has another or none. */
function isUnfillable(
  { rotation, refused }: DriftInput,
  { version, key }: ObservedVersion,
  held: CustodyOfVersion,
): boolean {
  if (rotation.strategy === 'in-place' || !key?.currentKeyMaterialId) return false;
  return refused.has(version.name) || (held.record === undefined && held.copy.is === 'gone');
}

const unfillable = ({ name }: KeyVersion): DriftFinding =>
  act(
    'custody-of-other-material',
    `the key of ${name} lost its material, KMS takes no other for it, and custody does not have it`,
    `bring the copy of whoever imported it, or remove ${name} from the rotation file`,
  );

/** Nothing is under a version that waits: it may be given up, where its copy is. */
function copyMissing(input: DriftInput, version: KeyVersion, { copy }: CustodyOfVersion): DriftFinding {
  const { name } = version;
  const text = `by its record, custody has material for ${name}, but no copy is at ${copy.text}; no other material is generated in its place`;
  const isFree = input.rotation.strategy === 'in-place' && !isLostInWaiting(input, version);
  const away = isFree ? `\`${roomFor(input, name)}\`` : `remove ${name} from the rotation file`;
  return act('custody-copy-missing', text, `restore the copy from a backup; without a backup: ${away}`);
}

function roomFor({ rotation, custody }: DriftInput, name: string): string {
  const directory = custody.directory ?? '';
  const away = `${directory}-of-deleted-keys`;
  return `mkdir -p ${away} && mv ${path.join(directory, `${rotation.name}-${name}.*`)} ${away}/`;
}

function isRetired({ verdicts }: DriftInput, { name }: KeyVersion): boolean {
  const verdict = verdicts.find((one) => one.version.name === name);
  return verdict !== undefined && isSettled(verdict) && isOff(verdict.key);
}

function otherKey(input: DriftInput, { name }: KeyVersion, { record }: CustodyOfVersion): DriftFinding {
  const before = record?.keyArn;
  const text = `custody of ${name} is of ${before}, which is not its key any more, and keeps new material out`;
  const makeRoom = roomFor(input, name);
  if (input.verdicts.some((one) => one.version.name === name && one.kind === 'unused'))
    return act('custody-other-key', text, makeRoom);
  const lost = `nothing under ${before} can be read unless that key comes back: restore its objects from a backup, and only then make room for new material: \`${makeRoom}\``;
  return act('custody-other-key', text, lost);
}

/** The material that KMS has for a version; undefined where it names none. */
function materialIn({ materials }: DriftInput, { version, key }: ObservedVersion): string | undefined {
  if (!materials) return key?.currentKeyMaterialId;
  return materials.versions.find((one) => one.version.name === version.name)?.material?.id;
}

/** The copy may be of either: a drill lets KMS compare. */
function recordOfOther(
  input: DriftInput,
  { name }: KeyVersion,
  recorded: string,
  inUse: string,
  level: typeof act,
): DriftFinding {
  const short = (id: string) => `${id.slice(0, 12)}…`;
  const text = `the custody record of ${name} is of material ${short(recorded)}, and KMS has ${short(inUse)}: nothing shows that custody holds it`;
  return level('custody-of-other-material', text, drillCommand(name, keeperIn(input, name)));
}

/** Whoever replaced a copy may have sealed other bytes, for anybody: a drill lets KMS compare, and seals nothing. */
function copyDiffers(input: DriftInput, { name }: KeyVersion, why: string, level: typeof act): DriftFinding {
  const text = `${why}; nothing shows what it holds, nor for whom`;
  return level('custody-copy-differs', text, drillCommand(name, keeperIn(input, name)));
}

function copyUnnamed(input: DriftInput, { name }: KeyVersion): DriftFinding {
  const text = `the custody record of ${name} is of an earlier version of Keyturn and names no copy: one that was replaced since would not be noticed`;
  return note('custody-copy-differs', text, drillCommand(name, keeperIn(input, name)));
}

function recordAbsent(
  input: DriftInput,
  { name, takeOver }: KeyVersion,
  copy: CustodyOfVersion['copy'],
  level: typeof act,
): DriftFinding {
  const isHere = copy.is === 'there';
  const kept = isHere ? 'nothing shows that the copy in custody is of it' : 'it may be kept by nobody but KMS';
  const text = `there is no custody record of ${name}: ${kept}`;
  if (isHere) return level('custody-record-absent', text, drillCommand(name, keeperIn(input, name)));
  const waiting = input.materials?.versions.find((one) => one.version.name === name)?.material;
  // KMS rotates to the waiting material before any other: another version is no way round it.
  const fix =
    waiting?.state === 'PENDING_ROTATION'
      ? `bring the copy of whoever imported it; without one, do not rotate to ${name}: the key goes on with the material that it encrypts with`
      : takeOver === undefined
        ? goOn(input, name)
        : bringMaterial(name, level === note);
  return level('custody-record-absent', text, fix);
}

/** Whoever made the material of a taken-over key may have kept it; KMS compares it, which needs a key that is on. */
function bringMaterial(name: string, isRetired: boolean): string {
  const adopt = `npx keyturn material adopt --version ${name} --material-file <file>`;
  return isRetired ? `nothing; or, for a way back to it, enable its key first: ${adopt}` : adopt;
}

/** KMS compared: a copy without a record was never imported, and every import stumbles over it. */
function otherMaterial(
  input: DriftInput,
  { name }: KeyVersion,
  { record, copy }: CustodyOfVersion,
  level: typeof act,
): DriftFinding {
  const text = `${copy.text} is not the material of ${name}, as KMS said`;
  if (!record) return level('custody-of-other-material', text, roomFor(input, name));
  const restored = `restore the right copy from a backup, and prove it: \`${drillCommand(name, keeperIn(input, name))}\``;
  return level('custody-of-other-material', text, `${restored}; without a backup: \`${goOn(input, name)}\``);
}

function lost(input: DriftInput, { name }: KeyVersion, { copy }: CustodyOfVersion, level: typeof act): DriftFinding {
  const text = `custody of ${name} is lost: no copy is at ${copy.text}, and nobody can bring the material back when it expires or is deleted`;
  const restored = `restore the copy from a backup, and prove it: \`${drillCommand(name, keeperIn(input, name))}\``;
  const waiting = input.materials?.versions.find((one) => one.version.name === name)?.material;
  // KMS holds one waiting material at a time, so it goes before another one comes.
  const without =
    waiting?.state === 'PENDING_ROTATION'
      ? `aws kms delete-imported-key-material --key-id ${input.materials?.key?.arn} --key-material-id ${waiting.id}`
      : goOn(input, name);
  return level('custody-lost', text, `${restored}; without a backup: \`${without}\``);
}

/** New material, in custody: the way on from a version that custody has lost. */
function goOn({ rotation, verdicts }: DriftInput, name: string): string {
  const isEarlier = verdicts.some((one) => one.version.name === name && one.superseded);
  return isEarlier ? 'npx keyturn post-apply' : nextProposal(rotation, name);
}

/** A copy is sealed once; who is named later cannot open it, and who is struck out still can. */
function recipientFindings(
  input: DriftInput,
  { name }: KeyVersion,
  { record, copy }: CustodyOfVersion,
): DriftFinding[] {
  const declared = input.rotation.custody.age?.recipients;
  if (record?.custody.kind !== 'age' || copy.is !== 'there' || declared === undefined) return [];
  const sealed = record.custody.recipients;
  const cannot = declared.filter((one) => !sealed.includes(one));
  const still = sealed.filter((one) => !declared.includes(one));
  if (cannot.length === 0 && still.length === 0) return [];
  // Of a copy that was replaced, a drill shows what it holds and not for whom.
  const isUnknown = sealed.length === 0;
  const who = [
    ...(isUnknown ? ['for whom the copy is sealed is not known'] : []),
    ...(!isUnknown && cannot.length > 0 ? [`${cannot.join(', ')} cannot open it`] : []),
    ...(still.length > 0 ? [`${still.join(', ')} still can`] : []),
  ];
  const text = `custody of ${name} is sealed for other recipients than the rotation file names: ${who.join('; ')}`;
  return [act('custody-recipients-differ', text, `${drillCommand(name, keeperIn(input, name))} --reseal`)];
}

/** A copy that nobody has opened counts from its import. */
function drillFindings(input: DriftInput, { name }: KeyVersion, held: CustodyOfVersion): DriftFinding[] {
  const { rotation, now, drilled } = input;
  const { record } = held;
  if (record === undefined || record.custody.kind === 'none' || held.copy.is !== 'there') return [];
  const fix = drillCommand(name, keeperIn(input, name));
  const imported = new Date(record.import.importedAt);
  const last = drilled.get(name);
  const limit = rotation.custody.drillEveryDays;
  if (last === undefined && limit !== undefined && !isPlausible(imported, now)) {
    const text = `custody of ${name} was never drilled, and its record dates the import ${imported.toISOString()}: a clock was wrong, so its age is not known`;
    return [act('drill-due', text, fix)];
  }
  const since = last && (last > imported || !isPlausible(imported, now)) ? last : imported;
  const days = Math.floor((now.getTime() - since.getTime()) / DAY);
  if (limit !== undefined && days >= limit) {
    const when = last ? `for ${days} days` : `since its import ${days} days ago`;
    return [
      act('drill-due', `custody of ${name} was not drilled ${when}; the rotation file asks for it every ${limit}`, fix),
    ];
  }
  if (last || record.custody.opened === true) return [];
  return [
    note('drill-due', `nobody has opened the copy of ${name} in custody yet: nothing shows that anybody can`, fix),
  ];
}

/** On a runner the folder never was here. Where it was, its loss is seen by nobody else. */
function absentFindings({ seen, custodyWasHere }: DriftInput, directory: string | undefined): DriftFinding[] {
  if (directory === undefined || !custodyWasHere) return [];
  const held = seen.versions.filter(({ version, key }) => version.keyArn === undefined && key?.state === 'Enabled');
  if (held.length === 0) return [];
  const names = held.map(({ version }) => version.name).join(', ');
  const text = `the custody folder ${directory} is gone: it held the copies or the records of ${names}`;
  return [act('custody-folder-gone', text, `restore ${directory} from a backup`)];
}
