/**
 * What several fields of a rotation file say together. The rules read the plain value, not the parsed one, so that
 * they speak even when the schema has found faults elsewhere: all faults come back together.
 */
import { nearest, shownText } from './faults';
import { type FieldPath, LIMITS, UTC_TIME } from './schema';
import type { FaultWords, YamlSource } from './yaml-source';

/** `refuse`: a version that could still need an import may not have expired. `accept`: expired versions are read too. */
export type ExpiredVersions = 'refuse' | 'accept';

export interface RuleOptions {
  readonly now: Date;
  readonly expired: ExpiredVersions;
}

/** Where a rule's fault belongs, and its words. */
interface Finding extends FaultWords {
  readonly at: FieldPath;
}

type Loose = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

interface LooseVersion {
  readonly index: number;
  readonly name: string | undefined;
  readonly validTo: string | undefined;
  readonly keyArn: string | undefined;
  readonly disabled: boolean;
}

interface LooseFile {
  readonly file: Loose;
  readonly versions: readonly LooseVersion[];
  /** Index of the active version; -1 when it is not declared. */
  readonly active: number;
}

function loose(value: unknown): LooseFile {
  const file = mapping(value);
  const versions = list(file.keyVersions).map((item, index) => {
    const version = mapping(item);
    return {
      index,
      name: textOf(version.name),
      validTo: textOf(version.materialValidTo),
      keyArn: textOf(version.keyArn),
      disabled: version.disabled === true,
    };
  });
  const wanted = textOf(file.activeVersion);
  return {
    file,
    versions,
    active: versions.findIndex((version) => version.name !== undefined && version.name === wanted),
  };
}

/** A fault for every value that stands earlier in the list too. */
function repeated(
  values: readonly (string | undefined)[],
  at: (index: number) => FieldPath,
  words: Omit<FaultWords, 'given'>,
): Finding[] {
  const seen = new Set<string>();
  return values.flatMap((value, index): Finding[] => {
    if (value === undefined) return [];
    if (seen.has(value)) return [{ at: at(index), given: `${shownText(value)} a second time`, ...words }];
    seen.add(value);
    return [];
  });
}

function versionRules({ versions, file }: LooseFile): Finding[] {
  const arns = versions.map((version) => version.keyArn);
  return [
    ...repeated(
      versions.map((version) => version.name),
      (index) => ['keyVersions', index, 'name'],
      {
        allowed: 'each name once',
        change: 'give the new version the next name; a name is never used again',
      },
    ),
    ...repeated(arns, (index) => ['keyVersions', index, 'keyArn'], {
      allowed: 'each key once',
      change: 'remove one of the two versions',
    }),
    ...versions.flatMap((version) => adoptedRules(version, textOf(file.region))),
  ];
}

function adoptedRules(version: LooseVersion, region: string | undefined): Finding[] {
  const { keyArn, index } = version;
  if (keyArn === undefined) return [];
  const found: Finding[] = [];
  if (version.validTo !== undefined)
    found.push({
      at: ['keyVersions', index, 'materialValidTo'],
      given: 'materialValidTo beside keyArn',
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

function activeRules({ file, versions, active }: LooseFile): Finding[] {
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
          ? `did you mean ${shownText(meant)}? else declare this version under keyVersions`
          : 'declare this version under keyVersions first',
      },
    ];
  }
  if (!versions[active]?.disabled) return [];
  return [
    {
      at: ['keyVersions', active, 'disabled'],
      given: 'true on the active version',
      allowed: 'false, or no such field, while this version is active',
      change: 'remove disabled, or move activeVersion to another version first',
    },
  ];
}

