import type { AwsBehavior } from '../behavior';
import { KmsFault } from '../message';
import type { Need } from '../need';
import { s3ConditionsOf } from '../s3-conditions';
import type { Call } from './call';
import { S3Fault, s3Fault } from './fault';
import type { Bucket } from './state/bucket';
import type { Encryption, EncryptionRequest } from './state/encryption';
import type { ObjectVersion } from './state/object-version';
import { openPart } from './state/sealing';

/**
 * The bucket a request names.
 *
 * @throws S3Fault `NoSuchBucket`; `AccessDenied` where another owner is expected.
 */
export function openBucket(call: Call, name = call.bucketName, ownerHeader = 'x-amz-expected-bucket-owner'): Bucket {
  const bucket = call.endpoint.buckets.get(name);
  if (bucket === undefined) throw s3Fault('NoSuchBucket', undefined, { details: { BucketName: name } });
  const expected = call.headers[ownerHeader];
  if (expected !== undefined && expected !== bucket.owner) throw s3Fault('AccessDenied');
  return bucket;
}

/**
 * Checks an action that is known only after the objects were read.
 *
 * @throws S3Fault `AccessDenied` with the action named.
 */
export function authorize({ endpoint, request }: Call, need: Need): void {
  if (endpoint.permissions.permits(request.caller, need, () => s3ConditionsOf(request))) return;
  throw s3Fault(
    'AccessDenied',
    `User: ${request.caller.arn} is not authorized to perform: ${need.action} on resource: "${need.resource}" because no identity-based policy allows the ${need.action} action`,
  );
}

/** A new data key for a write, KMS's refusals in S3's words. */
export function createDataKey(call: Call, request: EncryptionRequest, place: { bucket: string; key: string }) {
  return speakingS3(call, 'write', () => call.endpoint.keyRing.create(request, place, call.request.caller));
}

/** The data key of a stored version or upload. */
export function unwrapDataKey(
  call: Call,
  encryption: Encryption,
  place: { bucket: string; key: string },
  customerKey?: Buffer,
): Buffer {
  return speakingS3(call, 'read', () =>
    call.endpoint.keyRing.unwrap(encryption, place, call.request.caller, customerKey),
  );
}

/** Bytes `start` to `end` (exclusive) of a version. */
export function readBytes(version: Pick<ObjectVersion, 'parts'>, dataKey: Buffer, start: number, end: number): Buffer {
  const pieces: Buffer[] = [];
  let base = 0;
  for (const part of version.parts) {
    const from = Math.max(start - base, 0);
    const until = Math.min(end - base, part.size);
    if (from < until) pieces.push(openPart(part, dataKey, from, until));
    base += part.size;
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/**
 * Runs a KMS call and tells its refusal as S3 does: `KMS.`-prefixed 400s, with AccessDenied where reading cannot tell
 * a deleted key from a forbidden one, and SlowDown for throttling.
 */
export function speakingS3<T>({ endpoint }: Call, direction: 'read' | 'write', run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof KmsFault ? translated(error, direction, endpoint.behavior) : error;
  }
}

function translated(fault: KmsFault, direction: 'read' | 'write', { pendingImportInS3 }: AwsBehavior): S3Fault {
  if (fault.code === 'ThrottlingException') {
    return s3Fault('SlowDown', 'Please reduce your request rate for operations involving AWS KMS.');
  }
  if (fault.status >= 500) return s3Fault('ServiceUnavailable', fault.message);
  if (fault.code === 'AccessDeniedException') return s3Fault('AccessDenied', fault.message);
  if (fault.code === 'NotFoundException' && direction === 'read') {
    return s3Fault(
      'AccessDenied',
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    );
  }
  const isOwnText = pendingImportInS3 === 'own-text' && fault.message.endsWith('is pending import.');
  return new S3Fault(`KMS.${fault.code}`, 400, isOwnText ? 'The KMS key cannot be used.' : fault.message);
}
