import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import { type Encryption, type EncryptionRequest, md5Base64 } from '../state/encryption';

const SSE = 'x-amz-server-side-encryption';

/** A key that the customer sent along. */
export interface CustomerKey {
  readonly key: Buffer;
  readonly md5: string;
}

/**
 * What encryption a write asks for: its own headers, else the bucket's default.
 *
 * @throws S3Fault `InvalidArgument` for headers that contradict one another, `AccessDenied` for SSE-C where the bucket blocks it.
 */
export function encryptionRequested(call: Call, bucket: Bucket): EncryptionRequest {
  const algorithm = call.headers[SSE];
  const customer = customerKey(call, `${SSE}-customer-`);
  if (customer !== undefined) {
    if (algorithm !== undefined) {
      throw invalidArgument(
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
        SSE,
        algorithm,
      );
    }
    if (bucket.encryption.blocked.includes('SSE-C')) {
      throw s3Fault(
        'AccessDenied',
        'Requests specifying Server Side Encryption with Customer provided keys are blocked by the bucket encryption configuration.',
      );
    }
    return { kind: 'SSE-C', ...customer };
  }
  const keyId = call.headers[`${SSE}-aws-kms-key-id`];
  const bucketKey = booleanHeader(call, `${SSE}-bucket-key-enabled`);
  const context = contextHeader(call.headers[`${SSE}-context`]);
  if (algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse') {
    const withBucketKey = algorithm === 'aws:kms' && (bucketKey ?? bucket.encryption.bucketKey);
    return { kind: algorithm, keyId, bucketKey: withBucketKey, context };
  }
  if (keyId !== undefined || context !== undefined) {
    throw invalidArgument(
      `Server Side Encryption with AWS KMS managed key requires HTTP header ${SSE} : aws:kms`,
      SSE,
      algorithm ?? 'null',
    );
  }
  if (algorithm === 'AES256') return { kind: 'AES256' };
  if (algorithm !== undefined)
    throw invalidArgument('The encryption method specified is not supported', SSE, algorithm);
  return bucketDefault(bucket, bucketKey);
}

function bucketDefault(bucket: Bucket, bucketKey: boolean | undefined): EncryptionRequest {
  const rule = bucket.encryption;
  if (rule.algorithm === 'AES256') return { kind: 'AES256' };
  return {
    kind: rule.algorithm,
    keyId: rule.keyId,
    bucketKey: rule.algorithm === 'aws:kms' && (bucketKey ?? rule.bucketKey),
    context: undefined,
  };
}

/** True when the write names its encryption itself. */
export function namesEncryption(call: Call): boolean {
  return call.headers[SSE] !== undefined || call.headers[`${SSE}-customer-algorithm`] !== undefined;
}

/**
 * The customer key under a header prefix (`x-amz-server-side-encryption-customer-` or that of the copy source).
 *
 * @throws S3Fault `InvalidArgument` when one of the three headers is missing or wrong.
 */
export function customerKey(call: Call, prefix: string): CustomerKey | undefined {
  const algorithm = call.headers[`${prefix}algorithm`];
  const encoded = call.headers[`${prefix}key`];
  const md5 = call.headers[`${prefix}key-md5`];
  if (algorithm === undefined && encoded === undefined && md5 === undefined) return undefined;
  if (algorithm !== 'AES256') {
    throw invalidArgument(
      'Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.',
      `${prefix}algorithm`,
      algorithm ?? 'null',
    );
  }
  const key = Buffer.from(encoded ?? '', 'base64');
  if (encoded === undefined || key.length !== 32) {
    throw s3Fault('InvalidArgument', 'The secret key was invalid for the specified algorithm.', {
      details: { ArgumentName: `${prefix}key` },
    });
  }
  if (md5 === undefined || md5Base64(key) !== md5) {
    throw invalidArgument(
      'The calculated MD5 hash of the key did not match the hash that was provided.',
      `${prefix}key-MD5`,
      md5 ?? 'null',
    );
  }
  return { key, md5 };
}

/**
 * Holds the customer key of a read against the version's.
 *
 * @throws S3Fault `InvalidRequest` without one where it is needed, or with one where there is nothing to decrypt; `AccessDenied` for another key.
 */
export function checkCustomerKey(encryption: Encryption, given: CustomerKey | undefined): void {
  if (encryption.kind !== 'SSE-C') {
    if (given !== undefined)
      throw s3Fault('InvalidRequest', 'The encryption parameters are not applicable to this object.');
    return;
  }
  if (given === undefined) {
    throw s3Fault(
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    );
  }
  if (given.md5 !== encryption.customerKeyMd5) throw s3Fault('AccessDenied');
}

/** GET and HEAD take no SSE header but a customer key. */
export function refuseEncryptionHeaders(call: Call): void {
  for (const name of [SSE, `${SSE}-aws-kms-key-id`]) {
    const value = call.headers[name];
    if (value !== undefined) throw invalidArgument(`${name} header is not supported for this operation.`, name, value);
  }
}

/** The headers that tell a version's encryption, on reads and writes alike. */
export function encryptionHeaders(encryption: Encryption): Record<string, string> {
  if (encryption.kind === 'SSE-C') {
    return { [`${SSE}-customer-algorithm`]: 'AES256', [`${SSE}-customer-key-md5`]: encryption.customerKeyMd5 };
  }
  if (encryption.kind === 'AES256') return { [SSE]: 'AES256' };
  const headers: Record<string, string> = { [SSE]: encryption.kind, [`${SSE}-aws-kms-key-id`]: encryption.keyArn };
  if (encryption.bucketKey) headers[`${SSE}-bucket-key-enabled`] = 'true';
  return headers;
}

/** As {@link encryptionHeaders}, with the context, which only writes send back. */
export function writtenEncryptionHeaders(encryption: Encryption): Record<string, string> {
  const headers = encryptionHeaders(encryption);
  if (encryption.context !== undefined) {
    headers[`${SSE}-context`] = Buffer.from(JSON.stringify(encryption.context)).toString('base64');
  }
  return headers;
}

function booleanHeader(call: Call, name: string): boolean | undefined {
  const value = call.headers[name];
  if (value === undefined) return undefined;
  if (value.toLowerCase() !== 'true' && value.toLowerCase() !== 'false') {
    throw invalidArgument(`${name} must be true or false`, name, value);
  }
  return value.toLowerCase() === 'true';
}

function contextHeader(header: string | undefined): Readonly<Record<string, string>> | undefined {
  if (header === undefined) return undefined;
  const refused = invalidArgument(
    'The header x-amz-server-side-encryption-context shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map',
    'x-amz-server-side-encryption-context',
    header,
  );
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    throw refused;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw refused;
  const pairs = Object.entries(parsed);
  const texts = pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (texts.length !== pairs.length) throw refused;
  return Object.fromEntries(texts);
}
