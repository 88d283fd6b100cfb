/** Rules across the key versions of a rotation file and the active version. */
import { nearest, shownText } from './faults';
import { LIMITS, UTC_TIME } from './field-messages';
import { type Finding, repeated, textOf, type UnvalidatedFile, type UnvalidatedVersion } from './unvalidated-file';

/** `refuse`: a version that may still need an import must not be expired. `accept`: expired versions are allowed. */
export type ExpiredVersions = 'refuse' | 'accept';

export interface RuleOptions {
  readonly now: Date;
  readonly expired: ExpiredVersions;
}

export function versionRules({ versions, file }: UnvalidatedFile): Finding[] {
  const arns = versions.map((version) => version.keyArn ?? version.takeOver);
  return [
    ...repeated(
      versions.map((version) => version.name),
      (index) => ['keyVersions', index, 'name'],
      {
        allowed: 'each name once',
        change: 'give the new version the next name; names are never reused',
      },
    ),
    ...repeated(
      arns,
      (index) => ['keyVersions', index, versions[index]?.keyArn === undefined ? 'takeOver' : 'keyArn'],
      {
        allowed: 'each key once',
        change: 'remove one of the two versions',
      },
    ),
    ...versions.flatMap((version) => adoptedRules(version, textOf(file.region))),
    ...versions.flatMap((version) => retireRules(version, file.account)),
  ];
}

/** Only the account that owns a key can disable it. */
function retireRules({ index, retire, keyArn }: UnvalidatedVersion, account: unknown): Finding[] {
  if (!retire) return [];
  const at = ['keyVersions', index, 'retire'];
  if (keyArn === undefined)
    return [
      {
        at,
        given: 'retire: true without keyArn',
        allowed: 'only for an adopted key: Keyturn always retires the keys that the keys stack declares',
        change: 'remove retire',
      },
    ];
  const owner = keyArn.split(':')[4];
  if (account === undefined || owner === undefined || String(account) === owner) return [];
  return [
    {
      at,
      given: `retire: true for a key of account ${shownText(owner)}`,
      allowed: `only for a key of the rotation's account ${shownText(String(account))}: KMS lets no other account disable a key`,
      change: 'remove retire; `npx keyturn status` gives the owner of the key the verdict',
    },
  ];
}

function adoptedRules(version: UnvalidatedVersion, region: string | undefined): Finding[] {
  const { keyArn, index } = version;
  if (keyArn === undefined) return [];
  const found: Finding[] = [];
  if (version.validTo !== undefined)
    found.push({
      at: ['keyVersions', index, 'materialValidTo'],
      given: 'materialValidTo together with keyArn',
      allowed: 'one of the two: Keyturn never imports material into an adopted key',
      change: 'remove materialValidTo',
    });
  const keyRegion = keyArn.split(':')[3];
  if (region !== undefined && keyRegion !== undefined && keyRegion !== region)
    found.push({
      at: ['keyVersions', index, 'keyArn'],
      given: `a key in ${shownText(keyRegion)}`,
      allowed: `a key in the rotation's region ${shownText(region)}: S3 uses keys of the bucket's own Region only`,
      change: 'correct the ARN or the region',
    });
  return found;
}

export function activeRules({ file, versions, active }: UnvalidatedFile): Finding[] {
  const wanted = textOf(file.activeVersion);
  if (wanted === undefined) return [];
  const names = [...new Set(versions.flatMap((version) => version.name ?? []))];
  if (active < 0) {
    const meant = nearest(wanted, names);
    return [
      {
        at: ['activeVersion'],
        given: shownText(wanted),
        allowed: names.length > 0 ? `one of ${names.map(shownText).join(', ')}` : 'the name of a declared key version',
        change: meant
          ? `did you mean ${shownText(meant)}? otherwise declare this version under keyVersions`
          : 'declare this version under keyVersions first',
      },
    ];
  }
  if (!versions[active]?.disabled) return [];
  return [
    {
      at: ['keyVersions', active, 'disabled'],
      given: 'true on the active version',
      allowed: 'false or no such field while this version is active',
      change: 'remove disabled, or move activeVersion to another version first',
    },
  ];
}

export function expiryRules({ versions, active }: UnvalidatedFile, { now, expired }: RuleOptions): Finding[] {
  const latest = now.getTime() + LIMITS.materialDays * DAY;
  const allowed = () =>
    `after now (${seconds(now)}) and at most ${LIMITS.materialDays} days ahead (${seconds(new Date(latest))})`;
  const usable = (version: UnvalidatedVersion) =>
    !version.disabled && (version.validTo === undefined || new Date(version.validTo) > now);
  const successor = versions.some((version) => version.index > active && usable(version));
  return versions.flatMap((version): Finding[] => {
    const { validTo, index } = version;
    if (validTo === undefined || !UTC_TIME.test(validTo)) return [];
    const at = ['keyVersions', index, 'materialValidTo'];
    const given = shownText(validTo);
    const time = new Date(validTo);
    if (Number.isNaN(time.getTime()) || time.toISOString() !== validTo.replace('Z', '.000Z'))
      return [{ at, given, allowed: 'a valid time', change: 'correct month, day or hour' }];
    if (time.getTime() > latest)
      return [
        {
          at,
          given,
          allowed: allowed(),
          change: 'choose an earlier time, or remove the field if the material does not expire',
        },
      ];
    // An expired version may stay once it is superseded, retired, or has a successor to move to: see
    // docs/rotation-file.md.
    const mayStay = expired === 'accept' || version.disabled || index < active || (index === active && successor);
    if (time > now || mayStay) return [];
    const change =
      index === active
        ? 'write a later time and run `npx keyturn pre-apply`, which imports the same material again; or append a version and rotate to it'
        : version.name === undefined
          ? 'write a later time'
          : `run \`npx keyturn extend --version ${version.name} --valid-days 300 --identity <file>\`, which imports the same material again and writes its date`;
    return [{ at, given, allowed: allowed(), change }];
  });
}

const DAY = 86_400_000;

const seconds = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z');

export function aliasRules({ file, versions }: UnvalidatedFile): Finding[] {
  const alias = textOf(file.alias);
  const longest = Math.max(0, ...versions.map((version) => version.name?.length ?? 0));
  const most = LIMITS.aliasLength - 1 - longest;
  if (alias === undefined || alias.length <= most) return [];
  return [
    {
      at: ['alias'],
      given: `${alias.length} characters`,
      allowed: `at most ${most}: KMS allows ${LIMITS.aliasLength}, and each version also has the alias <alias>/<version>`,
      change: 'choose a shorter alias',
    },
  ];
}
