import { createHash } from 'node:crypto';

/** Tag of a job that a person paused: while it is set, no new job is created for the bucket. */
export const PAUSED_TAG = 'keyturn:paused';
/** Tag of a job whose failure was reported: the next run starts a new attempt. */
export const ACKNOWLEDGED_TAG = 'keyturn:acknowledged';
/** What `StatusUpdateReason` begins with where Keyturn cancelled a job: it is not reported. */
export const OWN_REASON = 'keyturn job';

/** What a job is for. All jobs of a scope do the same, one after the other or each a part of it. */
export interface JobScope {
  /** Name of the rotation. */
  readonly rotation: string;
  /** Bucket whose objects are moved. */
  readonly bucket: string;
  /** Full ARN of the active key. */
  readonly targetKeyArn: string;
  readonly method: 'rewrap' | 'rewrite';
  /**
   * {@link switchId} of the switch that the job belongs to. Absent: the job was created before jobs were bound to a
   * switch; no run takes it for its own.
   */
  readonly switchId?: string | undefined;
}

/** One move of alias and bucket defaults to a key version. */
export interface Switch {
  /** When the alias was moved, ISO 8601. */
  readonly at: string;
  /** Full ARN of the key that it was moved to. */
  readonly keyArn: string;
  /** KeyMaterialId of the material that the key encrypts with; absent for keys whose material KMS made. */
  readonly keyMaterialId?: string | undefined;
  /** `sourcesId` of what is moved: a job that moved something else is none of this run's. */
  readonly sources?: string | undefined;
}

