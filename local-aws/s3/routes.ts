import type { AwsRequest } from '../message';
import type { Handler } from './call';
import { isHoisted } from './headers';
import * as annotation from './operations/annotations';
import * as encryption from './operations/bucket-encryption';
import * as policy from './operations/bucket-policy';
import * as settings from './operations/bucket-settings';
import * as buckets from './operations/buckets';
import { completeMultipartUpload } from './operations/complete-multipart-upload';
import { copyObject } from './operations/copy-object';
import { deleteObject, deleteObjects } from './operations/delete-objects';
import { getObject, headObject } from './operations/get-object';
import { getObjectAttributes } from './operations/get-object-attributes';
import { listObjectVersions } from './operations/list-object-versions';
import { listObjects, listObjectsV2 } from './operations/list-objects';
import { listMultipartUploads, listParts } from './operations/list-uploads';
import * as multipart from './operations/multipart-upload';
import * as lock from './operations/object-lock';
import * as object from './operations/object-settings';
import { putObject } from './operations/put-object';
import { restoreObject } from './operations/restore-object';
import * as stored from './operations/stored-configuration';
import * as unconfigured from './operations/unconfigured';
import { updateObjectEncryption } from './operations/update-object-encryption';
import type { Target } from './wire/target';

/** An operation under AWS's name, with the query parameters it reads besides its sub-resource. */
export interface Route {
  readonly operation: string;
  readonly handler: Handler;
  readonly parameters: ReadonlySet<string>;
}

type Level = 'service' | 'bucket' | 'object';

const VERSION = ['versionId'];
/** Stands for the sub-resource `annotation` of a GET that names one. */
const NAMED_ANNOTATION = 'annotation annotationName';
const ANNOTATION = [...VERSION, 'annotationName'];
const LISTING = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];
const RESPONSE = [
  'response-content-type',
  'response-content-language',
  'response-expires',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
];

/** Method, level and sub-resource of every operation. A sub-resource `''` is the bucket or object itself. */
const ROUTES = new Map<string, Route>();

function route(where: string, operation: string, handler: Handler, parameters: readonly string[] = []): void {
  ROUTES.set(where, { operation, handler, parameters: new Set(parameters) });
}

route('GET service ', 'ListBuckets', buckets.listBuckets, [
  'max-buckets',
  'continuation-token',
  'prefix',
  'bucket-region',
]);
route('PUT bucket ', 'CreateBucket', buckets.createBucket);
route('HEAD bucket ', 'HeadBucket', buckets.headBucket);
route('DELETE bucket ', 'DeleteBucket', buckets.deleteBucket);
route('GET bucket location', 'GetBucketLocation', buckets.getBucketLocation);
route('GET bucket encryption', 'GetBucketEncryption', encryption.getBucketEncryption);
route('PUT bucket encryption', 'PutBucketEncryption', encryption.putBucketEncryption);
route('DELETE bucket encryption', 'DeleteBucketEncryption', encryption.deleteBucketEncryption);
route('GET bucket versioning', 'GetBucketVersioning', settings.getBucketVersioning);
route('PUT bucket versioning', 'PutBucketVersioning', settings.putBucketVersioning);
route('GET bucket publicAccessBlock', 'GetPublicAccessBlock', settings.getPublicAccessBlock);
route('PUT bucket publicAccessBlock', 'PutPublicAccessBlock', settings.putPublicAccessBlock);
route('DELETE bucket publicAccessBlock', 'DeletePublicAccessBlock', settings.deletePublicAccessBlock);
route('GET bucket ownershipControls', 'GetBucketOwnershipControls', settings.getBucketOwnershipControls);
route('PUT bucket ownershipControls', 'PutBucketOwnershipControls', settings.putBucketOwnershipControls);
route('DELETE bucket ownershipControls', 'DeleteBucketOwnershipControls', settings.deleteBucketOwnershipControls);
route('GET bucket tagging', 'GetBucketTagging', settings.getBucketTagging);
route('PUT bucket tagging', 'PutBucketTagging', settings.putBucketTagging);
route('DELETE bucket tagging', 'DeleteBucketTagging', settings.deleteBucketTagging);
route('GET bucket acl', 'GetBucketAcl', settings.getBucketAcl);
route('PUT bucket acl', 'PutBucketAcl', settings.putBucketAcl);
route('GET bucket requestPayment', 'GetBucketRequestPayment', settings.getBucketRequestPayment);
route('PUT bucket requestPayment', 'PutBucketRequestPayment', settings.putBucketRequestPayment);
route('GET bucket policy', 'GetBucketPolicy', policy.getBucketPolicy);
route('PUT bucket policy', 'PutBucketPolicy', policy.putBucketPolicy);
route('DELETE bucket policy', 'DeleteBucketPolicy', policy.deleteBucketPolicy);
route('GET bucket policyStatus', 'GetBucketPolicyStatus', policy.getBucketPolicyStatus);

