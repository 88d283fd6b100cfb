import type { AwsAccess } from '../rotation/settings';
import type { AdoptedVersion, Adoption, FoundBucket } from './adoption';

/** The text of a new rotation file, with comments that say what each part rests on. */
export function adoptionFile(adopted: Adoption): string {
  const { name, region, account, alias, versions, activeVersion, buckets, recipients } = adopted;
  return [
    '# Written by `npx keyturn adopt`. docs/rotation-file.md lists every field.',
    `name: ${name} # names the two stacks, ${name}-keys and ${name}-storage; never change it`,
    `region: ${region}`,
    `account: "${account}"`,
    `alias: ${alias}`,
    'keyVersions: # in the order of succession; append one to rotate again',
    ...versions.flatMap((version) => versionLines(version, adopted)),
    `activeVersion: ${activeVersion} # the alias and the bucket defaults point at it`,
    'buckets:',
    ...buckets.flatMap(bucketLines),
    ...(adopted.keepPolicy
      ? ['keyPolicy:', '  keep: true # the taken-over key keeps its statements, and gets those of Keyturn besides']
      : []),
    'adopted: # exists since before Keyturn: the stacks import it, so that nothing is created twice',
    '  alias: true',
    ...(adopted.versionAliases.length > 0 ? [`  versionAliases: [${adopted.versionAliases.join(', ')}]`] : []),
    `  buckets: [${buckets.map((one) => one.name).join(', ')}]`,
    ...(recipients.length > 0
      ? [
          'custody: # who can open the copy of the new key material',
          '  age:',
          `    recipients: [${recipients.join(', ')}]`,
        ]
      : ['# custody: { age: { recipients: [age1…] } } # as `npx keyturn keygen` prints it']),
    ...accessLines(adopted.access),
    '',
  ].join('\n');
}

function versionLines(
  { name, key, way }: AdoptedVersion,
  { account, retire, keepPolicy }: Adoption,
): readonly string[] {
  if (key === undefined) return [`  - name: ${name} # new: the keys stack creates it, pre-apply imports its material`];
  const found = `found ${key.state}, origin ${key.origin}${key.validTo ? `, material expires ${utc(key.validTo)}` : ''}`;
  if (way === 'over')
    return [
      `  - name: ${name} # ${found}`,
      `    takeOver: ${key.arn}`,
      ...(key.validTo === undefined ? [] : [`    materialValidTo: ${utc(key.validTo)}`]),
      ...(keepPolicy && key.policy !== undefined ? keptLines(key.policy) : []),
    ];
  const may = retire && key.arn.split(':')[4] === account;
  return [`  - name: ${name} # ${found}`, `    keyArn: ${key.arn}`, ...(may ? ['    retire: true'] : [])];
}

/** Pretty, so that its statements can be reviewed line by line. */
function keptLines(policy: string): readonly string[] {
  const lines = JSON.stringify(JSON.parse(policy), null, 2).split('\n');
  return ['    keptPolicy: | # the policy that the key had', ...lines.map((line) => `      ${line}`)];
}

function bucketLines({ name, bucketKey }: FoundBucket): readonly string[] {
  return [
    `  - name: ${name}`,
    '    manage: encryption # Terraform owns its default encryption, and nothing else of it',
    ...(bucketKey ? [] : ['    bucketKey: false # as it was found; true saves requests to KMS']),
  ];
}

function accessLines(access: AwsAccess | undefined): readonly string[] {
  if (access === undefined) return [];
  const { profile, assumeRole } = access;
  return [
    'aws: # how Terraform and Keyturn reach the account',
    ...(profile === undefined ? [] : [`  profile: ${JSON.stringify(profile)}`]),
    ...(assumeRole === undefined ? [] : ['  assumeRole:', `    roleArn: ${JSON.stringify(assumeRole.roleArn)}`]),
    ...(assumeRole?.externalId === undefined ? [] : [`    externalId: ${JSON.stringify(assumeRole.externalId)}`]),
  ];
}

const utc = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z');