/** Twelve hex digits that differ for any other switch, also for a later one to the same key. */
export function switchId({ at, keyArn, keyMaterialId, sources }: Switch): string {
  const parts = ['keyturn switch', at, keyArn, keyMaterialId ?? '', sources ?? ''];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/** Which job of its scope: the attempt, from 1, and its part of it. */
export interface JobId {
  readonly attempt: number;
  /** `all`, `under-<key id>`, `sse-s3`, and `again-1`, … for what an earlier job of the attempt failed transiently. */
  readonly part: string;
}

/** What a job works on. */
export type JobManifest =
  | {
      /** A CSV of our own, with one row for each object version. */
      readonly kind: 'listed';
      readonly key: string;
      /** Without quotes. */
      readonly etag: string;
      /** False for buckets that never had versions, whose rows have no version id. */
      readonly withVersionIds: boolean;
    }
  | {
      /** S3 lists what is encrypted in one way: its filter accepts one encryption, so each needs a job of its own. */
      readonly kind: 'generated';
      /** Full ARN of a superseded key, or SSE-S3. */
      readonly under: { readonly keyArn: string } | 'sse-s3';
    };

/** Where jobs of a rotation run, and as whom. */
export interface JobPlace {
  /** Twelve digits. */
  readonly account: string;
  /** Full ARN of the role that S3 assumes. */
  readonly roleArn: string;
  /** Bucket of manifests and reports. */
  readonly bucket: string;
  /** Where in it, with a slash at the end. */
  readonly prefix: string;
  /** 0 to 2,147,483,647. */
  readonly priority: number;
}

export interface JobFacts extends JobId {
  readonly scope: JobScope;
  readonly place: JobPlace;
  /** One setting for all objects: S3 turns the bucket key off where it is not sent. */
  readonly bucketKey: boolean;
  /** When the listing that the job works on was started, ISO 8601. */
  readonly startedAt: string;
  readonly manifest: JobManifest;
}

interface GeneratorFilter {
  readonly MatchAnyObjectEncryption: readonly (
    | { readonly SSEKMS: { readonly KmsKeyArn: string } }
    | { readonly SSES3: object }
  )[];
}

/** A whole CreateJob request as plain JSON: what is reviewed is what is sent. */
export interface JobSpec {
  readonly AccountId: string;
  readonly ConfirmationRequired: true;
  readonly ClientRequestToken: string;
  readonly Description: string;
  readonly Priority: number;
  readonly RoleArn: string;
  readonly Operation:
    | {
        readonly S3UpdateObjectEncryption: {
          readonly ObjectEncryption: {
            readonly SSEKMS: { readonly KMSKeyArn: string; readonly BucketKeyEnabled: boolean };
          };
        };
      }
    | {
        readonly S3PutObjectCopy: {
          readonly TargetResource: string;
          readonly MetadataDirective: 'COPY';
          readonly StorageClass: 'STANDARD';
          readonly NewObjectMetadata: { readonly SSEAlgorithm: 'KMS' };
          readonly SSEAwsKmsKeyId: string;
          readonly BucketKeyEnabled: boolean;
        };
      };
  readonly Manifest?: {
    readonly Spec: { readonly Format: 'S3BatchOperations_CSV_20180820'; readonly Fields: readonly string[] };
    readonly Location: { readonly ObjectArn: string; readonly ETag: string };
  };
  readonly ManifestGenerator?: {
    readonly S3JobManifestGenerator: {
      readonly ExpectedBucketOwner: string;
      readonly SourceBucket: string;
      readonly EnableManifestOutput: true;
      readonly ManifestOutputLocation: {
        readonly ExpectedManifestBucketOwner: string;
        readonly Bucket: string;
        readonly ManifestPrefix: string;
        readonly ManifestFormat: 'S3InventoryReport_CSV_20211130';
        readonly ManifestEncryption: { readonly SSES3: object };
      };
      readonly Filter: GeneratorFilter;
    };
  };
  readonly Report: {
    readonly ExpectedBucketOwner: string;
    readonly Enabled: true;
    readonly Bucket: string;
    readonly Prefix: string;
    readonly Format: 'Report_CSV_20180820';
    readonly ReportScope: 'AllTasks';
  };
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[];
}

/**
 * The CreateJob request for a job. The same facts give the same bytes and the same token, so a run that is repeated is
 * answered with the job that is there.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
 */
export function jobSpec(facts: JobFacts): JobSpec {
  const { scope, place, manifest } = facts;
  return {
    AccountId: place.account,
    ConfirmationRequired: true,
    ClientRequestToken: jobToken(scope, facts),
    Description: jobDescription(scope, facts),
    Priority: place.priority,
    RoleArn: place.roleArn,
    Operation: operationOf(facts),
    ...(manifest.kind === 'listed' ? listed(facts, manifest) : generated(facts, manifest)),
    Report: {
      ExpectedBucketOwner: place.account,
      Enabled: true,
      Bucket: bucketArn(scope, place.bucket),
      Prefix: `${place.prefix}reports`,
      Format: 'Report_CSV_20180820',
      ReportScope: 'AllTasks',
    },
    Tags: Object.entries(jobTags(facts)).map(([Key, Value]) => ({ Key, Value })),
  };
}

/** Tags that a job is created with. */
function jobTags({ scope, startedAt, attempt, part }: JobFacts): Readonly<Record<string, string>> {
  return {
    'keyturn:rotation': scope.rotation,
    'keyturn:bucket': scope.bucket,
    'keyturn:target': scope.targetKeyArn,
    ...(scope.switchId === undefined ? {} : { 'keyturn:switch': scope.switchId }),
    'keyturn:started': startedAt,
    'keyturn:attempt': `${attempt} ${part}`,
  };
}

function operationOf({ scope, bucketKey }: JobFacts): JobSpec['Operation'] {
  const { bucket, targetKeyArn, method } = scope;
  if (method === 'rewrap') {
    const SSEKMS = { KMSKeyArn: targetKeyArn, BucketKeyEnabled: bucketKey };
    return { S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS } } };
  }
  return {
    S3PutObjectCopy: {
      TargetResource: bucketArn(scope, bucket),
      MetadataDirective: 'COPY',
      StorageClass: 'STANDARD',
      NewObjectMetadata: { SSEAlgorithm: 'KMS' },
      SSEAwsKmsKeyId: targetKeyArn,
      BucketKeyEnabled: bucketKey,
    },
  };
}

