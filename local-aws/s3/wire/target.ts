import type { AwsRequest } from '../../message';
import { s3Fault } from '../fault';

/** What a request is about: `''` for no bucket (the service) and no key (the bucket). */
export interface Target {
  readonly bucket: string;
  readonly key: string;
}

const MAX_KEY_BYTES = 1024;

/**
 * Bucket and key of a request in path style, or in virtual-host style under `*.localhost` and `*.s3.…`. The path is
 * decoded once and never normalised: `a//b`, `..` and a leading `/` are ordinary parts of a key.
 *
 * @throws S3Fault `InvalidURI` for broken percent-encoding or UTF-8, `KeyTooLongError` over 1,024 bytes.
 */
export function targetOf(request: AwsRequest): Target {
  const path = request.rawPath.startsWith('/') ? request.rawPath.slice(1) : request.rawPath;
  const hosted = bucketInHost(request.headers.host ?? '');
  if (hosted !== '') return { bucket: hosted, key: decodeKey(path) };
  const slash = path.indexOf('/');
  if (slash < 0) return { bucket: decodePath(path), key: '' };
  return { bucket: decodePath(path.slice(0, slash)), key: decodeKey(path.slice(slash + 1)) };
}

function bucketInHost(host: string): string {
  const local = host.indexOf('.localhost');
  if (local > 0) return host.slice(0, local) === 's3' ? '' : host.slice(0, local);
  const regional = host.indexOf('.s3.');
  return regional > 0 ? host.slice(0, regional) : '';
}

function decodeKey(raw: string): string {
  const key = decodePath(raw);
  const bytes = key.length <= MAX_KEY_BYTES / 3 ? 0 : Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) {
    throw s3Fault('KeyTooLongError', undefined, {
      details: { Size: String(bytes), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  }
  return key;
}

/** Percent-decoding, once; `+` stays a plus sign. */
export function decodePath(raw: string): string {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    throw s3Fault('InvalidURI');
  }
}

/**
 * The value of `x-amz-copy-source`: `/bucket/key`, percent-encoded, a blank as `+` too, with an optional `?versionId=`.
 *
 * @throws S3Fault `InvalidArgument`.
 */
export function copySourceOf(header: string): Target & { readonly versionId: string | undefined } {
  const mark = header.indexOf('?versionId=');
  const path = mark < 0 ? header : header.slice(0, mark);
  const decoded = decodePath((path.startsWith('/') ? path.slice(1) : path).replaceAll('+', ' '));
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    throw s3Fault('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      details: { ArgumentName: 'x-amz-copy-source', ArgumentValue: header },
    });
  }
  const versionId = mark < 0 ? undefined : decodePath(header.slice(mark + '?versionId='.length));
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1), versionId };
}
