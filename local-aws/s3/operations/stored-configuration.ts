import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call, Handler } from '../call';
import { notConfigured, type S3Code, s3Fault } from '../fault';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { readXml, type XmlElement } from '../wire/xml-reader';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

/*
 * Settings that a bucket answers as they were put, and that do nothing here: no object is replicated, moved or listed. Their form is
 * not checked beyond the name of the root.
 */

interface Kind {
  readonly root: string;
  readonly missing: S3Code;
}

const replication: Kind = { root: 'ReplicationConfiguration', missing: 'ReplicationConfigurationNotFoundError' };
const lifecycle: Kind = { root: 'LifecycleConfiguration', missing: 'NoSuchLifecycleConfiguration' };
const inventory: Kind = { root: 'InventoryConfiguration', missing: 'NoSuchConfiguration' };

const keyOf = ({ root }: Kind, { query }: Call): string => `${root} ${query.get('id') ?? ''}`;

function put(kind: Kind, versioned = false): Handler {
  return (call) => {
    const bucket = openBucket(call);
    if (versioned && bucket.versioning !== 'Enabled')
      throw s3Fault(
        'InvalidRequest',
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
      );
    const document = readXml(call.request.body);
    if (document.name !== kind.root) throw s3Fault('MalformedXML');
    bucket.configurations.set(keyOf(kind, call), document);
    return emptyAnswer(200);
  };
}

function get(kind: Kind): Handler {
  return (call) => {
    const found = openBucket(call).configurations.get(keyOf(kind, call));
    if (found === undefined) throw notConfigured(call, kind.missing);
    return xmlAnswer(xmlDocument(kind.root, ...found.children.map(written)));
  };
}

function remove(kind: Kind): Handler {
  return (call) => {
    openBucket(call).configurations.delete(keyOf(kind, call));
    return emptyAnswer(204);
  };
}

function written({ name, children, text }: XmlElement): string {
  return children.length === 0 ? leaf(name, text) : branch(name, ...children.map(written));
}

export const getBucketReplication = get(replication);
export const putBucketReplication = put(replication, true);
export const deleteBucketReplication = remove(replication);
export const getBucketLifecycleConfiguration = get(lifecycle);
export const putBucketLifecycleConfiguration = put(lifecycle);
export const deleteBucketLifecycle = remove(lifecycle);
export const putBucketInventoryConfiguration = put(inventory);
export const deleteBucketInventoryConfiguration = remove(inventory);

/** Configurations in one answer. */
const PAGE = 100;

/** With an `id` one configuration, without one a page of them: S3 tells GetBucketInventoryConfiguration apart by it alone. */
export function listBucketInventoryConfigurations(call: Call): AwsResponse {
  if (call.query.has('id')) return get(inventory)(call);
  const after = call.query.get('continuation-token') ?? '';
  const all = [...openBucket(call).configurations]
    .filter(([key]) => key.startsWith(`${inventory.root} `) && key > after)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const page = all.slice(0, PAGE);
  const last = all.length > PAGE ? page.at(-1)?.[0] : undefined;
  return xmlAnswer(
    xmlDocument(
      'ListInventoryConfigurationsResult',
      leaf('IsTruncated', last !== undefined),
      ...page.map(([, document]) => branch(inventory.root, ...document.children.map(written))),
      ...(last === undefined ? [] : [leaf('NextContinuationToken', last)]),
    ),
  );
}