function expiryRules({ versions, active }: LooseFile, { now, expired }: RuleOptions): Finding[] {
  const latest = now.getTime() + LIMITS.materialDays * DAY;
  const allowed = () =>
    `after now (${seconds(now)}) and at most ${LIMITS.materialDays} days ahead (${seconds(new Date(latest))})`;
  const usable = (version: LooseVersion) =>
    !version.disabled && (version.validTo === undefined || new Date(version.validTo) > now);
  const successor = versions.some((version) => version.index > active && usable(version));
  return versions.flatMap((version): Finding[] => {
    const { validTo, index } = version;
    if (validTo === undefined || !UTC_TIME.test(validTo)) return [];
    const at = ['keyVersions', index, 'materialValidTo'];
    const given = shownText(validTo);
    const time = new Date(validTo);
    if (Number.isNaN(time.getTime()) || time.toISOString() !== validTo.replace('Z', '.000Z'))
      return [{ at, given, allowed: 'a time that exists', change: 'correct month, day or hour' }];
    if (time.getTime() > latest)
      return [
        {
          at,
          given,
          allowed: allowed(),
          change: 'choose a nearer time, or remove the field for material that does not expire',
        },
      ];
    // An expired version may stay once it is superseded, retired, or has a successor to move to: see docs/rotation-file.md.
    const mayStay = expired === 'accept' || version.disabled || index < active || (index === active && successor);
    if (time > now || mayStay) return [];
    const change =
      index === active
        ? 'write a later time and run pre-apply, which imports the same material again; or append a version to rotate away'
        : 'write a later time';
    return [{ at, given, allowed: allowed(), change }];
  });
}

const DAY = 86_400_000;

const seconds = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z');

function aliasRules({ file, versions }: LooseFile): Finding[] {
  const alias = textOf(file.alias);
  const longest = Math.max(0, ...versions.map((version) => version.name?.length ?? 0));
  const most = LIMITS.aliasLength - 1 - longest;
  if (alias === undefined || alias.length <= most) return [];
  return [
    {
      at: ['alias'],
      given: `${alias.length} characters`,
      allowed: `at most ${most}: KMS takes ${LIMITS.aliasLength}, and each version has <alias>/<version> too`,
      change: 'choose a shorter alias',
    },
  ];
}

function bucketRules({ file }: LooseFile): Finding[] {
  const buckets = list(file.buckets).map((item) => textOf(mapping(item).name));
  const declared = new Set(buckets);
  const also = list(mapping(file.retire).alsoVerify).map(textOf);
  return [
    ...repeated(buckets, (index) => ['buckets', index, 'name'], {
      allowed: 'each bucket once',
      change: 'remove one of the two',
    }),
    ...repeated(also, (index) => ['retire', 'alsoVerify', index], {
      allowed: 'each bucket once',
      change: 'remove one of the two',
    }),
    ...also.flatMap((name, index) =>
      name !== undefined && declared.has(name)
        ? [
            {
              at: ['retire', 'alsoVerify', index],
              given: `${shownText(name)}, which stands under buckets`,
              allowed: 'buckets that are not declared under buckets: those are always verified',
              change: 'remove it here',
            },
          ]
        : [],
    ),
  ];
}

function policyRules({ file }: LooseFile): Finding[] {
  return ['administrators', 'users', 'breakGlass'].flatMap((field) =>
    repeated(list(mapping(file.keyPolicy)[field]).map(textOf), (index) => ['keyPolicy', field, index], {
      allowed: 'each principal once: KMS hands a policy back without repetitions, and every plan would show a change',
      change: 'remove one of the two',
    }),
  );
}

/** Rotating in place is one key for good: whatever needs a second one, or moves objects, has no place beside it. */
function strategyRules({ file, versions }: LooseFile): Finding[] {
  if (file.strategy !== 'in-place') return [];
  const most = LIMITS.rotationsInPlace + 1;
  const found: Finding[] = versions.flatMap(({ index, keyArn, disabled }) => [
    ...(keyArn === undefined ? [] : [onlyNewKey(['keyVersions', index, 'keyArn'], 'an adopted key')]),
    ...(disabled ? [onlyNewKey(['keyVersions', index, 'disabled'], 'a retired version')] : []),
  ]);
  if (file.reencrypt !== undefined) found.push(onlyNewKey(['reencrypt'], 'a way to re-encrypt'));
  if (file.retire !== undefined) found.push(onlyNewKey(['retire'], 'a condition to retire'));
  if (versions.length > most)
    found.push({
      at: ['keyVersions'],
      given: `${versions.length} versions`,
      allowed: `at most ${most} with strategy: in-place: KMS rotates a key ${LIMITS.rotationsInPlace} times in its life`,
      change: 'begin another rotation with strategy: new-key, and move the objects to it',
    });
  return found;
}

