import { createHash } from 'node:crypto';
import { parseQuery, uriEncode } from './encoding';

/** The parts of a request that its signature covers. */
export interface Signable {
  readonly method: string;
  /** As it came over the wire, without the query. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Names in lower case, repeated headers joined with `,`. */
  readonly headers: Readonly<Record<string, string>>;
}

export const sha256Hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/**
 * The canonical request of Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request
 */
export function canonicalRequest(
  request: Signable,
  service: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  const headers = signedHeaders.map((name) => `${name}:${collapse(request.headers[name] ?? '')}\n`).join('');
  return [
    request.method,
    service === 's3' ? objectPath(request.rawPath) : normalPath(request.rawPath),
    canonicalQuery(request.rawQuery),
    headers,
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** S3 encodes the path once and leaves `.`, `..` and `//` alone: they are part of an object's key. */
function objectPath(rawPath: string): string {
  if (/^[A-Za-z0-9\-._~/]+$/.test(rawPath)) return rawPath;
  return rawPath
    .split('/')
    .map((segment) => uriEncode(decodeURIComponent(segment)))
    .join('/');
}

/** Every other service removes dot segments and empty ones, and encodes what is encoded already a second time. */
function normalPath(rawPath: string): string {
  if (rawPath === '/' || rawPath === '') return '/';
  const kept: string[] = [];
  for (const segment of rawPath.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(uriEncode(segment));
  }
  const slash = kept.length > 0 && rawPath.endsWith('/') ? '/' : '';
  return `/${kept.join('/')}${slash}`;
}

function canonicalQuery(rawQuery: string): string {
  return parseQuery(rawQuery)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const collapse = (value: string): string => value.trim().replace(/ {2,}/g, ' ');
