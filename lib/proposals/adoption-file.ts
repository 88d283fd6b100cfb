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
    '',
  ].join('\n');
}

function versionLines({ name, key, way }: AdoptedVersion, { account, retire }: Adoption): readonly string[] {
  if (key === undefined) return [`  - name: ${name} # new: the keys stack creates it, pre-apply imports its material`];
  const found = `found ${key.state}, origin ${key.origin}${key.validTo ? `, material expires ${utc(key.validTo)}` : ''}`;
  if (way === 'over')
    return [
      `  - name: ${name} # ${found}`,
      `    takeOver: ${key.arn}`,
      ...(key.validTo === undefined ? [] : [`    materialValidTo: ${utc(key.validTo)}`]),
    ];
  const may = retire && key.arn.split(':')[4] === account;
  return [`  - name: ${name} # ${found}`, `    keyArn: ${key.arn}`, ...(may ? ['    retire: true'] : [])];
}

function bucketLines({ name, bucketKey }: FoundBucket): readonly string[] {
  return [
    `  - name: ${name}`,
    '    manage: encryption # Terraform owns its default encryption, and nothing else of it',
    ...(bucketKey ? [] : ['    bucketKey: false # as it was found; true saves requests to KMS']),
  ];
}

const utc = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z');
