/**
 * Rules across several fields of a rotation file. They read the plain value, not the parsed one, so that they run
 * even if the schema finds faults elsewhere: all faults are reported together.
 */
import { adoptionRules } from './adoption-rules';
import { shownText } from './faults';
import { type FieldPath, LIMITS } from './field-messages';
import { principalRules, roleTagRules } from './principal-rules';
import { isUsableConstraint, PROVIDER_CONSTRAINT } from './provider-version';
import { batchRules, bucketRules, sourceRules, supportBucketRules } from './storage-rules';
import { type Finding, list, mapping, repeated, textOf, type UnvalidatedFile, unvalidated } from './unvalidated-file';
import { activeRules, aliasRules, expiryRules, type RuleOptions, versionRules } from './version-rules';
import type { YamlSource } from './yaml-source';

export type { ExpiredVersions } from './version-rules';

/** A rotation in place has one key: it excludes everything that needs a second key or moves objects. */
function strategyRules({ file, versions }: UnvalidatedFile): Finding[] {
  if (file.strategy !== 'in-place') return [];
  const most = LIMITS.rotationsInPlace + 1;
  const found: Finding[] = versions.flatMap(({ index, keyArn, takeOver, disabled }) => [
    ...(takeOver === undefined || index === 0 ? [] : [onlyNewKey(['keyVersions', index, 'takeOver'], 'a second key')]),
    ...(keyArn === undefined ? [] : [onlyNewKey(['keyVersions', index, 'keyArn'], 'an adopted key')]),
    ...(disabled ? [onlyNewKey(['keyVersions', index, 'disabled'], 'a retired version')] : []),
  ]);
  if (file.reencrypt !== undefined) found.push(onlyNewKey(['reencrypt'], 'a way to re-encrypt'));
  if (file.retire !== undefined) found.push(onlyNewKey(['retire'], 'a condition to retire'));
  if (versions.length > most)
    found.push({
      at: ['keyVersions'],
      given: `${versions.length} versions`,
      allowed: `at most ${most} with strategy: in-place: KMS rotates a key at most ${LIMITS.rotationsInPlace} times`,
      change: 'start another rotation with strategy: new-key, and move the objects to its key',
    });
  return found;
}

const onlyNewKey = (at: FieldPath, given: string): Finding => ({
  at,
  given: `${given} with strategy: in-place`,
  allowed: 'only with strategy: new-key; in place, objects stay under the one key, and nothing is retired',
  change: 'remove it, or set strategy: new-key',
});

function expiryWarningRules({ file }: UnvalidatedFile): Finding[] {
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
      allowed: `a topic in the rotation's region ${shownText(file.region)}: an alarm notifies topics of its own Region only`,
      change: 'name a topic in that Region',
    });
  return found;
}

/** Post-quantum recipients. */
const POST_QUANTUM = /^age1(?:pq|tagpq)1/;

function custodyRules({ file }: UnvalidatedFile): Finding[] {
  const custody = mapping(file.custody);
  const [first, ...more] = ['age', 'command', 'pkcs11'].filter((kind) => custody[kind] !== undefined);
  const found: Finding[] = more.map((kind) => ({
    at: ['custody', kind],
    given: `${kind} in addition to ${first}`,
    allowed: 'one custodian: exactly one place holds the copy of the material',
    change: 'remove one of the two',
  }));
  const recipients = list(mapping(custody.age).recipients).map(textOf);
  const classical = recipients.findIndex((one) => one !== undefined && !POST_QUANTUM.test(one));
  if (classical >= 0 && recipients.some((one) => one !== undefined && POST_QUANTUM.test(one)))
    found.push({
      at: ['custody', 'age', 'recipients', classical],
      given: 'a classical recipient together with post-quantum ones',
      allowed: 'recipients of one kind: an attacker who breaks the weaker kind can decrypt the copy',
      change: 'remove it, or remove the post-quantum ones (age1pq1…)',
    });
  return found;
}

/** A constraint that admits a provider known to be bad, or one that nobody knows, would choose it at the next `init`. */
function providerRules({ file }: UnvalidatedFile): Finding[] {
  const wanted = mapping(file.terraform).awsProvider;
  if (typeof wanted !== 'string' || !PROVIDER_CONSTRAINT.test(wanted) || isUsableConstraint(wanted)) return [];
  return [
    {
      at: ['terraform', 'awsProvider'],
      given: shownText(wanted),
      allowed:
        'only versions from 5.100.0 to 6.21.x, or from 6.40.0 to 6.x: from 6.22.0 to 6.39.x the plan of a default encryption is never empty, and others are unknown',
      change: 'narrow it, for example to ">= 5.100.0, < 6.22.0" or ">= 6.40.0, < 7.0.0"',
    },
  ];
}

function terraformRules({ file }: UnvalidatedFile): Finding[] {
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

/** A new key must have its material before anything points at it, so that keys and the rest are applied apart. */
function ownStackRules({ file }: UnvalidatedFile): Finding[] {
  const { keys, storage } = mapping(mapping(file.terraform).stacks);
  const named = list(storage).map(textOf);
  const at = (index: number) => ['terraform', 'stacks', 'storage', index];
  return [
    ...repeated(named, at, { allowed: 'each stack once', change: 'remove one of the two' }),
    ...named.flatMap((name, index): Finding[] =>
      name === undefined || name !== keys
        ? []
        : [
            {
              at: at(index),
              given: `${shownText(name)}, which holds the keys`,
              allowed: 'another stack than terraform.stacks.keys: a new key needs its material before the switch',
              change: 'put RotatedAlias and RotatedBucket into another stack',
            },
          ],
    ),
  ];
}

function tagRules({ file }: UnvalidatedFile): Finding[] {
  const defaults = Object.keys(mapping(mapping(file.aws).defaultTags));
  const names = Object.keys(mapping(file.tags));
  const twice = names.filter((name) => defaults.includes(name));
  if (twice.length > 0)
    return twice.map((name) => ({
      at: ['aws', 'defaultTags', name],
      given: `${shownText(name)}, which is under tags too`,
      allowed: 'each tag once, under tags or under aws.defaultTags',
      change: 'remove one of the two',
    }));
  const count = names.length + defaults.length;
  if (count <= LIMITS.tags) return [];
  return [{ at: ['tags'], given: `${count} tags`, allowed: `at most ${LIMITS.tags}`, change: 'remove some tags' }];
}

/** Faults of the fields together; `value` is the plain value of `source`. */
export function ruleFaults(source: YamlSource, value: unknown, options: RuleOptions) {
  const view = unvalidated(value);
  const findings = [
    ...versionRules(view),
    ...adoptionRules(view),
    ...activeRules(view),
    ...expiryRules(view, options),
    ...aliasRules(view),
    ...bucketRules(view),
    ...principalRules(view),
    ...batchRules(view),
    ...sourceRules(view),
    ...supportBucketRules(view),
    ...strategyRules(view),
    ...expiryWarningRules(view),
    ...custodyRules(view),
    ...providerRules(view),
    ...terraformRules(view),
    ...ownStackRules(view),
    ...tagRules(view),
    ...roleTagRules(view),
  ];
  return findings.map(({ at, ...words }) => source.faultAt(at, words));
}
