/** From what AWS holds to a rotation file that adopts it. Pure: it reads and writes nothing. */
import { KeyturnError } from '../errors';
import { keptStatements } from '../rotation/kept-policy';
import type { AwsAccess } from '../rotation/settings';

/** `away`: objects move away from the key, which stays somebody else's. `over`: the key becomes a version of ours. */
export type AdoptionWay = 'away' | 'over';

/** A key as it was found. */
export interface FoundKey {
  readonly arn: string;
  readonly origin: string;
  readonly state: string;
  readonly validTo: Date | undefined;
  /** The keys of other Regions with its material; undefined for a key of one Region. */
  readonly relatedKeys?: readonly string[] | undefined;
  readonly aliases: readonly string[];
  readonly defaultOf: readonly string[];
  /** JSON; undefined: it may not be read. */
  readonly policy?: string | undefined;
}

export interface FoundBucket {
  readonly name: string;
  readonly algorithm: string;
  readonly bucketKey: boolean;
  readonly keyArn: string | undefined;
  readonly versioning: 'Enabled' | 'Suspended' | 'Off';
}

/** What was found, with the key of the alias last. */
export interface FoundToAdopt {
  readonly alias: string;
  readonly keys: readonly FoundKey[];
  readonly buckets: readonly FoundBucket[];
}

export interface AdoptionTerms {
  readonly name: string;
  readonly region: string;
  readonly account: string;
  readonly way: AdoptionWay;
  /** Move away: whether Keyturn may disable the emptied keys of the account. */
  readonly retire: boolean;
  /** False: the alias's key stays the active version, and no new one is declared. */
  readonly newVersion: boolean;
  readonly recipients: readonly string[];
  /** Take over: whether the statements of the key's own policy stay. Default false. */
  readonly keepPolicy?: boolean;
  /** Profile and role that reached the account; the file says so. Absent: the standard variables. */
  readonly access?: AwsAccess | undefined;
}

/** A version of the file to be. */
export interface AdoptedVersion {
  readonly name: string;
  /** The old key; absent for the new version. */
  readonly key: FoundKey | undefined;
  readonly way: AdoptionWay | undefined;
}

export interface Adoption extends AdoptionTerms {
  readonly alias: string;
  readonly versions: readonly AdoptedVersion[];
  readonly activeVersion: string;
  /** Versions whose alias exists and names their key already. */
  readonly versionAliases: readonly string[];
  readonly buckets: readonly FoundBucket[];
  /** What a person should know before this is merged, one sentence each. */
  readonly notes: readonly string[];
}

