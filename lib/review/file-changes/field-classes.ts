/** `free`: needs nobody beside the usual approval. `decide`: a person decides. `refused`: only a waiver of an earlier change allows it. */
export type FieldVerdict = 'free' | 'decide' | 'refused';

/** What was done to a field: a value set or changed; an entry of a list added or removed. */
export type ChangeKind = 'changed' | 'added' | 'removed';

/** The class of one change of one field of the rotation file. */
export interface FieldClass {
  /** `keyVersions[].keyArn`; `[]` is any entry. */
  readonly field: string;
  /** Absent: all three. */
  readonly kind?: ChangeKind;
  /** A more exact case of the change; the first row that applies counts. */
  readonly when?:
    | 'forward'
    | 'backward'
    | 'with keyArn'
    | 'with takeOver'
    | 'with custodyWaiver'
    | 'to true'
    | 'to false'
    | 'confirmed'
    | 'as declared'
    | 'less'
    | 'more';
  readonly verdict: FieldVerdict;
  /** One sentence. */
  readonly why: string;
}

const READS = 'It decides who can read the new key material, or runs code with it.';
const STATE = 'With another state, Terraform does not see what exists.';
const PROOF = 'Evidence would be kept elsewhere, for a shorter time, or not at all.';
const TAKES = 'Terraform takes over what somebody else made.';
const KEEPS = 'What the state holds already stays in it.';
const ACTS_AS = 'Terraform and Keyturn act as somebody else.';
const OTHERS = 'Stacks that Keyturn does not plan hold the keys and the alias.';
const JOBS = 'Jobs run in the account with a role of their own, and cost money.';

