/** Rules of a rotation file for what IAM and KMS would refuse only at the apply. */
import { nearest, shownText } from './faults';
import type { FieldPath } from './field-messages';
import { KEY_SERVICES, keyService, SERVICE_PRINCIPAL } from './key-services';
import { partitionOf } from './partition';
import { type Finding, list, mapping, repeated, textOf, type UnvalidatedFile } from './unvalidated-file';

const PRINCIPAL_FIELDS = ['administrators', 'users', 'breakGlass'] as const;

export function principalRules({ file }: UnvalidatedFile): Finding[] {
  const policy = mapping(file.keyPolicy);
  const region = textOf(file.region);
  return [
    ...PRINCIPAL_FIELDS.flatMap((field) => {
      const named = list(policy[field]).map(textOf);
      const at = (index: number): FieldPath => ['keyPolicy', field, index];
      return [...repeated(named, at, REPEATED), ...foreignPartitions(named, at, region)];
    }),
    ...list(policy.services).flatMap((one, index) => serviceRules(mapping(one), index, region)),
    ...repeated(
      list(policy.services).map((one) => textOf(mapping(one).service)),
      (index) => ['keyPolicy', 'services', index, 'service'],
      { allowed: 'each service once', change: 'name all its sources in one entry' },
    ),
  ];
}

const REPEATED = {
  allowed: 'each principal once: KMS returns a policy without repetitions, so every plan would show a change',
  change: 'remove one of the two',
};

/** KMS refuses a policy with a principal of another partition. */
function foreignPartitions(
  arns: readonly (string | undefined)[],
  at: (index: number) => FieldPath,
  region: string | undefined,
): Finding[] {
  const own = region === undefined ? undefined : partitionOf(region);
  return arns.flatMap((arn, index): Finding[] => {
    const partition = arn?.startsWith('arn:') ? arn.split(':')[1] : undefined;
    if (own === undefined || partition === undefined || partition === own) return [];
    return [
      {
        at: at(index),
        given: `the partition ${shownText(partition)}`,
        allowed: `the partition of ${shownText(region ?? '')}, ${own}`,
        change: 'correct the ARN: principals of another partition cannot use these keys',
      },
    ];
  });
}

function serviceRules(entry: ReturnType<typeof mapping>, index: number, region: string | undefined): Finding[] {
  const service = textOf(entry.service);
  if (service === undefined || !SERVICE_PRINCIPAL.test(service)) return [];
  const at: FieldPath = ['keyPolicy', 'services', index];
  const arns = list(entry.sourceArns).map(textOf);
  const meant = Object.hasOwn(KEY_SERVICES, service) ? undefined : nearest(service, Object.keys(KEY_SERVICES));
  if (meant !== undefined)
    return [
      {
        at: [...at, 'service'],
        given: shownText(service),
        allowed: 'the principal of an AWS service that exists: KMS refuses any other',
        change: `did you mean ${shownText(meant)}?`,
      },
    ];
  const found = foreignPartitions(arns, (place) => [...at, 'sourceArns', place], region);
  if (keyService(service).conditions.includes('arn') && arns.length === 0)
    found.push({
      at: [...at, 'sourceArns'],
      given: 'no source',
      allowed: `at least one ARN: without one, ${shownText(service)} would use the key for everybody who asks it`,
      change: 'name what the service acts for under sourceArns',
    });
  return found;
}

/** IAM compares the keys of a role's tags without regard to case. KMS and S3 do not. */
export function roleTagRules({ file }: UnvalidatedFile): Finding[] {
  if (mapping(file.reencrypt).batch === undefined) return [];
  const seen = new Map<string, string>();
  const places = [
    { at: ['tags'], tags: mapping(file.tags) },
    { at: ['aws', 'defaultTags'], tags: mapping(mapping(file.aws).defaultTags) },
  ];
  const all = places.flatMap(({ at, tags }) => Object.keys(tags).map((key) => ({ key, at })));
  return all.flatMap(({ key, at }): Finding[] => {
    const earlier = seen.get(key.toLowerCase());
    seen.set(key.toLowerCase(), key);
    if (earlier === undefined) return [];
    return [
      {
        at: [...at, key],
        given: `${shownText(key)} beside ${shownText(earlier)}`,
        allowed: 'keys that differ by more than case: the role of the jobs has these tags, and IAM ignores case',
        change: 'remove one of the two',
      },
    ];
  });
}
