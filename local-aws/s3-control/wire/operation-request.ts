import type { XmlElement } from '../../s3/wire/xml-reader';
import { badRequest, notServed } from '../fault';
import { bool, list, oneOf, optional, type Reader, required, structure, text, textMap, time } from './reader';

export const KEY_ARN = /^arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[a-zA-Z0-9-]+$/;

const encryption = structure({
  ObjectEncryption: required(
    structure({
      'SSE-KMS': required(
        structure({
          KMSKeyArn: required(text({ min: 20, max: 2048, pattern: KEY_ARN })),
          BucketKeyEnabled: optional(bool),
        }),
      ),
    }),
  ),
});

const word = text({ min: 1, max: 1024 });

const metadata = structure({
  CacheControl: optional(word),
  ContentDisposition: optional(word),
  ContentEncoding: optional(word),
  ContentLanguage: optional(word),
  UserMetadata: optional(textMap),
  ContentLength: optional(unserved('NewObjectMetadata.ContentLength')),
  ContentMD5: optional(unserved('NewObjectMetadata.ContentMD5')),
  ContentType: optional(word),
  HttpExpiresDate: optional(time),
  RequesterCharged: optional(unserved('NewObjectMetadata.RequesterCharged')),
  SSEAlgorithm: optional(oneOf('AES256', 'KMS')),
});

const copy = structure({
  TargetResource: required(text({ min: 1, max: 128, pattern: /^arn:[^:]+:s3:::[^/]+$/ })),
  CannedAccessControlList: optional(
    oneOf(
      'private',
      'public-read',
      'public-read-write',
      'aws-exec-read',
      'authenticated-read',
      'bucket-owner-read',
      'bucket-owner-full-control',
    ),
  ),
  AccessControlGrants: optional(unserved('S3PutObjectCopy.AccessControlGrants')),
  MetadataDirective: optional(oneOf('COPY', 'REPLACE')),
  ModifiedSinceConstraint: optional(time),
  NewObjectMetadata: optional(metadata),
  NewObjectTagging: optional(
    list(structure({ Key: required(text({ min: 1, max: 128 })), Value: required(text({ max: 256 })) })),
  ),
  RedirectLocation: optional(text({ min: 1, max: 2048 })),
  RequesterPays: optional(unserved('S3PutObjectCopy.RequesterPays')),
  StorageClass: optional(
    oneOf('STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'GLACIER', 'INTELLIGENT_TIERING', 'DEEP_ARCHIVE', 'GLACIER_IR'),
  ),
  UnModifiedSinceConstraint: optional(time),
  SSEAwsKmsKeyId: optional(text({ min: 1, max: 2000 })),
  TargetKeyPrefix: optional(word),
  ObjectLockLegalHoldStatus: optional(oneOf('OFF', 'ON')),
  ObjectLockMode: optional(oneOf('COMPLIANCE', 'GOVERNANCE')),
  ObjectLockRetainUntilDate: optional(time),
  BucketKeyEnabled: optional(bool),
  ChecksumAlgorithm: optional(oneOf('CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME')),
});

export type CopySettings = ReturnType<typeof copy>;

/** What a job does with each object. */
export type JobOperation =
  | { readonly name: 'S3UpdateObjectEncryption'; readonly keyArn: string; readonly bucketKey: boolean }
  | { readonly name: 'S3PutObjectCopy'; readonly copy: CopySettings };

/** The operations of the model that this endpoint has no use for. */
const UNSERVED = new Set([
  'LambdaInvoke',
  'S3PutObjectAcl',
  'S3PutObjectTagging',
  'S3DeleteObjectTagging',
  'S3InitiateRestoreObject',
  'S3PutObjectLegalHold',
  'S3PutObjectRetention',
  'S3ReplicateObject',
  'S3ComputeObjectChecksum',
]);

/** @throws ControlFault `NotImplemented` for an operation that is not served, `BadRequestException` unless there is one. */
export const operationReader: Reader<JobOperation> = (element, path) => {
  const [one, ...more] = element.children;
  if (one === undefined || more.length > 0) throw badRequest(path, 'must have exactly one operation');
  if (UNSERVED.has(one.name)) throw notServed(`The operation ${one.name}`);
  const inside = `${path}.${one.name}`;
  if (one.name === 'S3UpdateObjectEncryption') {
    const { KMSKeyArn: keyArn, BucketKeyEnabled: bucketKey = false } = encryption(one, inside).ObjectEncryption[
      'SSE-KMS'
    ];
    return { name: one.name, keyArn, bucketKey };
  }
  if (one.name !== 'S3PutObjectCopy') throw badRequest(inside, 'is not known');
  return { name: one.name, copy: copy(one, inside) };
};

function unserved(what: string): Reader<never> {
  return (_element: XmlElement) => {
    throw notServed(what);
  };
}