const onlyNewKey = (at: FieldPath, given: string): Finding => ({
  at,
  given: `${given} with strategy: in-place`,
  allowed: 'only with strategy: new-key; in place there is one key, objects stay under it, and nothing retires',
  change: 'remove it, or choose strategy: new-key',
});

function expiryWarningRules({ file }: LooseFile): Finding[] {
  const expiry = mapping(file.expiry);
  const topic = textOf(expiry.alarmTopicArn);
  const days = list(expiry.warnDays).map((one) => (typeof one === 'number' ? String(one) : undefined));
  const found: Finding[] = repeated(days, (index) => ['expiry', 'warnDays', index], {
    allowed: 'each number of days once',
    change: 'remove one of the two',
  });
  const topicRegion = topic?.split(':')[3];
  if (topicRegion !== undefined && typeof file.region === 'string' && topicRegion !== file.region)
    found.push({
      at: ['expiry', 'alarmTopicArn'],
      given: `a topic in ${shownText(topicRegion)}`,
      allowed: `a topic in the rotation's region ${shownText(file.region)}: an alarm tells topics of its own Region only`,
      change: 'name a topic in that Region',
    });
  return found;
}

/** Recipients that a quantum computer does not open. */
const POST_QUANTUM = /^age1(?:pq|tagpq)1/;

function custodyRules({ file }: LooseFile): Finding[] {
  const custody = mapping(file.custody);
  const [first, ...more] = ['age', 'command', 'pkcs11'].filter((kind) => custody[kind] !== undefined);
  const found: Finding[] = more.map((kind) => ({
    at: ['custody', kind],
    given: `${kind} beside ${first}`,
    allowed: 'one custodian: there is one copy, and one place to look for it',
    change: 'remove one of the two',
  }));
  const recipients = list(mapping(custody.age).recipients).map(textOf);
  const classical = recipients.findIndex((one) => one !== undefined && !POST_QUANTUM.test(one));
  if (classical >= 0 && recipients.some((one) => one !== undefined && POST_QUANTUM.test(one)))
    found.push({
      at: ['custody', 'age', 'recipients', classical],
      given: 'a classical recipient beside post-quantum ones',
      allowed: 'recipients of one kind: whoever breaks the weaker one reads the copy',
      change: 'remove it, or remove the post-quantum ones (age1pq1…)',
    });
  return found;
}

function terraformRules({ file }: LooseFile): Finding[] {
  const terraform = mapping(file.terraform);
  const s3 = terraform.s3 !== undefined;
  if (terraform.backend === 's3' && !s3)
    return [
      {
        at: ['terraform', 's3'],
        given: 'nothing',
        allowed: 'a mapping with at least bucket',
        change: 'name the state bucket under terraform.s3.bucket',
      },
    ];
  if (s3 && (terraform.backend === undefined || terraform.backend === 'local'))
    return [
      {
        at: ['terraform', 's3'],
        given: 'an s3 backend that is not used',
        allowed: 's3 only with backend: s3',
        change: 'write backend: s3, or remove s3',
      },
    ];
  return [];
}

function tagRules({ file }: LooseFile): Finding[] {
  const count = Object.keys(mapping(file.tags)).length;
  if (count <= LIMITS.tags) return [];
  return [{ at: ['tags'], given: `${count} tags`, allowed: `at most ${LIMITS.tags}`, change: 'remove some tags' }];
}

/** Faults of the fields together; `value` is the plain value of `source`. */
export function ruleFaults(source: YamlSource, value: unknown, options: RuleOptions) {
  const view = loose(value);
  const findings = [
    ...versionRules(view),
    ...activeRules(view),
    ...expiryRules(view, options),
    ...aliasRules(view),
    ...bucketRules(view),
    ...policyRules(view),
    ...strategyRules(view),
    ...expiryWarningRules(view),
    ...custodyRules(view),
    ...terraformRules(view),
    ...tagRules(view),
  ];
  return findings.map(({ at, ...words }) => source.faultAt(at, words));
}
