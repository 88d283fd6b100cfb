import { createHash } from 'node:crypto';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import type { ChecksumAlgorithm } from '../state/object-version';
import { CHECKSUM_ALGORITHMS, CHECKSUM_BYTES, checksumHeader, checksumOf } from './checksum';

/** The checksum that a request carried and that its body was found to have. */
export interface ProvedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/** A checksum in the headers or the trailers, if any. */
function declaredChecksum(call: Call): ProvedChecksum | undefined {
  let found: ProvedChecksum | undefined;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const name = checksumHeader(algorithm);
    const value = call.headers[name] ?? call.request.trailers[name];
    if (value === undefined) continue;
    if (found !== undefined) {
      throw s3Fault(
        'InvalidRequest',
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      );
    }
    found = { algorithm, value };
  }
  return found;
}

/** What the client says it uses, whether or not a value came along. */
export function namedAlgorithm(header: string | undefined): ChecksumAlgorithm | undefined {
  if (header === undefined) return undefined;
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === header.toUpperCase());
  if (algorithm === undefined) {
    throw s3Fault(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    );
  }
  return algorithm;
}

/**
 * Holds the body against Content-MD5 and the checksum that came with it.
 *
 * @returns the checksum, when there was one.
 * @throws S3Fault `BadDigest`, `InvalidDigest`, `InvalidRequest`.
 */
export function proveBody(call: Call): ProvedChecksum | undefined {
  proveMd5(call);
  const declared = declaredChecksum(call);
  const named = namedAlgorithm(call.headers['x-amz-sdk-checksum-algorithm']);
  if (declared === undefined) {
    if (named === undefined) return undefined;
    throw s3Fault(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  const { algorithm, value } = declared;
  if (named !== undefined && named !== algorithm) {
    throw s3Fault('InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
  if (Buffer.from(value, 'base64').length !== CHECKSUM_BYTES[algorithm]) {
    throw s3Fault('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`);
  }
  if (checksumOf(algorithm, call.request.body) !== value) {
    throw s3Fault('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
  return declared;
}

/** As {@link proveBody}, for requests that S3 refuses without a Content-MD5 or a checksum. */
export function proveRequiredBody(call: Call): void {
  if (proveBody(call) === undefined && call.headers['content-md5'] === undefined) {
    throw s3Fault('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
}

function proveMd5(call: Call): void {
  const declared = call.headers['content-md5'];
  if (declared === undefined) return;
  if (Buffer.from(declared, 'base64').length !== 16) throw s3Fault('InvalidDigest');
  const found = createHash('md5').update(call.request.body).digest('base64');
  if (found !== declared) {
    throw s3Fault('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      details: { ExpectedDigest: declared, CalculatedDigest: found },
    });
  }
}
