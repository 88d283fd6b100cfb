import { type JobPlace, type JobSpec, keyIdOf } from './job-spec';

/** Which objects S3 is to list, and for whom. */
export interface GeneratedManifestFacts {
  /** Name of the rotation. */
  readonly rotation: string;
  readonly bucket: string;
  /** Full ARN of the key whose objects S3 is to list. */
  readonly underKeyArn: string;
  /** One layer or two: S3's filter accepts one of them. */
  readonly layers: 'SSE-KMS' | 'DSSE-KMS';
  /** Full ARN of the active key: what the job would move objects to if somebody confirmed it. */
  readonly activeKeyArn: string;
  readonly place: JobPlace;
  /** Distinguishes this job from all others; at most 50 characters. */
  readonly nonce: string;
  /** Objects whose keys do not start with it are left out. */
  readonly prefix?: string | undefined;
}

/**
 * The job whose manifest lists what is under a key. It is never confirmed. If it were, it would do what the rotation is
 * about: rewrap what is left to the active key.
 */
export function generatedManifestSpec(facts: GeneratedManifestFacts): JobSpec {
  const { rotation, bucket, underKeyArn, layers, activeKeyArn, place, nonce } = facts;
  const spec = {
    AccountId: place.account,
    ConfirmationRequired: true,
    ClientRequestToken: `${nonce}-${layers}`.slice(0, 64),
    Description: `${descriptionStart(rotation, bucket)}${keyIdOf(underKeyArn)} (${layers})`.slice(0, 256),
    Priority: place.priority,
    RoleArn: place.roleArn,
    Operation: {
      S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: activeKeyArn, BucketKeyEnabled: true } } },
    },
    ManifestGenerator: { S3JobManifestGenerator: generatorOf(facts) },
    Report: {
      ExpectedBucketOwner: place.account,
      Enabled: true,
      Bucket: bucketArn(activeKeyArn, place.bucket),
      Prefix: `${place.prefix}reports`,
      Format: 'Report_CSV_20180820',
      ReportScope: 'AllTasks',
    },
    Tags: [
      { Key: 'keyturn:rotation', Value: rotation },
      { Key: 'keyturn:generated-manifest', Value: bucket },
    ],
  };
  // It filters by name and by two layers, which the specification of a job that moves objects does not.
  return spec as unknown as JobSpec;
}

function generatorOf({ bucket, underKeyArn, layers, activeKeyArn, place, prefix }: GeneratedManifestFacts) {
  const under = { KmsKeyArn: underKeyArn };
  return {
    ExpectedBucketOwner: place.account,
    SourceBucket: bucketArn(activeKeyArn, bucket),
    EnableManifestOutput: true,
    ManifestOutputLocation: {
      ExpectedManifestBucketOwner: place.account,
      Bucket: bucketArn(activeKeyArn, place.bucket),
      ManifestPrefix: `${place.prefix}manifests/generated/${bucket}`,
      ManifestFormat: 'S3InventoryReport_CSV_20211130',
      ManifestEncryption: { SSES3: {} },
    },
    Filter: {
      MatchAnyObjectEncryption: [layers === 'SSE-KMS' ? { SSEKMS: under } : { DSSEKMS: under }],
      ...(prefix === undefined ? {} : { KeyNameConstraint: { MatchAnyPrefix: [prefix] } }),
    },
  };
}

function bucketArn(keyArn: string, name: string): string {
  return `arn:${keyArn.split(':')[1]}:s3:::${name}`;
}

/** True for a job that was created for its manifest alone. */
export function isGeneratedManifestJob(description: string | undefined, rotation: string, bucket: string): boolean {
  return description?.startsWith(descriptionStart(rotation, bucket)) ?? false;
}

/** Differs from the description of a job that moves objects, so that nobody confuses them. */
function descriptionStart(rotation: string, bucket: string): string {
  return `keyturn ${rotation}: generated manifest of ${bucket}, never to run, under `;
}