/** `legacy` for `alias/legacy`, in the letters that a rotation's name may have. */
export function nameFromAlias(alias: string): string {
  const plain = alias
    .replace(/^alias\//, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return plain.slice(0, 40).replace(/-+$/, '') || 'rotation';
}

/** Why a key cannot be taken over; undefined: it can. */
export function whyNotTakenOver({ arn, origin, state, relatedKeys }: FoundKey, account: string): string | undefined {
  if (origin !== 'EXTERNAL') return `its origin is ${origin}, and Keyturn declares external-origin keys`;
  if (arn.split(':')[4] !== account) return 'it belongs to another account';
  if (relatedKeys !== undefined) return 'it is a multi-Region key, and Keyturn declares keys of one Region';
  return state === 'Enabled' || state === 'Disabled' ? undefined : `it is ${state}`;
}

/**
 * The versions in the order of succession, oldest first. The alias's key goes the way that was chosen; every other old key is
 * moved away from.
 *
 * @param taken - the key that each existing version alias names
 * @throws KeyturnError `proposal-refused` where there is no bucket, the key cannot be taken over, or a version alias is somebody's
 */
export function adoption(found: FoundToAdopt, terms: AdoptionTerms, taken: ReadonlyMap<string, string>): Adoption {
  const main = found.keys.at(-1);
  if (!main || found.buckets.length === 0)
    throw refused(`no bucket names the key of ${found.alias} as its default`, 'name the buckets with --bucket');
  const whyNot = terms.way === 'over' ? whyNotTakenOver(main, terms.account) : undefined;
  if (whyNot !== undefined)
    throw refused(`${main.arn} cannot be taken over: ${whyNot}`, 'move away from it instead: --move-away');
  if (terms.keepPolicy && (main.policy === undefined || keptStatements(main.policy) === undefined))
    throw refused(
      `the policy of ${main.arn} cannot be kept: it may not be read, or its statements cannot stand beside Keyturn's`,
      'take the key over without --keep-policy, or correct its policy first',
    );
  const old = found.keys.map(
    (key, index): AdoptedVersion => ({
      name: `v${index + 1}`,
      key,
      way: key === main ? terms.way : 'away',
    }),
  );
  const versions = terms.newVersion ? [...old, { name: `v${old.length + 1}`, key: undefined, way: undefined }] : old;
  return {
    ...terms,
    alias: found.alias,
    versions,
    activeVersion: versions.at(-1)?.name ?? 'v1',
    versionAliases: ownAliases(found.alias, versions, taken),
    buckets: found.buckets,
    notes: notesOn(found, terms, main),
  };
}

function ownAliases(
  alias: string,
  versions: readonly AdoptedVersion[],
  taken: ReadonlyMap<string, string>,
): readonly string[] {
  return versions.flatMap(({ name, key, way }) => {
    const target = taken.get(`${alias}/${name}`);
    if (target === undefined || way === 'away') return [];
    if (way === 'over' && target === key?.arn) return [name];
    throw refused(
      `${alias}/${name} names ${target} already, and would be the alias of version ${name}`,
      `delete it if nothing uses it: \`aws kms delete-alias --alias-name ${alias}/${name}\``,
    );
  });
}

function notesOn(
  { keys, buckets }: FoundToAdopt,
  { account, way, retire, recipients, newVersion, keepPolicy }: AdoptionTerms,
  main: FoundKey,
): readonly string[] {
  const off = keys.filter(({ state }) => state !== 'Enabled');
  const foreign = keys.flatMap(({ arn, defaultOf }) => {
    const others = defaultOf.filter((name) => !buckets.some((one) => one.name === name));
    return others.map((name) => `bucket ${name} names ${arn} as its default too: cover it with --bucket ${name}`);
  });
  return [
    ...off.map(
      ({ arn, state }) =>
        `${arn} is ${state}: objects under it cannot be moved until it is Enabled${enabling(arn, state)}`,
    ),
    ...foreign,
    ...buckets.flatMap(bucketNotes),
    ...(way === 'over'
      ? [
          keepPolicy
            ? `the key policy of ${main.arn} stays, and Keyturn's statements are added: whoever could use the key outside S3 still can`
            : `the key policy of ${main.arn} is replaced by Keyturn's: read the plan of the keys stack before you apply it`,
          'custody does not hold the old material: `npx keyturn material adopt` puts it there if you have the file',
        ]
      : []),
    ...(way === 'away' && !retire
      ? ['Keyturn gives the verdict on the old key and leaves it enabled: --retire lets it disable the key']
      : []),
    ...(way === 'away' && retire && keys.some(({ arn }) => arn.split(':')[4] !== account)
      ? ['a key of another account stays enabled: only its owner can disable it']
      : []),
    ...(newVersion && recipients.length === 0
      ? ['no recipient is declared: `npx keyturn keygen` makes one, for custody.age.recipients']
      : []),
  ];
}

/** What enables a key, where a command or its owner does. */
function enabling(arn: string, state: string): string {
  const [enable, cancel] = [
    `\`aws kms enable-key --key-id ${arn}\``,
    `\`aws kms cancel-key-deletion --key-id ${arn}\``,
  ];
  if (state === 'Disabled') return ` (${enable})`;
  if (state === 'PendingDeletion') return ` (${cancel}, then ${enable})`;
  return state === 'PendingImport' ? ' (import the same material again: `aws kms import-key-material`)' : '';
}

function bucketNotes({ name, algorithm, keyArn, versioning }: FoundBucket): readonly string[] {
  return [
    ...(algorithm === 'aws:kms' && keyArn !== undefined
      ? []
      : [
          `the default of ${name} is ${algorithm === 'AES256' ? 'SSE-S3' : algorithm}, of no key that is adopted: its objects stay as they are unless reencrypt.from names their source`,
        ]),
    ...(versioning === 'Suspended'
      ? [`versioning of ${name} is suspended: its older versions are still there, and are moved too`]
      : []),
  ];
}

const refused = (problem: string, hint: string): KeyturnError =>
  new KeyturnError('proposal-refused', { problem, hint });
