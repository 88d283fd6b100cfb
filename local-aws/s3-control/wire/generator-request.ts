import { badRequest, notServed } from '../fault';
import { KEY_ARN } from './operation-request';
import { bool, integer, list, oneOf, optional, type Reader, required, structure, text, time } from './reader';

const account = text({ max: 64, pattern: /^\d{12}$/ });
const bucketArn = text({ min: 1, max: 128, pattern: /^arn:[^:]+:s3:::[^/]+$/ });
const keyArn = text({ min: 20, max: 2048, pattern: KEY_ARN });
const nothing = structure({});
const fragments = list(text({ min: 1, max: 1024 }));

const output = structure({
  ExpectedManifestBucketOwner: optional(account),
  Bucket: required(bucketArn),
  ManifestPrefix: optional(text({ min: 1, max: 512 })),
  ManifestEncryption: optional(
    structure({
      'SSE-S3': optional(nothing),
      'SSE-KMS': optional(structure({ KeyId: required(text({ min: 1, max: 2000 })) })),
    }),
  ),
  ManifestFormat: required(oneOf('S3InventoryReport_CSV_20211130')),
});

const encryptionFilter = structure({
  'SSE-S3': optional(nothing),
  'SSE-KMS': optional(structure({ KmsKeyArn: optional(keyArn), BucketKeyEnabled: optional(bool) })),
  'DSSE-KMS': optional(structure({ KmsKeyArn: optional(keyArn) })),
  'SSE-C': optional(nothing),
  'NOT-SSE': optional(nothing),
});

/** The API reference: "Array Members: Fixed number of 1 item" for the encryption, whatever its name says. */
const oneEncryption = { member: 'ObjectEncryption', min: 1, max: 1 };

const filter = structure({
  EligibleForReplication: optional(replication('EligibleForReplication')),
  ObjectReplicationStatuses: optional(replication('ObjectReplicationStatuses')),
  CreatedAfter: optional(time),
  CreatedBefore: optional(time),
  KeyNameConstraint: optional(
    structure({
      MatchAnyPrefix: optional(fragments),
      MatchAnySuffix: optional(fragments),
      MatchAnySubstring: optional(fragments),
    }),
  ),
  ObjectSizeGreaterThanBytes: optional(integer()),
  ObjectSizeLessThanBytes: optional(integer()),
  MatchAnyStorageClass: optional(
    list(
      oneOf('STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'GLACIER', 'INTELLIGENT_TIERING', 'DEEP_ARCHIVE', 'GLACIER_IR'),
    ),
  ),
  MatchAnyObjectEncryption: optional(list(oneKind, oneEncryption)),
});

const generator = structure({
  ExpectedBucketOwner: optional(account),
  SourceBucket: required(bucketArn),
  ManifestOutputLocation: optional(output),
  Filter: optional(filter),
  EnableManifestOutput: required(bool),
});

export type ObjectFilter = ReturnType<typeof filter>;
export type EncryptionFilter = ReturnType<typeof encryptionFilter>;
export type ManifestOutput = ReturnType<typeof output>;
export type ObjectGenerator = ReturnType<typeof generator>;

/**
 * Reads `ManifestGenerator`. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_S3JobManifestGenerator.html
 *
 * @throws ControlFault `BadRequestException`; `NotImplemented` for the replication filters.
 */
export const generatorReader: Reader<ObjectGenerator> = (element, path) => {
  const { S3JobManifestGenerator: read } = structure({ S3JobManifestGenerator: required(generator) })(element, path);
  const inside = `${path}.S3JobManifestGenerator`;
  if (read.EnableManifestOutput !== (read.ManifestOutputLocation !== undefined)) {
    throw badRequest(
      `${inside}.ManifestOutputLocation`,
      read.EnableManifestOutput
        ? 'is missing though the output is enabled'
        : 'is there though the output is not enabled',
    );
  }
  const kinds = Object.values(read.ManifestOutputLocation?.ManifestEncryption ?? {}).filter(Boolean);
  if (kinds.length > 1)
    throw badRequest(`${inside}.ManifestOutputLocation.ManifestEncryption`, 'names two encryptions');
  return read;
};

/** A union: exactly one of its members. */
function oneKind(...[element, path]: Parameters<Reader<EncryptionFilter>>): EncryptionFilter {
  const read = encryptionFilter(element, path);
  if (Object.values(read).filter((kind) => kind !== undefined).length !== 1)
    throw badRequest(path, 'must name exactly one encryption');
  return read;
}

function replication(what: string): Reader<never> {
  return () => {
    throw notServed(`The filter ${what}`);
  };
}