route('GET bucket cors', 'GetBucketCors', unconfigured.getBucketCors);
route('GET bucket lifecycle', 'GetBucketLifecycleConfiguration', stored.getBucketLifecycleConfiguration);
route('GET bucket replication', 'GetBucketReplication', stored.getBucketReplication);
route('GET bucket website', 'GetBucketWebsite', unconfigured.getBucketWebsite);
route(
  'GET bucket metadataConfiguration',
  'GetBucketMetadataConfiguration',
  unconfigured.getBucketMetadataConfiguration,
);
route('GET bucket accelerate', 'GetBucketAccelerateConfiguration', unconfigured.getBucketAccelerateConfiguration);
route('GET bucket logging', 'GetBucketLogging', unconfigured.getBucketLogging);
route('GET bucket notification', 'GetBucketNotificationConfiguration', unconfigured.getBucketNotificationConfiguration);
route('GET bucket analytics', 'ListBucketAnalyticsConfigurations', unconfigured.listBucketAnalyticsConfigurations, [
  'id',
  'continuation-token',
]);
route(
  'GET bucket intelligent-tiering',
  'ListBucketIntelligentTieringConfigurations',
  unconfigured.listBucketIntelligentTieringConfigurations,
  ['id', 'continuation-token'],
);
route('GET bucket inventory', 'ListBucketInventoryConfigurations', stored.listBucketInventoryConfigurations, [
  'id',
  'continuation-token',
]);
route('GET bucket metrics', 'ListBucketMetricsConfigurations', unconfigured.listBucketMetricsConfigurations, [
  'id',
  'continuation-token',
]);
route('DELETE bucket cors', 'DeleteBucketCors', unconfigured.deleteNothing);
route('PUT bucket lifecycle', 'PutBucketLifecycleConfiguration', stored.putBucketLifecycleConfiguration);
route('DELETE bucket lifecycle', 'DeleteBucketLifecycle', stored.deleteBucketLifecycle);
route('PUT bucket replication', 'PutBucketReplication', stored.putBucketReplication);
route('DELETE bucket replication', 'DeleteBucketReplication', stored.deleteBucketReplication);
route('PUT bucket inventory', 'PutBucketInventoryConfiguration', stored.putBucketInventoryConfiguration, ['id']);
route('DELETE bucket inventory', 'DeleteBucketInventoryConfiguration', stored.deleteBucketInventoryConfiguration, [
  'id',
]);
route('DELETE bucket website', 'DeleteBucketWebsite', unconfigured.deleteNothing);

