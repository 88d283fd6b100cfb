import { partitionOf } from '../rotation/partition';
import {
  activeVersion,
  type BucketManagement,
  batchPrefix,
  batchRoleName,
  type KeyVersion,
  type Rotation,
} from '../rotation/rotation';
import type { S3Backend } from '../rotation/settings';
import { type ActionSet, type PolicyName, setsFor, type Target } from './command-permissions';

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Condition;
}

/** An identity-based IAM policy. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** IAM's limit for a managed policy, in characters without white space. */
export const LARGEST_POLICY = 6144;

/**
 * A ready IAM policy for those who run these commands, with resources and conditions as narrow as AWS takes them.
 *
 * Keys that Keyturn declares are known by their tag `keyturn:rotation`, since their ARNs are known only once they exist
 * and every rotation adds one; adopted keys by their ARN. A policy on a tag is as good as the guard on tagging: only
 * `terraform` may tag, and only keys of this rotation or ones that it makes.
 *
 * @param account - 12 digits
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
 */
export function policyDocument(names: readonly PolicyName[], rotation: Rotation, account: string): PolicyDocument {
  const place = { rotation, account, partition: partitionOf(rotation.region) };
  const bySid = new Map<string, ActionSet>();
  for (const set of names.flatMap((name) => setsFor(name, rotation))) bySid.set(set.sid, set);
  const statements = [...bySid.values()].flatMap((set) =>
    SCOPES[set.on](place).map((scope, index) => ({
      Sid: index === 0 ? set.sid : `${set.sid}${index + 1}`,
      Effect: 'Allow' as const,
      Action: set.actions,
      ...scope,
    })),
  );
  return { Version: '2012-10-17', Statement: statements };
}

interface Scope {
  readonly Resource: string | readonly string[];
  readonly Condition?: Condition;
}

const ROTATION_TAG = 'keyturn:rotation';

/** Input of the scopes. */
interface Place {
  readonly rotation: Rotation;
  readonly account: string;
  readonly partition: string;
}

