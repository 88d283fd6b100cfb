import type { AwsRequest } from '../message';
import { notImplemented } from './fault';
import { CHECKSUM_ALGORITHMS, checksumHeader } from './wire/checksum';

const SSE = 'x-amz-server-side-encryption';
const CUSTOMER = ['customer-algorithm', 'customer-key', 'customer-key-md5'];

/** Headers and hoisted parameters of the signature and the client, which say nothing to S3. */
const IGNORED = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-trailer',
  'x-amz-user-agent',
]);

/** Every `x-amz-…` header that some operation here reads. */
const KNOWN = new Set([
  ...CHECKSUM_ALGORITHMS.map(checksumHeader),
  SSE,
  `${SSE}-aws-kms-key-id`,
  `${SSE}-bucket-key-enabled`,
  `${SSE}-context`,
  ...CUSTOMER.flatMap((name) => [`${SSE}-${name}`, `x-amz-copy-source-server-side-encryption-${name}`]),
  'x-amz-acl',
  'x-amz-bucket-object-lock-enabled',
  'x-amz-bypass-governance-retention',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-if-unmodified-since',
  'x-amz-copy-source-range',
  'x-amz-expected-bucket-owner',
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
  'x-amz-max-parts',
  'x-amz-metadata-directive',
  'x-amz-mp-object-size',
  'x-amz-object-annotation-directive',
  'x-amz-object-attributes',
  'x-amz-object-lock-legal-hold',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-ownership',
  'x-amz-optional-object-attributes',
  'x-amz-part-number-marker',
  'x-amz-request-payer',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-source-expected-bucket-owner',
  'x-amz-storage-class',
  'x-amz-tagging',
  'x-amz-tagging-directive',
  'x-amz-website-redirect-location',
]);

/**
 * A request's headers, joined by the `x-amz-…` parameters that a presigner moved into the query.
 *
 * @throws S3Fault `NotImplemented` for an `x-amz-…` header that nothing here reads.
 */
export function readHeaders(request: AwsRequest): Readonly<Record<string, string | undefined>> {
  for (const name in request.headers) checkName(name);
  let hoisted: Record<string, string> | undefined;
  for (const [parameter, value] of request.query) {
    if (!isHoisted(parameter)) continue;
    const name = parameter.toLowerCase();
    checkName(name);
    hoisted ??= {};
    hoisted[name] = value;
  }
  return hoisted === undefined ? request.headers : { ...hoisted, ...request.headers };
}

/** Query parameters that are headers, or the signature's own. */
export function isHoisted(parameter: string): boolean {
  return parameter.startsWith('x-amz-') || parameter.startsWith('X-Amz-');
}

function checkName(name: string): void {
  if (!name.startsWith('x-amz-') || name.startsWith('x-amz-meta-')) return;
  if (!KNOWN.has(name) && !IGNORED.has(name)) throw notImplemented(name, 'header');
}
