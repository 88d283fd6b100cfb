import { randomBytes } from 'node:crypto';
import { type AwsBehavior, behaviorWith } from '../behavior';
import type { AwsRequest, AwsResponse, Clock, DataKeys, Service } from '../message';
import type { PlacedBucket } from '../need';
import type { Endpoint, Limits } from './call';
import { notImplemented, S3Fault, s3Fault } from './fault';
import { readHeaders } from './headers';
import { elsewhere } from './regions';
import { operations, routeOf, strayParameter } from './routes';
import { CiphertextBuffer } from './state/ciphertext-buffer';
import { KeyRing } from './state/encryption';
import {
  type BucketTags,
  bucketNames,
  bucketTags,
  type ListedBucket,
  listedBucket,
  type StoredVersion,
  storedVersions,
} from './view';
import { type Target, targetOf } from './wire/target';
import { branch, leaf } from './wire/xml-writer';

export interface S3Options {
  readonly clock: Clock;
  /** KMS of a Region. */
  dataKeysIn(region: string): DataKeys;
  /** Every Region that is served: a bucket is of the one that CreateBucket was signed for. */
  readonly regions: readonly string[];
  /** Checks permissions that are known only after the objects were read; if omitted, everybody may do everything. */
  readonly permissions?: Endpoint['permissions'];
  /** S3's own sizes when omitted: 5 GiB for a single write, 5 MiB for the smallest part. */
  readonly limits?: Partial<Limits> | undefined;
  /** The defaults when omitted. */
  readonly behavior?: AwsBehavior;
}

/** The S3 service and a read-only view of what it holds. */
export interface S3 {
  readonly handle: Service;
  /** The refusal of a request for a bucket that is of another Region than the request is signed for. */
  readonly elsewhere: (request: AwsRequest) => AwsResponse | undefined;
  /** AWS's name of the operation a request asks for, `Unknown` for none. */
  readonly operationOf: (request: AwsRequest) => string;
  readonly operations: readonly string[];
  readonly buckets: () => readonly string[];
  /** Every version of a bucket as it is stored: ciphertext and wrapped key, in listing order. */
  readonly versions: (bucket: string) => readonly StoredVersion[];
  /** What a job's manifest generator goes by; undefined for a bucket that does not exist. */
  readonly listed: (bucket: string) => ListedBucket | undefined;
  /** The tags of a bucket, which S3 Control reads and sets too; undefined for a bucket that does not exist. */
  readonly bucketTags: (bucket: string) => BucketTags | undefined;
  /** The Region, the owner and the policy of a bucket; undefined for a bucket that does not exist. */
  readonly placed: (bucket: string) => PlacedBucket | undefined;
}

const GIBIBYTE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

export function createS3(options: S3Options): S3 {
  const behavior = options.behavior ?? behaviorWith();
  const buckets: Endpoint['buckets'] = new Map();
  const endpoint: Endpoint = {
    regions: options.regions,
    limits: { singleWrite: 5 * GIBIBYTE, smallestPart: 5 * MEBIBYTE, ...options.limits },
    buckets,
    keyRing: new KeyRing((bucket) => options.dataKeysIn(buckets.get(bucket)?.region ?? ''), behavior),
    behavior,
    ciphertextBuffer: new CiphertextBuffer(),
    permissions: options.permissions ?? { permits: () => true, shows: () => true },
  };
  return {
    handle: (request) => answer(request, endpoint, options.clock),
    elsewhere: (request) => sentOn(request, (bucket) => buckets.get(bucket)?.region),
    operationOf,
    operations: operations(),
    buckets: () => bucketNames(endpoint),
    versions: (bucket) => storedVersions(endpoint, bucket),
    listed: (bucket) => listedBucket(endpoint, bucket),
    bucketTags: (bucket) => bucketTags(endpoint, bucket),
    placed: (bucket) => buckets.get(bucket),
  };
}

function operationOf(request: AwsRequest): string {
  try {
    return routeOf(request, targetOf(request))?.operation ?? 'Unknown';
  } catch (error) {
    if (error instanceof S3Fault) return 'Unknown';
    throw error;
  }
}

/** Second request ID of S3: it tells hosts apart, of which there is one. */
const HOST_ID = randomBytes(48).toString('base64');

function answer(request: AwsRequest, endpoint: Endpoint, clock: Clock): AwsResponse {
  let response: AwsResponse;
  try {
    response = dispatch(request, endpoint, clock);
  } catch (error) {
    if (!(error instanceof S3Fault)) throw error;
    response = faultAnswer(error, request);
  }
  return identified(response, request);
}

function sentOn(request: AwsRequest, regionOf: (bucket: string) => string | undefined): AwsResponse | undefined {
  try {
    const fault = elsewhere(request, regionOf);
    return fault && identified(faultAnswer(fault, request), request);
  } catch (error) {
    if (error instanceof S3Fault) return undefined;
    throw error;
  }
}

function identified(response: AwsResponse, { requestId }: AwsRequest): AwsResponse {
  return { ...response, headers: { 'x-amz-request-id': requestId, 'x-amz-id-2': HOST_ID, ...response.headers } };
}

function dispatch(request: AwsRequest, endpoint: Endpoint, clock: Clock): AwsResponse {
  const target = targetOf(request);
  const route = routeOf(request, target);
  if (route === undefined) throw refusal(request, target);
  const stray = strayParameter(request, route);
  if (stray !== undefined) throw notImplemented(stray, 'parameter');
  return route.handler({
    endpoint,
    request,
    headers: readHeaders(request),
    query: request.query,
    bucketName: target.bucket,
    key: target.key,
    now: clock.now(),
  });
}

function refusal(request: AwsRequest, target: Target): S3Fault {
  if (target.bucket === '' || (request.query.size === 0 && request.method === 'POST')) {
    return s3Fault('MethodNotAllowed', undefined, { details: { Method: request.method, ResourceType: 'SERVICE' } });
  }
  return notImplemented(
    `${request.method} with ${[...request.query.keys()].join(', ') || 'no sub-resource'}`,
    'operation',
  );
}

/** The error document; HEAD and 304 have no body. */
function faultAnswer(fault: S3Fault, request: AwsRequest): AwsResponse {
  const headers = { 'content-type': 'application/xml', ...fault.headers };
  const errorCode = fault.code;
  if (request.method === 'HEAD') return { status: fault.status, errorCode, headers };
  const details = Object.entries(fault.details).map(([name, value]) => leaf(name, value));
  const body = branch(
    'Error',
    leaf('Code', fault.code),
    leaf('Message', fault.message),
    ...details,
    leaf('RequestId', request.requestId),
    leaf('HostId', HOST_ID),
  );
  return { status: fault.status, errorCode, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}