/** Every field of the rotation file, and of its binding. The table of docs/plan-review.md is generated from it. */
export const FIELD_CLASSES: readonly FieldClass[] = [
  { field: 'name', verdict: 'refused', why: 'Another name is another rotation, with new stacks, keys and state.' },
  { field: 'region', verdict: 'refused', why: 'Neither keys nor buckets move to another Region.' },
  { field: 'account', verdict: 'decide', why: 'Terraform refuses credentials of every other account.' },
  { field: 'alias', verdict: 'decide', why: 'Whoever writes through the old alias goes on under the old key.' },
  { field: 'strategy', verdict: 'refused', why: 'The versions so far are either keys or material of one key.' },
  {
    field: 'keyVersions[]',
    kind: 'added',
    when: 'with keyArn',
    verdict: 'decide',
    why: 'Keyturn does not know who holds the material of an adopted key.',
  },
  {
    field: 'keyVersions[]',
    kind: 'added',
    when: 'with takeOver',
    verdict: 'decide',
    why: 'Terraform takes over a key that exists, and replaces its policy and tags.',
  },
  {
    field: 'keyVersions[]',
    kind: 'added',
    when: 'with custodyWaiver',
    verdict: 'decide',
    why: 'It is used although nothing proves that custody holds its material.',
  },
  { field: 'keyVersions[]', kind: 'added', verdict: 'free', why: 'A new version starts a rotation.' },
  {
    field: 'keyVersions[]',
    kind: 'removed',
    verdict: 'refused',
    why: 'Objects may still be under it; a retired version stays in the file, with disabled: true.',
  },
  { field: 'keyVersions[]', verdict: 'refused', why: 'Their order is the order of succession.' },
  { field: 'keyVersions[].name', verdict: 'refused', why: 'A renamed version is another key.' },
  { field: 'keyVersions[].keyArn', verdict: 'refused', why: 'One version stands for one key.' },
  {
    field: 'keyVersions[].keptPolicy',
    verdict: 'decide',
    why: 'It decides who can use the taken-over key, besides Keyturn.',
  },
  { field: 'keyVersions[].takeOver', verdict: 'refused', why: 'One version stands for one key.' },
  {
    field: 'keyVersions[].custodyWaiver',
    verdict: 'decide',
    why: 'The version is used although nothing proves that custody holds its material.',
  },
  { field: 'keyVersions[].retire', verdict: 'decide', why: 'Keyturn may disable a key that it does not own.' },
  { field: 'keyVersions[].materialValidTo', verdict: 'decide', why: 'KMS deletes the material at that time.' },
  {
    field: 'keyVersions[].disabled',
    when: 'to true',
    verdict: 'free',
    why: 'The keys stack accepts it only for a key that is disabled already.',
  },
  { field: 'keyVersions[].disabled', verdict: 'decide', why: 'A retired key is enabled again.' },
  { field: 'activeVersion', when: 'forward', verdict: 'free', why: 'The switch of a rotation.' },
  {
    field: 'activeVersion',
    verdict: 'decide',
    why: 'New objects would be under an earlier version; right only in a rollback, which --rollback declares.',
  },
  {
    field: 'binding[]',
    kind: 'added',
    when: 'confirmed',
    verdict: 'free',
    why: 'The state of the keys stack shows the same key.',
  },
  {
    field: 'binding[]',
    kind: 'added',
    verdict: 'decide',
    why: 'Nothing but this change says which key that is; the plan of the keys stack would show it.',
  },
  {
    field: 'binding[]',
    kind: 'removed',
    verdict: 'refused',
    why: 'Then an alias alone decides which key the version is.',
  },
  { field: 'binding[]', verdict: 'refused', why: 'It is in the order of the versions.' },
  { field: 'binding[].name', verdict: 'refused', why: 'One version stands for one key.' },
  { field: 'binding[].keyArn', verdict: 'refused', why: 'One version stands for one key.' },
  { field: 'binding[].keyMaterialId', verdict: 'refused', why: 'A version keeps its material for life.' },
  {
    field: 'binding[].materialValidTo',
    when: 'as declared',
    verdict: 'free',
    why: 'The rotation file declares the same date.',
  },
  {
    field: 'binding[].materialValidTo',
    verdict: 'decide',
    why: 'KMS deletes the material at another time than the rotation file declares.',
  },
  { field: 'binding[].recipients', verdict: 'decide', why: 'They can open the copy of the material in custody.' },
  {
    field: 'binding[].custodyRecordSha256',
    verdict: 'decide',
    why: 'The custody record was written again, as an import with another date does.',
  },
  {
    field: 'buckets[]',
    kind: 'added',
    verdict: 'decide',
    why: 'The rotation creates it, or replaces its default encryption.',
  },
  { field: 'buckets[]', kind: 'removed', verdict: 'decide', why: 'Its objects are not covered any more.' },
  { field: 'buckets[]', verdict: 'free', why: 'Their order has no meaning.' },
  { field: 'buckets[].name', verdict: 'decide', why: 'It is another bucket.' },
  { field: 'buckets[].manage', verdict: 'decide', why: 'Terraform owns more of the bucket, or less.' },
  {
    field: 'buckets[].bucketKey',
    verdict: 'decide',
    why: 'It decides how many requests KMS gets, and what CloudTrail shows.',
  },
  {
    field: 'buckets[].pinWriters',
    verdict: 'decide',
    why: 'It decides whether a writer may name another key than the active one.',
  },
  { field: 'adopted.alias', when: 'to true', verdict: 'decide', why: TAKES },
  { field: 'adopted.alias', verdict: 'free', why: KEEPS },
  { field: 'adopted.versionAliases', kind: 'added', verdict: 'decide', why: TAKES },
  { field: 'adopted.versionAliases', verdict: 'free', why: KEEPS },
  { field: 'adopted.buckets', kind: 'added', verdict: 'decide', why: TAKES },
  { field: 'adopted.buckets', verdict: 'free', why: KEEPS },
  {
    field: 'keyPolicy.keep',
    verdict: 'decide',
    why: 'Whoever could use or administer a taken-over key still can, or no longer can.',
  },
  { field: 'keyPolicy.administrators', verdict: 'decide', why: 'They can change the key policy.' },
  { field: 'keyPolicy.users', verdict: 'decide', why: 'They can read the objects.' },
  { field: 'keyPolicy.breakGlass', verdict: 'decide', why: 'They can delete a key or its material.' },
  { field: 'keyPolicy.services[]', verdict: 'decide', why: 'The service can read or write the objects.' },
  {
    field: 'keyPolicy.services[].service',
    verdict: 'decide',
    why: 'Another service can read or write the objects.',
  },
  {
    field: 'keyPolicy.services[].sourceArns',
    verdict: 'decide',
    why: 'The service can use the key for something else.',
  },
  {
    field: 'keyPolicy.services[].sourceAccounts',
    verdict: 'decide',
    why: 'The service can use the key for another account.',
  },
  { field: 'expiry.alarmTopicArn', verdict: 'decide', why: 'Nobody may be warned before material expires.' },
  { field: 'expiry.warnDays', verdict: 'decide', why: 'A warning may come later, or not at all.' },
  { field: 'deletionWindowDays', when: 'more', verdict: 'free', why: 'A deletion can be cancelled for longer.' },
  { field: 'deletionWindowDays', verdict: 'decide', why: 'A deletion can be cancelled for a shorter time.' },
  { field: 'rotateEveryDays', verdict: 'decide', why: 'It is the longest time that a key is in use.' },
  { field: 'tags', verdict: 'free', why: 'They change no permission of the rotation itself.' },
  { field: 'custody.age.recipients', verdict: 'decide', why: READS },
  { field: 'custody.age.directory', verdict: 'decide', why: 'It is where the copies of the material are.' },
  { field: 'custody.command.run', verdict: 'decide', why: READS },
  { field: 'custody.command.directory', verdict: 'decide', why: 'It is where the custody records are.' },
  { field: 'custody.command.timeoutSeconds', verdict: 'free', why: 'A slow program fails sooner or later.' },
  { field: 'custody.pkcs11.module', verdict: 'decide', why: READS },
  { field: 'custody.pkcs11.token', verdict: 'decide', why: READS },
  { field: 'custody.pkcs11.pinFile', verdict: 'decide', why: READS },
  { field: 'custody.pkcs11.directory', verdict: 'decide', why: 'It is where the custody records are.' },
  { field: 'custody.drillEveryDays', verdict: 'decide', why: 'It is the longest time that nobody proves custody.' },
  { field: 'reencrypt.method', verdict: 'decide', why: 'A rewrite copies every object and costs accordingly.' },
  {
    field: 'reencrypt.from',
    kind: 'removed',
    verdict: 'decide',
    why: 'Objects under that key are not moved any more.',
  },
  { field: 'reencrypt.from', verdict: 'decide', why: 'Objects of other keys are moved under the active version.' },
  { field: 'reencrypt.engine', verdict: 'decide', why: JOBS },
  { field: 'reencrypt.batch.bucket', verdict: 'decide', why: JOBS },
  { field: 'reencrypt.batch.manage', verdict: 'decide', why: 'Terraform owns the bucket, or nobody does.' },
  { field: 'reencrypt.batch.fromVersions', verdict: 'free', why: 'It only chooses between two engines.' },
  { field: 'reencrypt.batch.manifest', verdict: 'free', why: 'It only decides who lists the objects.' },
  { field: 'reencrypt.batch.verify', verdict: 'decide', why: 'It decides what the verification looks at itself.' },
  { field: 'reencrypt.batch.priority', verdict: 'free', why: 'It only orders the jobs.' },
  { field: 'reencrypt.batch.noConcurrentWrites', verdict: 'decide', why: 'If it is not true, a write may be lost.' },
  { field: 'retire.unusedForDays', when: 'more', verdict: 'free', why: 'A key stays usable for longer.' },
  { field: 'retire.unusedForDays', verdict: 'decide', why: 'A key that something still uses may be disabled sooner.' },
  {
    field: 'retire.rehearseAs',
    verdict: 'decide',
    why: 'It decides as whom the disable is rehearsed, or that it is not.',
  },
  { field: 'retire.waivers', kind: 'removed', verdict: 'free', why: 'The gate refuses more.' },
  { field: 'retire.waivers', verdict: 'decide', why: 'The gate sets a reason aside to keep the old key enabled.' },
  { field: 'retire.verifyOnlyBuckets', kind: 'added', verdict: 'free', why: 'The gate looks at more.' },
  { field: 'retire.verifyOnlyBuckets', verdict: 'decide', why: 'A key may retire while that bucket needs it.' },
  { field: 'access.days', when: 'more', verdict: 'free', why: 'A use of the old key counts for longer.' },
  { field: 'access.days', verdict: 'decide', why: 'An older use of the old key does not stop a switch any more.' },
  { field: 'access.waivers', kind: 'removed', verdict: 'free', why: 'A switch is refused more often.' },
  { field: 'access.waivers', verdict: 'decide', why: 'Somebody who used the old key loses access.' },
  { field: 'evidence.bucket.name', verdict: 'decide', why: PROOF },
  { field: 'evidence.bucket.retention.mode', verdict: 'decide', why: PROOF },
  { field: 'evidence.bucket.retention.days', when: 'more', verdict: 'free', why: 'Evidence is locked for longer.' },
  { field: 'evidence.bucket.retention.days', verdict: 'decide', why: PROOF },
  { field: 'evidence.signer', verdict: 'decide', why: 'Who trusts the signatures must know the new key.' },
  { field: 'review.waivers', kind: 'removed', verdict: 'free', why: 'The review refuses more.' },
  {
    field: 'review.waivers',
    verdict: 'decide',
    why: 'It counts from the next change on, never for the one that brings it.',
  },
  { field: 'aws.profile', verdict: 'decide', why: ACTS_AS },
  { field: 'aws.assumeRole.roleArn', verdict: 'decide', why: ACTS_AS },
  { field: 'aws.assumeRole.externalId', verdict: 'decide', why: ACTS_AS },
  { field: 'aws.defaultTags', verdict: 'free', why: 'They change no permission of the rotation itself.' },
  { field: 'terraform.awsProvider', verdict: 'decide', why: 'Another program carries out every later plan.' },
  { field: 'terraform.backend', verdict: 'decide', why: STATE },
  { field: 'terraform.stacks.keys', verdict: 'decide', why: OTHERS },
  { field: 'terraform.stacks.storage', verdict: 'decide', why: OTHERS },
  { field: 'terraform.s3.bucket', verdict: 'decide', why: STATE },
  { field: 'terraform.s3.region', verdict: 'decide', why: STATE },
  { field: 'terraform.s3.prefix', verdict: 'decide', why: STATE },
  { field: 'terraform.s3.kmsKeyId', verdict: 'decide', why: 'It decides who can read the state.' },
];

/** A field that no row names is one of a later version: somebody looks at it. */
const UNKNOWN = { verdict: 'decide', why: 'This review has no class for this field.' } as const;

/** The class of a change; `cases` are the exact cases that it is. */
export function fieldClass(
  field: string,
  kind: ChangeKind,
  cases: readonly FieldClass['when'][],
): Pick<FieldClass, 'verdict' | 'why'> {
  const found = FIELD_CLASSES.find(
    (row) =>
      row.field === field &&
      (row.kind === undefined || row.kind === kind) &&
      (row.when === undefined || cases.includes(row.when)),
  );
  return found ?? UNKNOWN;
}

/** The classes as a Markdown table, for the markers in docs/plan-review.md. */
export function fieldClassesTable(): string {
  const words = { free: 'free', decide: 'to decide', refused: 'refused' } as const;
  const change = ({ kind, when }: FieldClass): string =>
    [kind, when].filter((one) => one !== undefined).join(', ') || 'any';
  const rows = FIELD_CLASSES.map((row) => `| \`${row.field}\` | ${change(row)} | ${words[row.verdict]} | ${row.why} |`);
  return ['| field | change | verdict | why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