route('GET bucket ', 'ListObjects', listObjects, [...LISTING, 'marker']);
route('GET bucket list-type', 'ListObjectsV2', listObjectsV2, [
  ...LISTING,
  'continuation-token',
  'start-after',
  'fetch-owner',
]);
route('PUT object ', 'PutObject', putObject);
route('COPY object ', 'CopyObject', copyObject);
route('GET object ', 'GetObject', getObject, [...VERSION, ...RESPONSE, 'partNumber']);
route('HEAD object ', 'HeadObject', headObject, [...VERSION, ...RESPONSE, 'partNumber']);
route('DELETE object ', 'DeleteObject', deleteObject, VERSION);
route('POST bucket delete', 'DeleteObjects', deleteObjects);
route('GET bucket versions', 'ListObjectVersions', listObjectVersions, [...LISTING, 'key-marker', 'version-id-marker']);
route('GET object annotation', 'ListObjectAnnotations', annotation.listObjectAnnotations, [
  ...VERSION,
  'annotation-prefix',
  'max-annotation-results',
]);
route(`GET object ${NAMED_ANNOTATION}`, 'GetObjectAnnotation', annotation.getObjectAnnotation, ANNOTATION);
route('PUT object annotation', 'PutObjectAnnotation', annotation.putObjectAnnotation, ANNOTATION);
route('DELETE object annotation', 'DeleteObjectAnnotation', annotation.deleteObjectAnnotation, ANNOTATION);
route('GET object tagging', 'GetObjectTagging', object.getObjectTagging, VERSION);
route('PUT object tagging', 'PutObjectTagging', object.putObjectTagging, VERSION);
route('DELETE object tagging', 'DeleteObjectTagging', object.deleteObjectTagging, VERSION);
route('GET object acl', 'GetObjectAcl', object.getObjectAcl, VERSION);
route('PUT object acl', 'PutObjectAcl', object.putObjectAcl, VERSION);
route('GET object attributes', 'GetObjectAttributes', getObjectAttributes, VERSION);
route('POST object restore', 'RestoreObject', restoreObject, VERSION);
route('GET object retention', 'GetObjectRetention', lock.getObjectRetention, VERSION);
route('PUT object retention', 'PutObjectRetention', lock.putObjectRetention, VERSION);
route('GET object legal-hold', 'GetObjectLegalHold', lock.getObjectLegalHold, VERSION);
route('PUT object legal-hold', 'PutObjectLegalHold', lock.putObjectLegalHold, VERSION);
route('GET bucket object-lock', 'GetObjectLockConfiguration', lock.getObjectLockConfiguration);
route('PUT bucket object-lock', 'PutObjectLockConfiguration', lock.putObjectLockConfiguration);

route('POST object uploads', 'CreateMultipartUpload', multipart.createMultipartUpload);
route('PUT object uploadId', 'UploadPart', multipart.uploadPart, ['partNumber']);
route('COPY object uploadId', 'UploadPartCopy', multipart.uploadPartCopy, ['partNumber']);
route('POST object uploadId', 'CompleteMultipartUpload', completeMultipartUpload);
route('DELETE object uploadId', 'AbortMultipartUpload', multipart.abortMultipartUpload);
route('GET object uploadId', 'ListParts', listParts, ['max-parts', 'part-number-marker']);
route('GET bucket uploads', 'ListMultipartUploads', listMultipartUploads, [
  'prefix',
  'delimiter',
  'encoding-type',
  'key-marker',
  'max-uploads',
  'upload-id-marker',
]);
route('PUT object encryption', 'UpdateObjectEncryption', updateObjectEncryption, VERSION);

/** Parameters that S3 takes as a sub-resource: one that a method has no operation for is refused, never ignored. */
const SUB_RESOURCES = new Set([
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'annotation',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'list-type',
  'location',
  'logging',
  'metadataConfiguration',
  'metadataInventoryTable',
  'metadataJournalTable',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
]);

/** The operation a request asks for, or undefined where there is none. */
export function routeOf(request: AwsRequest, target: Target): Route | undefined {
  const level: Level = target.key !== '' ? 'object' : target.bucket !== '' ? 'bucket' : 'service';
  let subResource = '';
  if (request.query.size > 0) {
    for (const name of request.query.keys()) {
      if (!SUB_RESOURCES.has(name)) continue;
      if (subResource !== '') return undefined;
      subResource = name;
    }
  }
  // One path serves the list of annotations and each of them.
  if (subResource === 'annotation' && request.query.has('annotationName') && request.method === 'GET')
    subResource = NAMED_ANNOTATION;
  const copies = level === 'object' && request.method === 'PUT' && 'x-amz-copy-source' in request.headers;
  return ROUTES.get(`${copies ? 'COPY' : request.method} ${level} ${subResource}`);
}

/** The first query parameter that a route does not read, undefined when it reads them all. */
export function strayParameter(request: AwsRequest, route: Route): string | undefined {
  for (const name of request.query.keys()) {
    if (name === 'x-id' || SUB_RESOURCES.has(name) || isHoisted(name) || route.parameters.has(name)) continue;
    return name;
  }
  return undefined;
}

/** AWS's names of all operations served here, sorted. */
export function operations(): readonly string[] {
  return [...ROUTES.values()].map(({ operation }) => operation).sort();
}
