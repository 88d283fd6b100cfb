/** What `adopt` finds wrong, or worth a note, where a rotation file is there that people wrote. */
import { KeyturnError } from '../lib/errors';
import type { Adoptable, AdoptableKey } from '../lib/observation/adoptable';
import { type KeyVersion, type Rotation, versionAlias } from '../lib/rotation/rotation';
import { accessFrom } from './cli/access-options';
import { flag, type OptionValues, text, texts } from './cli/command';

/** The version that a key is, by its ARN or by a version alias that names it. */
const versionOf = (rotation: Rotation, { arn, aliases }: AdoptableKey): KeyVersion | undefined =>
  rotation.keyVersions.find(
    (one) => one.keyArn === arn || one.takeOver === arn || aliases.includes(versionAlias(rotation, one)),
  );

/**
 * Options that ask for something which a written file does not say. It is edited by people: an option that had no effect would
 * leave objects under a key that no version names.
 *
 * @throws KeyturnError `usage` with every such option, and what to write instead
 */
export function refuseUnwritten(options: OptionValues, { keys }: Adoptable, rotation: Rotation): void {
  const main = keys.at(-1);
  const version = main && versionOf(rotation, main);
  const recipients = rotation.custody.age?.recipients ?? [];
  const access = accessFrom(options);
  const unwritten: readonly (readonly [string, boolean])[] = [
    ['--take-over', flag(options, 'takeOver') && version?.takeOver === undefined],
    ['--move-away', flag(options, 'moveAway') && version?.keyArn === undefined],
    ['--retire', flag(options, 'retire') && version?.retire !== true],
    ['--keep-policy', flag(options, 'keepPolicy') && version?.keptPolicy === undefined],
    ['--no-new-version', options.newVersion === false && rotation.activeVersion !== version?.name],
    ['--key', keys.some((key) => texts(options, 'key')?.includes(key.arn) && !versionOf(rotation, key))],
    ['--recipient', (texts(options, 'recipient') ?? []).some((one) => !recipients.includes(one))],
    ['--name', (text(options, 'name') ?? rotation.name) !== rotation.name],
    ['--region', (text(options, 'region') ?? rotation.region) !== rotation.region],
    ['--profile', access?.profile !== undefined && access.profile !== rotation.aws?.profile],
    [
      '--assume-role',
      access?.assumeRole !== undefined && access.assumeRole.roleArn !== rotation.aws?.assumeRole?.roleArn,
    ],
  ];
  const names = unwritten.flatMap(([name, isUnwritten]) => (isUnwritten ? [name] : []));
  if (names.length === 0) return;
  const declare = main === undefined || version !== undefined ? '' : `, beginning with ${oldVersion(main, rotation)}`;
  throw new KeyturnError('usage', {
    problem: `the rotation file does not declare what ${names.join(', ')} ${names.length === 1 ? 'says' : 'say'}`,
    hint: `edit the file${declare}; or remove it, and run the same command again`,
  });
}

/** A line for the head of `keyVersions`: versions are listed in the order of succession. */
function oldVersion({ arn, origin }: AdoptableKey, { keyVersions }: Rotation): string {
  const name = keyVersions.some((one) => one.name === 'v0') ? 'old' : 'v0';
  return `"- { name: ${name}, ${origin === 'EXTERNAL' ? 'takeOver' : 'keyArn'}: ${JSON.stringify(arn)} }" at the head of keyVersions`;
}

/** Objects under a key that no version names would stay under it, and nothing would say so. */
export const undeclaredNotes = (rotation: Rotation, { keys }: Adoptable): readonly string[] =>
  keys
    .filter((key) => versionOf(rotation, key) === undefined)
    .map(
      (key) =>
        `no version of the rotation file is ${key.arn}, and objects under it would stay there: write ${oldVersion(key, rotation)}`,
    );

/** Settings that a bucket need not have cannot be imported, so the first apply overwrites them. */
export const ownedNotes = ({ buckets }: Rotation, found: Adoptable): readonly string[] =>
  buckets
    .filter(({ name, manage }) => manage === 'bucket' && found.buckets.some((one) => one.name === name))
    .map(
      ({ name }) =>
        `${name} exists, and manage: bucket replaces its bucket policy, public access block and ownership: compare them first (\`aws s3api get-bucket-policy --bucket ${name}\`), or write manage: encryption`,
    );