/** Every target as IAM resources and conditions; a target without resources in the rotation has no scope. */
const SCOPES: Readonly<Record<Target, (place: Place) => readonly Scope[]>> = {
  anything: () => [{ Resource: '*' }],
  'new keys': (place) => [{ Resource: '*', Condition: madeForUs(place) }],
  'tags of new keys': (place) => [{ Resource: kms(place, 'key/*'), Condition: madeForUs(place) }],
  keys: allKeys,
  'own keys': ownKeys,
  'keys to retire': (place) => allKeys(place, ({ retire }) => retire === true),
  'own keys for the proof': (place) => {
    const proof = equals({ 'kms:EncryptionContext:keyturn:proof': place.rotation.name });
    return ownKeys(place).map((own) => ({ ...own, Condition: and(own.Condition, proof) }));
  },
  'keys through S3': (place) => allKeys(place).map((scope) => viaS3(place, scope)),
  'named sources through S3': (place) => namedSources(place).map((scope) => viaS3(place, scope)),
  'target keys through S3': (place) => targetKeys(place).map((scope) => viaS3(place, scope)),
  aliases: (place) => [{ Resource: [kms(place, place.rotation.alias), kms(place, `${place.rotation.alias}/*`)] }],
  buckets: (place) => inBuckets(place, bucketNames(place)),
  'owned buckets': (place) => inBuckets(place, [...bucketNames(place, 'bucket'), ...supportBucketNames(place)]),
  'support buckets': (place) => inBuckets(place, supportBucketNames(place)),
  'other buckets': (place) => inBuckets(place, place.rotation.retire.verifyOnlyBuckets),
  'buckets of the account': ({ account, partition }) => [
    { Resource: `arn:${partition}:s3:::*`, Condition: equals({ 'aws:ResourceAccount': account }) },
  ],
  objects: (place) => inBuckets(place, bucketNames(place), '/*'),
  'objects of adopted buckets': (place) => inBuckets(place, bucketNames(place, 'encryption'), '/*'),
  'objects of other buckets': (place) => inBuckets(place, place.rotation.retire.verifyOnlyBuckets, '/*'),
  'new jobs': (place) => [
    { Resource: '*', Condition: equals({ [`aws:RequestTag/${ROTATION_TAG}`]: place.rotation.name }) },
  ],
  jobs: (place) => [{ Resource: jobs(place) }],
  'own jobs': (place) => [
    { Resource: jobs(place), Condition: equals({ [`aws:ResourceTag/${ROTATION_TAG}`]: place.rotation.name }) },
  ],
  'tags of own jobs': (place) => [{ Resource: jobs(place), Condition: keptOwn(place) }],
  'job role': (place) => [{ Resource: jobRole(place) }],
  'job role for jobs': (place) => [
    { Resource: jobRole(place), Condition: equals({ 'iam:PassedToService': 'batchoperations.s3.amazonaws.com' }) },
  ],
  'job bucket': (place) => inBuckets(place, jobBucket(place)),
  manifests: (place) => inBuckets(place, jobBucket(place), `/${batchPrefix(place.rotation)}manifests*`),
  reports: (place) => inBuckets(place, jobBucket(place), `/${batchPrefix(place.rotation)}reports/*`),
  'signing key': ({ rotation: { evidence } }) =>
    evidence.signer?.startsWith('arn:') ? [{ Resource: evidence.signer }] : [],
  'evidence bucket': (place) => inBuckets(place, evidenceBucket(place)),
  evidence: (place) => inBuckets(place, evidenceBucket(place), `/${place.rotation.name}/*`),
  'state bucket': (place) => inState(place, () => ''),
  'state objects': (place) => inState(place, ({ prefix }) => `/${prefix}${place.rotation.name}-*`),
  'state locks': (place) => inState(place, ({ prefix }) => `/${prefix}${place.rotation.name}-*.tflock`),
  'state key': stateKey,
  'readers role': ({ rotation: { retire } }) =>
    retire.rehearseAs === undefined ? [] : [{ Resource: retire.rehearseAs }],
  alarms: ({ rotation, account, partition }) => [
    { Resource: `arn:${partition}:cloudwatch:${rotation.region}:${account}:alarm:keyturn-${rotation.name}-*` },
  ],
};

const kms = ({ rotation, account, partition }: Place, resource: string): string =>
  `arn:${partition}:kms:${rotation.region}:${account}:${resource}`;

const throughS3 = (region: string): Condition => equals({ 'kms:ViaService': `s3.${region}.amazonaws.com` });

/** A taken-over key has the tag only once the keys stack was applied, so it is named too. */
function ownKeys(place: Place): readonly Scope[] {
  const takenOver = place.rotation.keyVersions.flatMap(({ takeOver }) => takeOver ?? []);
  const tagged = {
    Resource: kms(place, 'key/*'),
    Condition: equals({ [`aws:ResourceTag/${ROTATION_TAG}`]: place.rotation.name }),
  };
  return [tagged, ...(takenOver.length === 0 ? [] : [{ Resource: takenOver }])];
}

function allKeys(place: Place, isNamed: (version: KeyVersion) => boolean = () => true): readonly Scope[] {
  const adopted = place.rotation.keyVersions.filter(isNamed).flatMap(({ keyArn }) => keyArn ?? []);
  return [...ownKeys(place), ...(adopted.length === 0 ? [] : [{ Resource: adopted }])];
}

function viaS3({ rotation }: Place, scope: Scope): Scope {
  return { ...scope, Condition: and(scope.Condition, throughS3(rotation.region)) };
}

/** `aws/s3` takes no statement: its key policy admits the account's principals through S3. */
function namedSources(place: Place): readonly Scope[] {
  const { from } = place.rotation.reencrypt;
  const named = from.includes('any') ? [kms(place, 'key/*')] : from.filter((source) => source.startsWith('arn:'));
  return named.length === 0 ? [] : [{ Resource: named }];
}

