/** Rules on what a rotation file takes over or imports because it exists already. */
import { shownText } from './faults';
import { keptStatements } from './kept-policy';
import {
  type Finding,
  list,
  mapping,
  repeated,
  textOf,
  type UnvalidatedFile,
  type UnvalidatedVersion,
} from './unvalidated-file';

export function adoptionRules(view: UnvalidatedFile): Finding[] {
  return [
    ...view.versions.flatMap((version) => [...takeOverRules(version, view), ...keptPolicyRules(version, view)]),
    ...importRules(view),
  ];
}

/** Terraform manages the key then, so it must be one that the stack could have made. */
function takeOverRules({ index, takeOver, keyArn }: UnvalidatedVersion, { file }: UnvalidatedFile): Finding[] {
  if (takeOver === undefined) return [];
  const at = ['keyVersions', index, 'takeOver'];
  if (keyArn !== undefined)
    return [
      {
        at,
        given: 'takeOver together with keyArn',
        allowed: 'one of the two: takeOver makes the key a version of ours, keyArn moves objects away from it',
        change: 'remove one of the two; docs/adopt.md compares them',
      },
    ];
  const [, , , region, owner] = takeOver.split(':');
  const found: Finding[] = [];
  if (textOf(file.region) !== undefined && region !== undefined && region !== file.region)
    found.push({
      at,
      given: `a key in ${shownText(region)}`,
      allowed: `a key in the rotation's region ${shownText(String(file.region))}`,
      change: 'correct the ARN or the region',
    });
  if (file.account !== undefined && owner !== undefined && String(file.account) !== owner)
    found.push({
      at,
      given: `a key of account ${shownText(owner)}`,
      allowed: `a key of the rotation's account ${shownText(String(file.account))}: Terraform manages it`,
      change: 'write keyArn instead, which moves the objects away from it',
    });
  return found;
}

/** The old policy is in the file, so that people review what stays, and the stack does not depend on what KMS says that day. */
function keptPolicyRules({ index, takeOver, keptPolicy }: UnvalidatedVersion, { file }: UnvalidatedFile): Finding[] {
  const at = ['keyVersions', index, 'keptPolicy'];
  const keep = mapping(file.keyPolicy).keep === true;
  if (keptPolicy === undefined)
    return keep && takeOver !== undefined
      ? [
          {
            at,
            given: 'nothing',
            allowed: 'the policy of the taken-over key, with keyPolicy.keep: true',
            change: 'let `npx keyturn adopt --take-over --keep-policy` write it, or remove keep',
          },
        ]
      : [];
  if (!keep || takeOver === undefined)
    return [
      {
        at,
        given: 'a policy that is not kept',
        allowed: 'only with takeOver, and keyPolicy.keep: true',
        change: 'remove keptPolicy, or write keep: true under keyPolicy',
      },
    ];
  if (keptStatements(keptPolicy) !== undefined) return [];
  return [
    {
      at,
      given: shownText(keptPolicy),
      allowed: 'a key policy in JSON, with Version 2012-10-17 and a list Statement; no Sid of Keyturn in it',
      change: 'copy it again: `aws kms get-key-policy --policy-name default --output text --key-id <key>`',
    },
  ];
}

function importRules({ file, versions }: UnvalidatedFile): Finding[] {
  const adopted = mapping(file.adopted);
  const ours = versions.flatMap(({ name, keyArn }) => (name === undefined || keyArn !== undefined ? [] : [name]));
  const buckets = list(file.buckets).flatMap((one) => textOf(mapping(one).name) ?? []);
  return [
    ...named(adopted, 'versionAliases', ours, 'a version of this file without keyArn'),
    ...named(adopted, 'buckets', buckets, 'a bucket of this file'),
  ];
}

/** Every entry is one of the declared names, and stands once. */
function named(
  adopted: ReturnType<typeof mapping>,
  field: 'versionAliases' | 'buckets',
  declared: readonly string[],
  what: string,
): Finding[] {
  const given = list(adopted[field]).map(textOf);
  const at = (index: number) => ['adopted', field, index];
  return [
    ...repeated(given, at, { allowed: 'each name once', change: 'remove one of the two' }),
    ...given.flatMap((name, index): Finding[] =>
      name === undefined || declared.includes(name)
        ? []
        : [{ at: at(index), given: shownText(name), allowed: what, change: 'correct the name, or remove the entry' }],
    ),
  ];
}
