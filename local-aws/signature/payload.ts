import { Refusal } from '../wire/refusal';
import { sha256Hex } from './canonical';
import { decodeChunked, type Payload } from './chunked';
import type { Verified } from './verify';

const unsigned = 'UNSIGNED-PAYLOAD';
const streaming: Readonly<Record<string, { readonly signed: boolean; readonly trailer: boolean }>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { signed: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { signed: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { signed: false, trailer: true },
};

/**
 * The payload hash that stands in the canonical request. S3 wants it declared; for the other services it is the hash of
 * the body that came. Throws a {@link Refusal}.
 */
export function payloadHash(
  service: string,
  headers: Readonly<Record<string, string>>,
  query: ReadonlyMap<string, string>,
  presigned: boolean,
  body: Buffer,
): string {
  if (service !== 's3') return sha256Hex(body);
  const declared = headers['x-amz-content-sha256'];
  if (declared !== undefined) return declared;
  if (presigned) return query.get('X-Amz-Content-Sha256') ?? unsigned;
  throw new Refusal('InvalidRequest', 400, 'Missing required header for this request: x-amz-content-sha256');
}

/** Checks the body against the hash that was signed, and removes aws-chunked framing. Throws a {@link Refusal}. */
export function readPayload(
  declared: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  verified: Verified,
): Payload {
  const mode = streaming[declared];
  if (mode === undefined) refuseTransferEncoding(headers);
  if (declared === unsigned) return { body, trailers: {} };
  if (mode !== undefined) {
    const decodedLength = headers['x-amz-decoded-content-length'];
    if (decodedLength === undefined || !/^\d+$/.test(decodedLength)) {
      throw new Refusal('MissingContentLength', 411, 'You must provide the Content-Length HTTP header.');
    }
    return decodeChunked(body, {
      signed: mode.signed ? verified : undefined,
      declaredTrailers: mode.trailer ? trailerNames(headers) : undefined,
      decodedLength: Number(decodedLength),
    });
  }
  if (declared.startsWith('STREAMING-')) {
    throw new Refusal('NotImplemented', 501, `The x-amz-content-sha256 value ${declared} is not implemented here.`);
  }
  const computed = sha256Hex(body);
  if (computed !== declared) throw hashMismatch(declared, computed);
  return { body, trailers: {} };
}

/** S3 takes a body of unannounced length in aws-chunked framing only. */
function refuseTransferEncoding(headers: Readonly<Record<string, string>>): void {
  if (headers['transfer-encoding'] === undefined) return;
  throw new Refusal('NotImplemented', 501, 'A header you provided implies functionality that is not implemented', {
    Header: 'Transfer-Encoding',
  });
}

function trailerNames(headers: Readonly<Record<string, string>>): readonly string[] {
  return (headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

function hashMismatch(declared: string, computed: string): Refusal {
  if (!/^[0-9a-f]{64}$/.test(declared)) {
    return new Refusal(
      'InvalidArgument',
      400,
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
      { ArgumentName: 'x-amz-content-sha256', ArgumentValue: declared },
    );
  }
  return new Refusal(
    'XAmzContentSHA256Mismatch',
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    {
      ClientComputedContentSHA256: declared,
      S3ComputedContentSHA256: computed,
    },
  );
}