/** An adopted key is one to leave, unless a rollback made it the active one. */
function targetKeys(place: Place): readonly Scope[] {
  const { keyArn } = activeVersion(place.rotation);
  return [...ownKeys(place), ...(keyArn === undefined ? [] : [{ Resource: keyArn }])];
}

const madeForUs = ({ rotation }: Place): Condition =>
  equals({ [`aws:RequestTag/${ROTATION_TAG}`]: rotation.name, 'kms:KeyOrigin': 'EXTERNAL' });

const bucketNames = ({ rotation }: Place, manage?: BucketManagement): readonly string[] =>
  rotation.buckets.filter((bucket) => manage === undefined || bucket.manage === manage).map((bucket) => bucket.name);

const jobBucket = ({ rotation }: Place): readonly string[] =>
  rotation.reencrypt.batch === undefined ? [] : [rotation.reencrypt.batch.bucket];

const evidenceBucket = ({ rotation }: Place): readonly string[] =>
  rotation.evidence.bucket === undefined ? [] : [rotation.evidence.bucket.name];

/** Support buckets that the storage stack owns. */
const supportBucketNames = (place: Place): readonly string[] => [
  ...(place.rotation.reencrypt.batch?.manage === 'bucket' ? jobBucket(place) : []),
  ...evidenceBucket(place),
];

const jobs = ({ rotation, account, partition }: Place): string =>
  `arn:${partition}:s3:${rotation.region}:${account}:job/*`;

const jobRole = ({ rotation, account, partition }: Place): string =>
  `arn:${partition}:iam::${account}:role/${batchRoleName(rotation)}`;

/**
 * Jobs are tagged at their creation and later: afterwards a job has the tag of this rotation, and before it had no
 * tag of another.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-tags-examples.html
 */
const keptOwn = ({ rotation }: Place): Condition => ({
  ...equals({ [`aws:RequestTag/${ROTATION_TAG}`]: rotation.name }),
  StringEqualsIfExists: { [`aws:ResourceTag/${ROTATION_TAG}`]: rotation.name },
});

function inBuckets({ partition }: Place, names: readonly string[], suffix = ''): readonly Scope[] {
  return names.length === 0 ? [] : [{ Resource: names.map((bucket) => `arn:${partition}:s3:::${bucket}${suffix}`) }];
}

function inState(place: Place, suffix: (s3: S3Backend) => string): readonly Scope[] {
  const { terraform } = place.rotation;
  return terraform.backend === 's3' ? inBuckets(place, [terraform.s3.bucket], suffix(terraform.s3)) : [];
}

/** An alias cannot be a key in a `Resource`, so a condition on the alias identifies the key. */
function stateKey({ rotation: { terraform }, account, partition }: Place): readonly Scope[] {
  if (terraform.backend !== 's3' || terraform.s3.kmsKeyId === undefined) return [];
  const { kmsKeyId: id, region } = terraform.s3;
  const key = (resource: string) => `arn:${partition}:kms:${region}:${account}:key/${resource}`;
  const alias = /(?:^|:)(alias\/.+)$/.exec(id)?.[1];
  if (alias === undefined) return [{ Resource: id.startsWith('arn:') ? id : key(id), Condition: throughS3(region) }];
  const named = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } };
  return [{ Resource: key('*'), Condition: and(throughS3(region), named) }];
}

const equals = (values: Readonly<Record<string, string>>): Condition => ({ StringEquals: values });

function and(left: Condition | undefined, right: Condition): Condition {
  const joined: Record<string, Readonly<Record<string, string | readonly string[]>>> = { ...left };
  for (const [operator, values] of Object.entries(right)) joined[operator] = { ...joined[operator], ...values };
  return joined;
}