function listed(
  { scope, place }: JobFacts,
  manifest: Extract<JobManifest, { kind: 'listed' }>,
): Pick<JobSpec, 'Manifest'> {
  const Fields = manifest.withVersionIds ? ['Bucket', 'Key', 'VersionId'] : ['Bucket', 'Key'];
  return {
    Manifest: {
      Spec: { Format: 'S3BatchOperations_CSV_20180820', Fields },
      Location: { ObjectArn: `${bucketArn(scope, place.bucket)}/${manifest.key}`, ETag: manifest.etag },
    },
  };
}

function generated(
  facts: JobFacts,
  manifest: Extract<JobManifest, { kind: 'generated' }>,
): Pick<JobSpec, 'ManifestGenerator'> {
  const { scope, place } = facts;
  const { under } = manifest;
  return {
    ManifestGenerator: {
      S3JobManifestGenerator: {
        ExpectedBucketOwner: place.account,
        SourceBucket: bucketArn(scope, scope.bucket),
        EnableManifestOutput: true,
        ManifestOutputLocation: {
          ExpectedManifestBucketOwner: place.account,
          Bucket: bucketArn(scope, place.bucket),
          ManifestPrefix: attemptPrefix(place.prefix, scope, facts.attempt).slice(0, -1),
          ManifestFormat: 'S3InventoryReport_CSV_20211130',
          ManifestEncryption: { SSES3: {} },
        },
        Filter: {
          MatchAnyObjectEncryption: [under === 'sse-s3' ? { SSES3: {} } : { SSEKMS: { KmsKeyArn: under.keyArn } }],
        },
      },
    },
  };
}

/** Prefix of what an attempt leaves in the bucket of manifests, with a slash at the end. */
export function attemptPrefix(prefix: string, scope: JobScope, attempt: number): string {
  return `${attemptsPrefix(prefix, scope)}${attempt}/`;
}

/** What the prefixes of all attempts of a scope start with; the number of the attempt follows. */
export function attemptsPrefix(prefix: string, { bucket, method, targetKeyArn, switchId: of }: JobScope): string {
  const bound = of === undefined ? '' : `-${of}`;
  return `${prefix}manifests/${bucket}/${method}-${keyIdOf(targetKeyArn)}${bound}-`;
}

/** The name under which a job is found again: ListJobs reports it, and reports no tags. */
export function jobDescription(scope: JobScope, { attempt, part }: JobId): string {
  return `${descriptionStart(scope)}#${attempt} ${part}`;
}

function descriptionStart({ rotation, method, bucket, targetKeyArn, switchId: of }: JobScope): string {
  return `keyturn ${rotation}: ${method} ${bucket} to ${keyIdOf(targetKeyArn)}${of === undefined ? '' : `@${of}`} `;
}

/** `ClientRequestToken`: 64 hex digits, the most that S3 accepts. */
export function jobToken(scope: JobScope, { attempt, part }: JobId): string {
  const { rotation, bucket, targetKeyArn, method, switchId: of = '' } = scope;
  const parts = ['keyturn job', rotation, bucket, targetKeyArn, method, of, String(attempt), part];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** SHA-256 of a specification as it is recorded, lower-case hex. */
export function specSha256(spec: JobSpec): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex');
}

/** The last part of a key's ARN. */
export function keyIdOf(keyArn: string): string {
  return keyArn.slice(keyArn.lastIndexOf('/') + 1);
}

/** Partitions differ in their ARNs; the key's partition is that of the buckets too. */
function bucketArn({ targetKeyArn }: JobScope, bucket: string): string {
  return `arn:${targetKeyArn.split(':')[1]}:s3:::${bucket}`;
}
