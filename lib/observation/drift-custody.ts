/** Whether custody still holds what the keys need, and how long ago anybody proved it. */
import path from 'node:path';
import type { KeyVersion } from '../rotation/rotation';
import { act, DAY, type DriftFinding, type DriftInput, nextProposal, note } from './drift-finding';
import { drillCommand } from './key-remedy';
import type { ObservedVersion } from './observe';
import type { CustodyOfVersion } from './observed-custody';
import { isSettled } from './version-verdicts';

/** Findings about custody; of a folder that is not here only that. */
export function custodyFindings(input: DriftInput): DriftFinding[] {
  const { custody } = input;
  if (!custody.here) return absentFindings(input, custody.directory);
  return input.seen.versions.flatMap((one) => {
    const held = custody.versions.get(one.version.name);
    return held && hasMaterial(one) ? versionFindings(input, one, held) : [];
  });
}

/** Of a key that waits or is gone, other findings tell. */
const hasMaterial = ({ key }: ObservedVersion): boolean => key?.origin === 'EXTERNAL';

function versionFindings(input: DriftInput, observed: ObservedVersion, held: CustodyOfVersion): DriftFinding[] {
  const { version, key } = observed;
  const { record, copy } = held;
  if (key && record && record.keyArn !== key.arn) return [otherKey(input, version, held)];
  if (!key || !['Enabled', 'Disabled'].includes(key.state) || !inMaterials(input, version)) return [];
  // A retired version needs custody for a rollback alone.
  const level = isRetired(input, version) ? note : act;
  if (!record) return [recordAbsent(input, version, copy, level)];
  if (copy.is === 'gone') return [lost(input, version, held, level)];
  if (copy.is === 'unknown') {
    const text = `nothing shows that custody still holds the material of ${version.name}: ${copy.text}`;
    return [note('custody-not-asked', text, 'run `npx keyturn status` where custody can be reached')];
  }
  if (key.state !== 'Enabled') return [];
  return [...recipientFindings(input, version, held), ...drillFindings(input, version, held)];
}

/** In place, a version whose material is not in the key yet has nothing to keep. */
function inMaterials({ materials }: DriftInput, { name }: KeyVersion): boolean {
  return materials === undefined || materials.versions.some((one) => one.version.name === name && one.material);
}

function isRetired({ verdicts }: DriftInput, { name }: KeyVersion): boolean {
  const verdict = verdicts.find((one) => one.version.name === name);
  return verdict !== undefined && isSettled(verdict) && verdict.key?.state !== 'Enabled';
}

function otherKey(
  { rotation, custody, verdicts }: DriftInput,
  { name }: KeyVersion,
  { record }: CustodyOfVersion,
): DriftFinding {
  const before = record?.keyArn;
  const text = `custody of ${name} is of ${before}, which is not its key any more, and keeps new material out`;
  const directory = custody.directory ?? '';
  const away = `${directory}-of-deleted-keys`;
  const files = path.join(directory, `${rotation.name}-${name}.*`);
  const makeRoom = `mkdir -p ${away} && mv ${files} ${away}/`;
  if (verdicts.some((one) => one.version.name === name && one.kind === 'unused'))
    return act('custody-other-key', text, makeRoom);
  const lost = `nothing under ${before} can be read unless that key comes back: restore its objects from a backup, and only then make room for new material: \`${makeRoom}\``;
  return act('custody-other-key', text, lost);
}

function recordAbsent(
  input: DriftInput,
  { name }: KeyVersion,
  copy: CustodyOfVersion['copy'],
  level: typeof act,
): DriftFinding {
  const isHere = copy.is === 'there' && !input.refused.has(name);
  const kept = isHere
    ? 'nothing shows that the copy in custody is of it'
    : copy.is === 'there'
      ? 'the copy in custody is of other material, as KMS said'
      : 'it may be kept by nobody but KMS';
  const text = `there is no custody record of ${name}: ${kept}`;
  return level('custody-record-absent', text, isHere ? drillCommand(name, input.rotation.custody) : goOn(input, name));
}

function lost(input: DriftInput, { name }: KeyVersion, { copy }: CustodyOfVersion, level: typeof act): DriftFinding {
  const text = `custody of ${name} is lost: no copy is at ${copy.text}, and nobody can bring the material back when it expires or is deleted`;
  const restored = `restore the copy from a backup, and prove it: \`${drillCommand(name, input.rotation.custody)}\``;
  return level('custody-lost', text, `${restored}; without a backup: \`${goOn(input, name)}\``);
}

/** New material, in custody: the way on from a version that custody has lost. */
function goOn({ rotation, verdicts }: DriftInput, name: string): string {
  const isEarlier = verdicts.some((one) => one.version.name === name && one.superseded);
  return isEarlier ? 'npx keyturn post-apply' : nextProposal(rotation);
}

/** A copy is sealed once; who is named later cannot open it, and who is struck out still can. */
function recipientFindings(
  { rotation }: DriftInput,
  { name }: KeyVersion,
  { record, copy }: CustodyOfVersion,
): DriftFinding[] {
  const declared = rotation.custody.age?.recipients;
  if (record?.custody.kind !== 'age' || copy.is !== 'there' || declared === undefined) return [];
  const sealed = record.custody.recipients;
  const cannot = declared.filter((one) => !sealed.includes(one));
  const still = sealed.filter((one) => !declared.includes(one));
  if (cannot.length === 0 && still.length === 0) return [];
  const who = [
    ...(cannot.length > 0 ? [`${cannot.join(', ')} cannot open it`] : []),
    ...(still.length > 0 ? [`${still.join(', ')} still can`] : []),
  ];
  const text = `custody of ${name} is sealed for other recipients than the rotation file names: ${who.join('; ')}`;
  return [act('custody-recipients-differ', text, `${drillCommand(name, rotation.custody)} --reseal`)];
}

/** A copy that nobody has opened counts from its import. */
function drillFindings(
  { rotation, now, drilled }: DriftInput,
  { name }: KeyVersion,
  held: CustodyOfVersion,
): DriftFinding[] {
  const { record } = held;
  if (record === undefined || record.custody.kind === 'none' || held.copy.is !== 'there') return [];
  const fix = drillCommand(name, rotation.custody);
  const imported = new Date(record.import.importedAt);
  const last = drilled.get(name);
  const since = last && last > imported ? last : imported;
  const days = Math.floor((now.getTime() - since.getTime()) / DAY);
  const limit = rotation.custody.drillEveryDays;
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
