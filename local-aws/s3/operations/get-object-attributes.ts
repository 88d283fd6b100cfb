import type { AwsResponse } from '../../message';
import { openBucket, unwrapDataKey } from '../access';
import type { Call } from '../call';
import { invalidArgument } from '../fault';
import type { ObjectVersion } from '../state/object-version';
import { readableVersion } from '../state/versions';
import { httpTime, versionHeader, xmlAnswer } from '../wire/answer';
import { checkCustomerKey, customerKey } from '../wire/encryption-headers';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';
import { storedParts } from './get-object';
import { limitOf } from './listing';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

/** GetObjectAttributes: tells no encryption, as on AWS. */
export function getObjectAttributes(call: Call): AwsResponse {
  const bucket = openBucket(call);
  const wanted = wantedAttributes(call.headers['x-amz-object-attributes']);
  const version = readableVersion(bucket, call.key, call.query.get('versionId'));
  const given = customerKey(call, 'x-amz-server-side-encryption-customer-');
  checkCustomerKey(version.encryption, given);
  if (wanted.has('Checksum')) {
    unwrapDataKey(call, version.encryption, { bucket: bucket.name, key: call.key }, given?.key);
  }
  const attributes: Readonly<Record<Attribute, () => string>> = {
    ETag: () => leaf('ETag', version.etag),
    Checksum: () => checksumXml(version),
    ObjectParts: () => (version.multipart ? partsXml(call, version) : ''),
    StorageClass: () => leaf('StorageClass', version.storageClass),
    ObjectSize: () => leaf('ObjectSize', version.size),
  };
  const body = ATTRIBUTES.filter((name) => wanted.has(name)).map((name) => attributes[name]());
  return xmlAnswer(xmlDocument('GetObjectAttributesResponse', ...body), {
    'last-modified': httpTime(version.modified),
    ...versionHeader(bucket, version.id),
  });
}

function wantedAttributes(header: string | undefined): ReadonlySet<Attribute> {
  const names = (header ?? '').split(',').map((name) => name.trim());
  const known = names.flatMap((name) => ATTRIBUTES.filter((attribute) => attribute === name));
  if (known.length !== names.length) {
    throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', header ?? '');
  }
  return new Set(known);
}

function checksumXml({ checksum }: ObjectVersion): string {
  if (checksum === undefined) return '';
  const value = checksum.value.replace(/-\d+$/, '');
  return branch('Checksum', leaf(`Checksum${checksum.algorithm}`, value), leaf('ChecksumType', checksum.type));
}

/** Parts are listed only if they have checksums of their own that the object's checksum is computed from. */
function partsXml(call: Call, version: ObjectVersion): string {
  const count = leaf('PartsCount', version.parts.length);
  const { checksum } = version;
  if (checksum === undefined || checksum.type !== 'COMPOSITE') return branch('ObjectParts', count);
  const marker = limitOf(call.headers['x-amz-part-number-marker'] ?? '0', 'x-amz-part-number-marker', 10_000);
  const limit = limitOf(call.headers['x-amz-max-parts'], 'x-amz-max-parts');
  const left = storedParts(version).filter(({ number }) => number > marker);
  const page = left.slice(0, limit);
  return branch(
    'ObjectParts',
    count,
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', page[page.length - 1]?.number ?? 0),
    leaf('MaxParts', limit),
    leaf('IsTruncated', left.length > page.length),
    ...page.map((part) =>
      branch(
        'Part',
        leaf('PartNumber', part.number),
        leaf('Size', part.size),
        leaf(`Checksum${checksum.algorithm}`, part.checksum),
      ),
    ),
  );
}
